"""Identifiers as people and other systems write them."""

from __future__ import annotations

import re

_DOI = re.compile(r"(?:doi:\s*|https?://(?:dx\.)?doi\.org/)?(10\.\d{4,9}(?:\.\d+)*/\S+)", re.IGNORECASE)


def doi_of(text: str) -> str:
    """The bare DOI of a text that is one, in any of its spellings, in lower case; else nothing."""
    match = _DOI.fullmatch(text.strip())
    return match[1].lower() if match else ""
