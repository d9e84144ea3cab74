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

# What a column named split may hold besides the words of paths.
COLUMN = "split"
_MORE_WORDS = {"train": ("学習", "訓練"), "validation": ("検証",), "test": ("テスト", "試験", "評価")}


def values_of(split: str) -> list[str]:
    """The values of a column named split that mean the split, in the spellings that people use."""
    words = (*_WORDS.get(split, (split,)), *_MORE_WORDS.get(split, ()))
    return list(dict.fromkeys(form for word in words for form in (word, word.title(), word.upper())))


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
