"""Where the quantiles of numbers lie that come in parts, in bounded memory, with an error that is known.

Numbers wait on levels. When a level is full it is sorted and every second number goes up one level, where it stands for
twice as many: any rank moves by at most the rows that one number of the lower level stands for. Exact up to the size of a
level (8,192); of a thousand million numbers no rank is wrong by more than 0.25 % of them. Nothing is left to chance: the
same parts in the same order leave the same numbers.
Source: Manku, Rajagopalan & Lindsay, SIGMOD 1998, doi:10.1145/276304.276342.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_SIZE = 8192


class Sketch:
    """What is kept of the numbers so far.

    Attributes:
        count: How many there were.
        error: By how many rows a rank may be wrong at most; 0: all of them are still here.
    """

    def __init__(self, size: int = _SIZE) -> None:
        self.count = 0
        self.error = 0
        self._size = size
        self._levels: list[_Level] = []

    def add(self, numbers: Any) -> None:
        """Take a part in. Shape: (N,), integers or finite floats."""
        self.count += numbers.size
        self._take(0, np.array(numbers))

    def merge(self, other: Sketch) -> None:
        """Take in what another one kept of other numbers; the errors add up."""
        self.count += other.count
        self.error += other.error
        for place, level in enumerate(other._levels):
            self._take(place, level.numbers())

    def ranks(self) -> tuple[Any, Any]:
        """Different numbers, rising, and about how many there were up to and with each. Shapes: (N,), (N,) int64."""
        if not self.count:
            return np.zeros(0), np.zeros(0, np.int64)
        several = [level.numbers() for level in self._levels]
        weights = [np.full(one.size, 1 << place, np.int64) for place, one in enumerate(several)]
        numbers, places = np.unique(np.concatenate(several), return_inverse=True)
        rows = np.zeros(numbers.size, np.int64)
        np.add.at(rows, places, np.concatenate(weights))
        return numbers, np.cumsum(rows)

    def _take(self, place: int, numbers: Any) -> None:
        if place == len(self._levels):
            self._levels.append(_Level())
        level = self._levels[place]
        level.parts.append(numbers)
        level.size += numbers.size
        if level.size > self._size:
            self.error += 1 << place
            self._take(place + 1, level.halve())


class _Level:
    """Numbers that stand for equally many rows each."""

    def __init__(self) -> None:
        self.parts: list[Any] = []
        self.size = 0
        self._turn = 0

    def numbers(self) -> Any:
        """All of them."""
        return np.concatenate(self.parts)

    def halve(self) -> Any:
        """Every second number in their order; of an odd many one stays. Errors of one turn undo those of the other."""
        ordered = np.sort(self.numbers(), kind="stable")  # quick where times come in order
        even = ordered.size - ordered.size % 2
        kept = ordered[self._turn : even : 2].copy()
        self.parts, self.size = [ordered[even:].copy()], ordered.size - even
        self._turn = 1 - self._turn
        return kept
