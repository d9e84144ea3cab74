"""Identifiers: ULIDs, sortable by the time of their making, minted before the thing happens.

Standard library only: the light client mints bundle ids with it. Form: https://github.com/ulid/spec.
"""

from __future__ import annotations

import re
import secrets
import time

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PATTERN = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}\Z")


def new_id() -> str:
    """A new ULID: 48 bits of milliseconds and 80 random bits in 26 characters of Crockford base32."""
    return _text((time.time_ns() // 1_000_000 << 80) | secrets.randbits(80))


def id_of(digest: bytes) -> str:
    """The ULID of 16 bytes: a name for what is found again by its content, not by when it was made."""
    return _text(int.from_bytes(digest, "big"))


def _text(number: int) -> str:
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def is_id(text: str) -> bool:
    """Whether the text is a well-formed ULID."""
    return _PATTERN.match(text) is not None
