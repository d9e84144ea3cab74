"""Licences that people write in many ways, with their address and the words of other systems.

Source: https://spdx.org/licenses/ (identifiers); the Hub's words are its own (datasets-cards).
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence: its name, its address, what the Hugging Face Hub calls it."""

    name: str
    url: str
    hub: str


_CC = "https://creativecommons.org"
_KNOWN = (
    Licence("CC0-1.0", f"{_CC}/publicdomain/zero/1.0/", "cc0-1.0"),
    *(
        Licence(f"CC-{kind.upper()}-4.0", f"{_CC}/licenses/{kind}/4.0/", f"cc-{kind}-4.0")
        for kind in ("by", "by-sa", "by-nc", "by-nd", "by-nc-sa", "by-nc-nd")
    ),
    Licence("MIT", "https://opensource.org/license/mit", "mit"),
    Licence("Apache-2.0", "https://www.apache.org/licenses/LICENSE-2.0", "apache-2.0"),
    Licence("ODbL-1.0", "https://opendatacommons.org/licenses/odbl/1-0/", "odbl"),
    Licence("PDDL-1.0", "https://opendatacommons.org/licenses/pddl/1-0/", "pddl"),
)


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9.]", "", text.lower().removeprefix("http://").removeprefix("https://"))


_BY_NAME = {_plain(text): one for one in _KNOWN for text in (one.name, one.url, one.hub)}


def known_licence(text: str) -> Licence | None:
    """The licence that somebody means: ``CC BY 4.0``, ``cc-by-4.0`` and its address are one; None for others."""
    return _BY_NAME.get(_plain(text)) if text.strip() else None
