"""Batches as arrays: the same type in every batch, missing values never silent."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tsunagu.streaming import footers, forms
from tsunagu.streaming.cache import Cache
from tsunagu.streaming.door import Source

BATCH = pa.record_batch(
    {
        "n": pa.array([1, 2, 3], pa.int32()),
        "gap": pa.array([1, None, 3], pa.int64()),
        "yes": pa.array([True, None, False]),
        "x": pa.array([0.5, None, 1.5], pa.float32()),
        "text": ["a", "い", None],
        "kind": pa.array(["a", "b", "a"]).dictionary_encode(),
        "vector": pa.array([[1, 2], [3, 4], [5, 6]], pa.list_(pa.float32(), 2)),
        "image": pa.FixedShapeTensorArray.from_numpy_ndarray(np.arange(12, dtype="u1").reshape(3, 2, 2)),
        "at": pa.array([0, 1, 2], pa.timestamp("ns")),
    }
)


def test_numpy_keeps_numbers_as_numbers_and_shapes_as_shapes():
    found = forms.maker("numpy", {"gap", "yes", "x", "text"})(BATCH)
    kinds = {name: (array.dtype.str, array.shape) for name, array in found.items()}
    assert kinds == {
        "n": ("<i4", (3,)),
        "gap": ("<f8", (3,)),
        "yes": ("<f8", (3,)),
        "x": ("<f4", (3,)),
        "text": ("|O", (3,)),
        "kind": ("|O", (3,)),
        "vector": ("<f4", (3, 2)),
        "image": ("|u1", (3, 2, 2)),
        "at": ("<M8[ns]", (3,)),
    }
    assert np.isnan(found["gap"][1])
    assert np.isnan(found["x"][1])
    assert found["text"].tolist() == ["a", "い", None]


def test_a_column_that_may_miss_values_has_one_type_also_where_none_is_missing():
    whole = BATCH.slice(0, 1)
    assert forms.maker("numpy", {"gap"})(whole)["gap"].dtype == np.float64
    assert forms.maker("numpy", set())(whole)["gap"].dtype == np.int64


def test_the_footers_say_which_columns_may_miss_values(tmp_path):
    pq.write_table(pa.Table.from_batches([BATCH.select(["n", "gap", "text"])]), tmp_path / "t.parquet")
    found = footers.Footer(Source("t", 0, "", "", ""), pq.read_metadata(tmp_path / "t.parquet"))
    assert footers.may_be_null([found]) == {"gap", "text"}
    bare = tmp_path / "bare.parquet"
    pq.write_table(pa.Table.from_batches([BATCH.select(["n"])]), bare, write_statistics=False)
    assert footers.may_be_null([footers.Footer(Source("t", 0, "", "", ""), pq.read_metadata(bare))]) == {"n"}


def test_ranges_of_asked_columns_are_joined_where_they_are_near(tmp_path):
    table = pa.table({name: np.random.default_rng(1).random(20_000) for name in "abcd"})
    pq.write_table(table, tmp_path / "t.parquet", compression="none", use_dictionary=False)
    footer = footers.Footer(Source("t", 0, "", "", ""), pq.read_metadata(tmp_path / "t.parquet"))
    assert len(footer.spans(0, None, gap=64 << 10)) == 1
    (_, a_end), (d_start, _) = footer.spans(0, ["a", "d"], gap=64 << 10)
    assert d_start - a_end > 64 << 10
    assert len(footer.spans(0, ["a", "d"], gap=1 << 20)) == 1


def test_the_cache_keeps_its_bound_and_notices_damage(tmp_path):
    cache = Cache(tmp_path / "kept", 100_000)
    for number in range(20):
        cache.put(f"entry-{number:02d}", bytes([number]) * 10_000)
    held = [path for path in (tmp_path / "kept").glob("*/*") if path.is_file()]
    assert 0 < sum(path.stat().st_size for path in held) <= 100_000
    assert cache.get("entry-19") == bytes([19]) * 10_000
    assert cache.get("entry-00") is None, "the oldest one went"
    cache.put("large", b"x" * 50_000)
    assert cache.get("large") is None, "one entry does not push out all the others"
    path = next((tmp_path / "kept").glob("*/entry-19"))
    path.write_bytes(b"y" + path.read_bytes()[1:])
    assert cache.get("entry-19") is None


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path):
    (tmp_path / "file").write_text("no folder")
    cache = Cache(tmp_path / "file", 1 << 20)
    cache.put("a", b"1")
    assert cache.get("a") is None
