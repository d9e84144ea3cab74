"""What is in an array, seen once while it is written."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

_PIECE = 1 << 20


class Moments:
    """Counts, range and moments of numbers that come in any order; bounded memory."""

    def __init__(self, fill: Any) -> None:
        self._fill = fill
        self.count = self.nans = self.infinite = self.fills = self._finite = 0
        self._low = self._high = math.nan
        self._mean = self._squares = 0.0

    def add(self, values: Any) -> None:
        """Take numbers in; complex ones are only counted."""
        flat = np.ravel(values)
        self.count += flat.size
        if flat.dtype.kind not in "iufb":
            return
        for start in range(0, flat.size, _PIECE):
            self._piece(flat[start : start + _PIECE])

    def _piece(self, piece: Any) -> None:
        if self._fill is not None and not math.isnan(self._fill):  # NaN is counted as such
            keep = piece != self._fill
            self.fills += piece.size - int(keep.sum())
            piece = piece[keep]
        numbers = piece.astype(np.float64)
        finite = np.isfinite(numbers)
        if not finite.all():
            nans = int(np.isnan(numbers).sum())
            self.nans, self.infinite = self.nans + nans, self.infinite + int((~finite).sum()) - nans
            numbers = numbers[finite]
        if not numbers.size:
            return
        self._low = float(np.fmin(self._low, numbers.min()))
        self._high = float(np.fmax(self._high, numbers.max()))
        # Chan's way to join the moments of two parts; see Knuth, TAOCP 2, 4.2.2.
        with np.errstate(over="ignore", invalid="ignore"):
            mean = float(numbers.mean())
            apart, total = mean - self._mean, self._finite + numbers.size
            spread = float(np.square(numbers - mean).sum())
            self._squares += spread + apart * apart * self._finite * numbers.size / total
            self._mean += apart * numbers.size / total
        self._finite = total

    def said(self) -> dict[str, Any]:
        """The fields of an ``ArrayProfile``."""
        deviation = math.sqrt(self._squares / self._finite) if self._finite else math.nan
        return {
            "count": self.count,
            "nan_count": self.nans,
            "infinite_count": self.infinite,
            "fill_count": self.fills,
            "minimum": _finite(self._low),
            "maximum": _finite(self._high),
            "mean": _finite(self._mean) if self._finite else None,
            "deviation": _finite(deviation),
        }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
