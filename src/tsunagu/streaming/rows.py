"""The rows of a window, in the order in which they are delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# Rows from here on are gathered one by one: the work per row is less than that of copying the window before.
_HEAVY_BYTES = 32 << 10


class Rows:
    """Rows of several record batches.

    A second copy of a whole window would be memory that is touched for the first time, which costs more than the copy itself:
    rows are copied batch by batch, and heavy ones straight from where they were decoded.
    """

    def __init__(self, batches: Sequence[pa.RecordBatch], order: NDArray[np.int64] | None) -> None:
        """Take them.

        Args:
            batches: At least one.
            order: Positions in all of them together, one for each row; None: as they are.
        """
        count = sum(one.num_rows for one in batches)
        self._places: tuple[list[int], list[int]] | None = None
        self._order: pa.Array | None = None
        if order is not None and _weight(batches) >= _HEAVY_BYTES * max(1, count):
            self._batches = list(batches)
            ends = np.cumsum([one.num_rows for one in batches])
            which = np.searchsorted(ends, order, side="right")
            firsts = np.concatenate([[0], ends])
            self._places = which.tolist(), (order - firsts[which]).tolist()
            return
        self._batches = [_joined(batches)]
        if order is not None:
            # `pa.array` would load pandas where it is installed, which takes longer than the first window.
            self._order = pa.Array.from_buffers(pa.int64(), len(order), [None, pa.py_buffer(order)])

    def some(self, start: int, count: int) -> list[pa.RecordBatch]:
        """``count`` rows from a position on, in one or more batches."""
        if self._places is not None:
            places = zip(*(one[start : start + count] for one in self._places), strict=True)
            return [self._batches[batch].slice(row, 1) for batch, row in places]
        whole = self._batches[0]
        if self._order is None:
            return [whole.slice(start, count)]
        return [whole.take(self._order.slice(start, count))]


def _joined(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    return batches[0] if len(batches) == 1 else pa.concat_batches(batches)


def _weight(batches: Sequence[pa.RecordBatch]) -> int:
    return sum(one.nbytes for one in batches)
