"""Rows of several batches, light and heavy, in any order."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsunagu.streaming.rows import Rows


@pytest.mark.parametrize("weight", [1, 40 << 10])
@given(counts=st.lists(st.integers(1, 6), min_size=1, max_size=4), data=st.data())
def test_rows_come_in_their_order(weight: int, counts: list[int], data: st.DataObject) -> None:
    total = sum(counts)
    whole = pa.table({"id": range(total), "bytes": [bytes([number]) * weight for number in range(total)]})
    starts = np.cumsum([0, *counts[:-1]]).tolist()
    batches = [
        whole.slice(start, count).combine_chunks().to_batches()[0]
        for start, count in zip(starts, counts, strict=True)
    ]
    order = data.draw(st.none() | st.permutations(range(total)))
    start = data.draw(st.integers(0, total - 1))
    count = data.draw(st.integers(1, total - start))
    found = Rows(batches, None if order is None else np.array(order, np.int64)).some(start, count)
    expected = [*range(total)] if order is None else order
    assert pa.Table.from_batches(found) == whole.take(expected[start : start + count])


def test_heavy_rows_are_not_copied_before_they_are_asked_for() -> None:
    batches = [pa.record_batch({"bytes": [bytes(1 << 20)] * 8}) for _ in range(4)]
    before = pa.total_allocated_bytes()
    rows = Rows(batches, np.arange(32)[::-1].copy())
    assert len(rows.some(0, 32)) == 32
    assert pa.total_allocated_bytes() - before < 1 << 20
