"""Names for the parts of a document, made of paths."""

from __future__ import annotations

import re
from collections.abc import Iterable


def names_of(paths: Iterable[str], unsafe: re.Pattern[str], *, is_lower: bool = False) -> dict[str, str]:
    """Path -> a name without what ``unsafe`` matches, nobody else's; the same paths get the same names again."""
    taken: set[str] = set()
    found: dict[str, str] = {}
    for path in paths:
        word = unsafe.sub("_", path.lower() if is_lower else path).strip("_") or "file"
        name, number = word, 2
        while name in taken:
            name, number = f"{word}_{number}", number + 1
        taken.add(name)
        found[path] = name
    return found
