"""A number for every row of a table, equal where the rows are equal; vectorised, no Python object per row.

It finds accidental repetition and says nothing about intent: 64 bits, not cryptographic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Sequence

_MIX = np.uint64(0x9E3779B97F4A7C15)
_BASE = np.uint64(0x100000001B3)  # odd, so that it has an inverse modulo 2**64
_INVERSE = np.uint64(pow(int(_BASE), -1, 1 << 64))
_NULL = np.uint64(0xD6E8FEB86659FD93)
_GLANCE = 2000
_ROTATE, _REST = np.uint64(31), np.uint64(33)


def row_hashes(columns: Sequence[Any]) -> Any:
    """One hash a row over arrays of equal length. Shape: (N,) uint64."""
    return combined([cell_hashes(column) for column in columns])


def combined(several: Sequence[Any]) -> Any:
    """One hash a row from those of its cells. Shapes: several (N,) uint64 -> (N,) uint64."""
    found = np.full(len(several[0]) if several else 0, _MIX)
    with np.errstate(over="ignore"):
        for values in several:
            found ^= values
            found *= _MIX
            rest = found >> _REST
            found <<= _ROTATE
            found |= rest
    return found


def cell_hashes(column: Any) -> Any:
    """One number a cell, equal where the cells are equal. Shape: (N,) uint64.

    Where a glance finds few different texts, each is hashed once.
    """
    is_text = pa.types.is_string(column.type) and len(column) > _GLANCE
    if is_text and pc.count_distinct(column[:_GLANCE]).as_py() < _GLANCE // 8:
        found = column.dictionary_encode()
        words = np.append(_values(found.dictionary), _NULL)
        return words[pc.fill_null(found.indices, len(words) - 1).to_numpy(zero_copy_only=False)]
    return _values(column)


def _values(column: Any) -> Any:
    if pa.types.is_string(column.type) or pa.types.is_binary(column.type):
        values = _texts(column)
    elif pa.types.is_list(column.type):
        numbers = column.values.to_numpy(zero_copy_only=False).astype(np.float64)
        values = _polynomial(numbers.view(np.uint64), column.offsets.to_numpy().astype(np.int64))
    elif pa.types.is_boolean(column.type):
        values = pc.fill_null(column.cast(pa.uint8()), 0).to_numpy(zero_copy_only=False).astype(np.uint64)
    else:
        width = column.type.bit_width // 8
        kind = pa.int64() if width == 8 else pa.int32()  # noqa: PLR2004 - bytes
        plain = column.view(kind) if not pa.types.is_integer(column.type) else column.cast(kind)
        values = pc.fill_null(plain, 0).to_numpy(zero_copy_only=False).astype(np.int64).view(np.uint64)
    if column.null_count:
        values = np.where(column.is_null().to_numpy(zero_copy_only=False), _NULL, values)
    return values


def _texts(column: Any) -> Any:
    if len(column) == 0:
        return np.zeros(0, dtype=np.uint64)
    column = column if column.offset == 0 else pa.concat_arrays([column])
    offsets = np.frombuffer(column.buffers()[1], dtype=np.int32)[: len(column) + 1].astype(np.int64)
    data = column.buffers()[2]
    letters = np.frombuffer(data, dtype=np.uint8) if data is not None else np.zeros(0, np.uint8)
    return _polynomial(letters, offsets)


def _polynomial(letters: Any, offsets: Any) -> Any:
    """Polynomial hash of each run from the hash of all of them: run i is (H[end] - H[start]) / BASE**start."""
    first, last = int(offsets[0]), int(offsets[-1])
    letters = letters[first:last]
    powers = np.full(letters.size + 1, _BASE, dtype=np.uint64)
    inverses = np.full(letters.size + 1, _INVERSE, dtype=np.uint64)
    powers[0] = inverses[0] = 1
    sums = np.zeros(letters.size + 1, dtype=np.uint64)
    np.cumsum((letters.astype(np.uint64) + np.uint64(1)) * np.cumprod(powers)[:-1], out=sums[1:])
    starts, ends = offsets[:-1] - first, offsets[1:] - first
    return (sums[ends] - sums[starts]) * np.cumprod(inverses)[starts]


class SeenRows:
    """Which rows were there before, by their hashes; sorted runs that double, so that each is merged seldom.

    Looks at the first four million rows; what comes later counts as new. Two different rows of four million have the same
    hash with a chance of one in a million.
    """

    def __init__(self, most: int = 4_000_000) -> None:
        self._runs: list[Any] = []
        self._left = self._most = most

    def clear(self) -> None:
        """Forget all of them."""
        self._runs, self._left = [], self._most

    def add(self, hashes: Any) -> Any:
        """Whether each row is the first of its kind. Shapes: (N,) uint64 -> (N,) bool."""
        if self._left <= 0:
            return np.ones(hashes.size, dtype=bool)
        different, first = np.unique(hashes, return_index=True)
        is_known = np.zeros(different.size, dtype=bool)
        for run in self._runs:
            places = np.minimum(np.searchsorted(run, different), run.size - 1)
            is_known |= run[places] == different
        fresh = different[~is_known]
        if fresh.size:
            self._left -= fresh.size
            self._runs.append(fresh)
            while len(self._runs) > 1 and self._runs[-2].size < 2 * self._runs[-1].size:
                self._runs[-2:] = [np.sort(np.concatenate(self._runs[-2:]), kind="stable")]
        is_new = np.zeros(hashes.size, dtype=bool)
        is_new[first[~is_known]] = True
        return is_new
