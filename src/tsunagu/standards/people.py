"""People as records name them."""

from __future__ import annotations

import re

from tsunagu.standards.identifiers import is_orcid
from tsunagu.standards.model import Agent

_ORCID = re.compile(
    r"(?P<before>.*?)[\s,;(\[<]*(?:orcid:?\s*)?(?:https?://orcid\.org/)?"
    r"(?P<id>\d{4}-\d{4}-\d{4}-\d{3}[\dX])[\s)\]>]*",
    re.IGNORECASE,
)


# The number of a researcher in the government's system for grants, eight digits, behind its name.
_ERAD = re.compile(
    r"[\s,;]*(?P<opens>[(\[（]?)\s*e-?Rad[\s:：]*(?P<number>\d{8})(?P<end>[\s)\]）]*)", re.IGNORECASE
)


def agent_named(text: str) -> Agent:
    """A person: ``Hanako Yamada (0000-0002-1825-0097)``, with the iD's address, or the name alone.

    An iD whose check digit is wrong is somebody else's or nobody's, so it stays a part of the name. A number of e-Rad
    (``Hanako Yamada (e-Rad 12345678)``) is no part of it: ``erad_number`` gives that.
    """
    # The closing bracket stays where the opening one does: behind an iD.
    text = _ERAD.sub(lambda found: "" if found["opens"] else found["end"], text).strip()
    found = _ORCID.fullmatch(text)
    if found is None or not found["before"] or not is_orcid(found["id"].upper()):
        return Agent(text)
    return Agent(found["before"], f"https://orcid.org/{found['id'].upper()}")


def erad_number(text: str) -> str:
    """The number of a researcher in e-Rad that stands behind a name, or nothing."""
    found = _ERAD.search(text)
    return found["number"] if found else ""
