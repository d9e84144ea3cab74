"""A parameter and the values to run with, as people write them: ``threshold=0.1,0.2``, ``n=0..9``, ``n=0..100:10``."""

from __future__ import annotations

import json
import re
from typing import Any

MOST_VALUES = 1000
_RANGE = re.compile(r"(-?\d{1,9})\.\.(-?\d{1,9})(?::(\d{1,9}))?", re.ASCII)


def read(said: str) -> tuple[str, list[Any]]:
    """The name and its values; both ends of a range are included.

    Raises:
        ValueError: it cannot be read so, or names more than ``MOST_VALUES`` values.
    """
    name, equals, listed = (part.strip() for part in said.partition("="))
    if not (name and equals and listed):
        raise ValueError(said)
    match = _RANGE.fullmatch(listed)
    if match is None:
        values = [value(one.strip()) for one in listed.split(",")]
    else:
        first, last, step = int(match[1]), int(match[2]), int(match[3] or 1)
        if step < 1 or (last - first) // step >= MOST_VALUES:
            raise ValueError(said)
        values = list(range(first, last + 1, step))
    if not 1 <= len(values) <= MOST_VALUES:
        raise ValueError(said)
    return name, values


def value(said: str) -> Any:
    """What reads as a JSON number or true/false is one, everything else is a text."""
    try:
        read_value = json.loads(said)
    except ValueError:
        return said
    return read_value if isinstance(read_value, bool | int | float) else said
