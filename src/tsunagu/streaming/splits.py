"""Which files belong to a split: by the words in their paths, as the Hub's clients decide it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_WORDS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing", "eval", "evaluation"),
}


def of_split(paths: Iterable[str], split: str) -> list[str]:
    """The paths of a split, sorted; empty when there are none.

    ``train`` means everything where no path names any split. ``""`` means every file.
    """
    known = sorted(paths)
    if not split:
        return known
    words = _WORDS.get(split, (split,))
    found = [path for path in known if _names(path, words)]
    if (
        not found
        and split == "train"
        and not any(_names(path, every) for path in known for every in _WORDS.values())
    ):
        return known
    return found


def splits(paths: Iterable[str]) -> list[str]:
    """The usual splits that the paths name."""
    known = list(paths)
    return [split for split, words in _WORDS.items() if any(_names(path, words) for path in known)]


def _names(path: str, words: Iterable[str]) -> bool:
    return any(re.search(rf"(^|[/._ -]){re.escape(word)}([/._ -]|$)", path) for word in words)
