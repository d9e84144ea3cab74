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


def agent_named(text: str) -> Agent:
    """A person: ``Hanako Yamada (0000-0002-1825-0097)``, with the iD's address, or the name alone.

    An iD whose check digit is wrong is somebody else's or nobody's, so it stays a part of the name.
    """
    found = _ORCID.fullmatch(text.strip())
    if found is None or not found["before"] or not is_orcid(found["id"].upper()):
        return Agent(text.strip())
    return Agent(found["before"], f"https://orcid.org/{found['id'].upper()}")
