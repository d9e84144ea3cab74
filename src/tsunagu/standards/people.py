"""People as records name them.

Source: https://support.orcid.org/hc/en-us/articles/360006897674 (structure and check digit of an ORCID iD).
"""

from __future__ import annotations

import re

from tsunagu.standards.model import Agent

_ORCID = re.compile(
    r"(?P<before>.*?)[\s,;(\[<]*(?:orcid:?\s*)?(?:https?://orcid\.org/)?"
    r"(?P<id>\d{4}-\d{4}-\d{4}-\d{3}[\dX])[\s)\]>]*",
    re.IGNORECASE,
)


def agent_named(text: str) -> Agent:
    """A person: ``Hanako Yamada (0000-0002-1825-0097)``, with the iD's address, or the name alone.

    An iD whose check digit is wrong is somebody else's or nobody's, so it stays a part of the name.
    """
    found = _ORCID.fullmatch(text.strip())
    if found is None or not found["before"] or not _is_right(found["id"].upper()):
        return Agent(text.strip())
    return Agent(found["before"], f"https://orcid.org/{found['id'].upper()}")


def _is_right(orcid: str) -> bool:
    """ISO 7064, MOD 11-2."""
    signs = orcid.replace("-", "")
    total = 0
    for digit in signs[:-1]:
        total = (total + int(digit)) * 2
    return "0123456789X"[(12 - total % 11) % 11] == signs[-1]
