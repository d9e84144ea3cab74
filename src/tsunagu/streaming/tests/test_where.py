"""A condition keeps the rows that SQL would keep, and statistics never leave out one that it would."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsunagu.client.errors import UsageError
from tsunagu.streaming.splits import values_of
from tsunagu.streaming.where import kept, parsed

TABLE = pa.table(
    {
        "n": [1, 2, 3, None, 5],
        "word": ["train", "test", "it's", None, "test"],
        "試料 名": ["a", "b", "c", "d", "e"],
        "at": pa.array([dt.date(2026, 3, day) for day in range(1, 6)]),
        "ok": [True, False, None, True, False],
    }
)


@pytest.mark.parametrize(
    ("said", "rows"),
    [
        ("n >= 2", [1, 2, 4]),
        ("n=2 or n == 5", [1, 4]),
        ("n <> 2", [0, 2, 4]),
        ("word = 'it''s'", [2]),
        ("word in ('train', 'test') and not n > 2", [0, 1]),
        ("word NOT IN ('test')", [0, 2]),
        ("n is null", [3]),
        ("n is not null and (n < 2 or n > 4)", [0, 4]),
        ("\"試料 名\" = 'c'", [2]),
        ("at >= '2026-03-04'", [3, 4]),
        ("ok = true", [0, 3]),
        ("n > 1.5 and n < 3e0", [1]),
        ("not not n = 1", [0]),
    ],
)
def test_rows_are_kept_as_in_sql(said, rows):
    assert kept(parsed(said), TABLE).equals(TABLE.take(rows))


@pytest.mark.parametrize(
    "said",
    [
        "n >",
        "n = ",
        "= 3",
        "n ! 3",
        "n = 3 and",
        "(n = 3",
        "n = 3)",
        "n in ()",
        "n is 3",
        "__import__('os')",
        "n = x",
    ],
)
def test_what_is_no_condition_is_refused(said):
    with pytest.raises(UsageError):
        parsed(said)


def test_a_value_that_no_cell_can_have_is_refused():
    with pytest.raises(UsageError):
        kept(parsed("n = 'many'"), TABLE)


@given(
    st.lists(st.none() | st.integers(-5, 5), min_size=1, max_size=12),
    st.sampled_from(["=", "!=", "<", "<=", ">", ">="]),
    st.integers(-6, 6),
    st.booleans(),
)
def test_statistics_leave_out_nothing_that_is_wanted(values, sign, wanted, is_not):
    condition = parsed(f"{'not ' if is_not else ''}n {sign} {wanted} or n = 99")
    table = pa.table({"n": pa.array(values, pa.int64())})
    there = [one for one in values if one is not None]
    extent = (min(there), max(there)) if there else None
    if kept(condition, table).num_rows:
        assert condition.may(lambda name: extent if name == "n" else None)
    assert not parsed("n > 99").may(lambda _: (-5, 5))


def test_words_of_splits_are_known_in_both_languages():
    assert {"test", "Test", "TEST", "評価"} <= set(values_of("test"))
    assert values_of("fold1")[0] == "fold1"
