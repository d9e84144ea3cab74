"""What the footer of a Parquet file says of all rows, against the rows themselves; and footers that are silent or wrong."""

from __future__ import annotations

import datetime as dt
import io

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsunagu.formats.reader import Context
from tsunagu.formats.readers import parquet, parquet_footer

_COMPARED = {
    "int8": (pa.int8(), st.integers(-128, 127)),
    "int64": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "uint32": (pa.uint32(), st.integers(0, 2**32 - 1)),
    "uint64": (pa.uint64(), st.integers(0, 2**64 - 1)),
    "float": (pa.float32(), st.floats(width=32)),
    "double": (pa.float64(), st.floats()),
    "decimal": (pa.decimal128(9, 2), st.decimals(-1_000_000, 1_000_000, places=2)),
    "time": (pa.timestamp("us", "Asia/Tokyo"), st.datetimes(timezones=st.just(dt.UTC))),
    "nanoseconds": (pa.timestamp("ns"), st.integers(-(2**62), 2**62)),
    "date": (pa.date32(), st.dates()),
    "clock": (pa.time64("us"), st.times()),
}  # fmt: skip


@st.composite
def _columns(draw):
    name = draw(st.sampled_from(sorted(_COMPARED)))
    kind, values = _COMPARED[name]
    return pa.array(draw(st.lists(st.none() | values, max_size=40)), kind)


def _written(table, **options):
    file = io.BytesIO()
    pq.write_table(table, file, **options)
    return file


@settings(max_examples=300, deadline=None)
@given(_columns(), st.integers(1, 9))
def test_what_is_said_of_a_column_is_what_its_rows_hold(column, group):
    file = _written(pa.table({"x": column}), row_group_size=group)
    opened = pq.ParquetFile(file)
    said = parquet_footer.columns(opened.metadata, list(opened.schema_arrow)).get(0)
    rows = opened.read().column(0)
    extent = pc.min_max(rows).as_py()
    finite = not pa.types.is_floating(rows.type) or pc.all(pc.is_finite(rows.drop_null())).as_py()
    if said is None:
        assert not finite or not len(rows)  # of all other columns everything is said
        return
    assert said.nulls == rows.null_count
    assert (said.low, said.high) == (extent["min"], extent["max"])
    assert str(said.low) != "-0.0"


def _read(folder, content):
    (folder / "a.parquet").write_bytes(content)
    return parquet.read(folder / "a.parquet", Context(name="a", byte_count=len(content)))


def test_ranges_are_of_all_rows_however_few_are_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "_READ_ROWS", 100)
    monkeypatch.setattr(parquet, "_BATCH_ROWS", 50)
    rows = {
        "n": [*range(999), None],
        "word": ["a"] * 998 + [None] * 2,
        "inf": [1.0] * 999 + [float("inf")],
    }
    reading = _read(tmp_path, _written(pa.table(rows), row_group_size=100).getvalue())
    n, word, inf = reading.tables[0].columns
    assert (n.minimum, n.maximum, n.count, n.null_share) == (0, 998, 999, 0.001)
    assert (word.type, word.count, word.null_share) == ("text", 998, 0.002)
    assert (inf.minimum, inf.maximum, inf.count) == (1.0, 1.0, None)
    assert list(reading.warnings) == ["Ranges of inf are of the first 100 of 1,000 rows."]
    assert [len(one.x) for one in reading.previews[0].series] == [100]


@pytest.mark.parametrize("statistics", [True, False])
def test_a_small_file_reads_the_same_without_statistics(tmp_path, statistics):
    rows = {
        "t": [1.5, 2.5, None, 9.0, 11.0, 12.0],
        "s": ["x", None, "z", "u", "v", "w"],
        "l": [[1], [], None, [2], [3], [4]],
    }
    whole = _read(tmp_path, _written(pa.table(rows), write_statistics=statistics).getvalue())
    assert [(one.count, one.minimum, one.maximum) for one in whole.tables[0].columns] == [
        (5, 1.5, 12.0),
        (5, None, None),
        (5, None, None),
    ]
    assert not whole.warnings


def test_a_footer_that_is_contradicted_by_rows_is_not_believed(tmp_path):
    plain = {"compression": "none", "use_dictionary": False}
    true, other = (
        _written(pa.table({"x": range(start, start + 100)}), **plain).getvalue() for start in (0, 1000)
    )
    length = int.from_bytes(other[-8:-4], "little") + 8
    assert len(true) == len(other)
    reading = _read(tmp_path, true[:-length] + other[-length:])
    (column,) = reading.tables[0].columns
    assert (column.minimum, column.maximum, column.count) == (0, 99, 100)
    assert list(reading.warnings) == ["The footer names another range of x than its rows hold."]


def test_halves_and_durations_are_columns_like_others(tmp_path):
    halves = pa.array([1.5, None, 0.5], pa.float16())
    spans = pa.array([dt.timedelta(seconds=3), dt.timedelta(seconds=-1), None])
    reading = _read(tmp_path, _written(pa.table({"half": halves, "span": spans})).getvalue())
    half, span = reading.tables[0].columns
    assert (half.minimum, half.maximum, half.count) == (0.5, 1.5, 2)
    assert (span.type, span.minimum, span.maximum) == ("time", "-1 day, 23:59:59", "0:00:03")


def test_two_columns_of_one_name_are_read(tmp_path):
    table = pa.Table.from_arrays([pa.array([1, 2]), pa.array([3, 4])], names=["x", "x"])
    reading = _read(tmp_path, _written(table).getvalue())
    assert [one.name for one in reading.tables[0].columns] == ["x", "x"]
