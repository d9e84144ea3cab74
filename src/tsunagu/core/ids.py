"""Identifiers: ULIDs, sortable by the time of their making, minted before the thing happens."""

from __future__ import annotations

import re

from ulid import ULID

ULID_PATTERN = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}\Z")


def new_id() -> str:
    """A new ULID, 26 characters of Crockford base32, e.g. ``01JD6V9Z1Y8M2N3P4Q5R6S7T8V``."""
    return str(ULID())


def is_id(text: str) -> bool:
    """Whether the text is a well-formed ULID."""
    return ULID_PATTERN.match(text) is not None
