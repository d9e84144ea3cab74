"""Range and moments of numbers that come in parts: of a column of a table, of an array."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(slots=True)
class Moments:
    """What is known of the numbers so far.

    Attributes:
        nans, infinite, finite: How many were of each kind.
        low, high: Of the finite ones; None before the first.
        mean: Of the finite ones.
    """

    nans: int = 0
    infinite: int = 0
    finite: int = 0
    low: float | None = None
    high: float | None = None
    mean: float = 0.0
    _squares: float = 0.0

    def add(self, numbers: Any) -> Any:
        """Take a part in; returns its finite numbers.

        Args:
            numbers: Shape: (N,) float64.
        """
        is_finite = np.isfinite(numbers)
        if not is_finite.all():
            nans = int(np.isnan(numbers).sum())
            self.nans, self.infinite = self.nans + nans, self.infinite + int((~is_finite).sum()) - nans
            numbers = numbers[is_finite]
        if numbers.size:
            low, high = float(numbers.min()), float(numbers.max())
            self.low = low if self.low is None else min(self.low, low)
            self.high = high if self.high is None else max(self.high, high)
            self._join(numbers)
        return numbers

    def _join(self, numbers: Any) -> None:
        """Chan's way to join the moments of two parts; see Knuth, TAOCP 2, 4.2.2."""
        with np.errstate(over="ignore", invalid="ignore"):
            mean = float(numbers.mean())
            apart, count = mean - self.mean, self.finite + numbers.size
            spread = float(np.square(numbers - mean).sum())
            self._squares += spread + apart * apart * self.finite * numbers.size / count
            self.mean += apart * numbers.size / count
        self.finite = count

    @property
    def deviation(self) -> float | None:
        """Standard deviation of the finite numbers; None where there are none."""
        return math.sqrt(self._squares / self.finite) if self.finite else None
