"""Numbers that stand in a file one after the other."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from tsunagu.formats.errors import truncated

if TYPE_CHECKING:
    from collections.abc import Callable


def run_of(
    source: BinaryIO, begin: int, dtype: Any, shape: tuple[int, ...], *, is_reversed: bool = False
) -> Callable[[tuple[slice, ...]], Any]:
    """What reads runs of an array: single steps, one part of an axis, whole axes.

    Args:
        source: The open file.
        begin: Where the first number stands, in bytes.
        dtype: NumPy's, with its byte order.
        shape: Of the array.
        is_reversed: Whether the first axis runs fastest.
    """
    dtype = np.dtype(dtype)

    def read(extent: tuple[slice, ...]) -> Any:
        lengths, places = shape, extent
        if is_reversed:
            lengths, places = lengths[::-1], places[::-1]
        sizes = tuple(one.stop - one.start for one in places)
        first, step = 0, 1
        for length, one in zip(reversed(lengths), reversed(places), strict=True):
            first += one.start * step
            step *= length
        count = prod(sizes)
        source.seek(begin + first * dtype.itemsize)
        data = source.read(count * dtype.itemsize)
        if len(data) < count * dtype.itemsize:
            raise truncated(begin + len(data), begin + (first + count) * dtype.itemsize)
        values = np.frombuffer(data, dtype).reshape(sizes)
        return values.T if is_reversed else values

    return read
