"""What is in an array, seen once while it is written."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tsunagu.formats.moments import Moments

_PIECE = 1 << 20


class Counted:
    """Counts, range and moments of numbers that come in any order; bounded memory."""

    def __init__(self, fill: Any) -> None:
        self._fill = fill
        self._count = self._fills = 0
        self._moments = Moments()

    def add(self, values: Any) -> None:
        """Take numbers in; complex ones are only counted."""
        flat = np.ravel(values)
        self._count += flat.size
        if flat.dtype.kind not in "iufb":
            return
        for start in range(0, flat.size, _PIECE):
            piece = flat[start : start + _PIECE]
            if self._fill is not None and not math.isnan(self._fill):  # NaN is counted as such
                keep = piece != self._fill
                self._fills += piece.size - int(keep.sum())
                piece = piece[keep]
            self._moments.add(piece.astype(np.float64))

    def said(self) -> dict[str, Any]:
        """The fields of an ``ArrayProfile``."""
        found = self._moments
        return {
            "count": self._count,
            "nan_count": found.nans,
            "infinite_count": found.infinite,
            "fill_count": self._fills,
            "minimum": found.low,
            "maximum": found.high,
            "mean": _finite(found.mean) if found.finite else None,
            "deviation": _finite(found.deviation),
        }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
