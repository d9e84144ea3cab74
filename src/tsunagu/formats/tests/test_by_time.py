"""A split by time: test comes last, rows of one moment stay together, and the shares are as near as a sketch can tell."""

from __future__ import annotations

import itertools
import math
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsunagu.formats import api as formats
from tsunagu.formats.converting.by_time import DividingByTime, _cut
from tsunagu.formats.converting.sketch import Sketch
from tsunagu.formats.tests.making import attempt_behind_walls, attempt_in, made, planned

Choice = formats.Choice
BEGIN = datetime(2026, 1, 1)  # noqa: DTZ001 - as instruments write it
PARTS = ("train", "validation", "test")


def one(folder, text, *choices):
    (folder / "x.csv").write_text(text, "utf-8")
    ((table, how),) = made(folder, *choices).values()
    return table, how.profile


def log(hours, zone=""):
    lines = "".join(f"{(BEGIN + timedelta(hours=int(n))).isoformat()}{zone},{n * 0.37}\n" for n in hours)
    return "time,v\n" + lines


def cuts_in(profile, column="time"):
    (found,) = (one for one in profile.leakage.time_cuts if one.column == column)
    return found


def test_proposed_moments_make_the_shares_and_no_leak(tmp_path):
    hours = np.random.default_rng(3).permutation(200)
    _, profile = one(tmp_path, log(hours))
    cuts = cuts_in(profile)
    assert (cuts.low, cuts.high) == ("2026-01-07T16:00:00", "2026-01-08T12:00:00")
    assert (cuts.sizes, cuts.error) == ((160, 20, 20), 0)
    table, profile = one(tmp_path, log(hours), Choice("split_by_time", "time", f"{cuts.low}/{cuts.high}"))
    assert tuple(profile.split_counts[name] for name in PARTS) == cuts.sizes
    times = {name: [] for name in PARTS}
    for moment, part in zip(table["time"].to_pylist(), table["split"].to_pylist(), strict=True):
        times[part].append(moment)
    assert max(times["train"]) < min(times["validation"]) < max(times["validation"]) < min(times["test"])
    assert not profile.leakage.time.is_leak
    assert profile.leakage.time.is_chosen, "who divides by a time says what the time is"
    assert b"train before 2026-01-07T16:00:00" in table.schema.field("split").metadata[b"description"]
    assert formats.TableProfile.from_json(profile.as_json()) == profile
    older = profile.as_json()
    del older["leakage"]["time_cuts"]
    assert formats.TableProfile.from_json(older).leakage.time_cuts == ()


@pytest.mark.parametrize(
    ("cells", "kind", "moments"),
    [
        (["2026-01-01", "2026-01-02", "2026-01-03", ""], "date", "2026-01-02/2026-01-03"),
        (["2026-01-01", "2026-01-02", "2026-01-03", ""], "date", "2026-01-01T12:00/2026-01-02T00:01"),
        (["0", "10", "20", ""], "integer", "9.5/20"),
        (["0.5", "1e3", "1e9", ""], "number", "1000/1e9"),
        (["0.5", "1000", "2000", "nan"], "number", "600/1500.5"),
        (
            ["2026-01-01T09:00Z", "2026-01-01T10:00Z", "2026-01-01T11:00Z", ""],
            "timestamp_utc",
            "2026-01-01T19:00+09:00/2026-01-01T11:00",
        ),
    ],
)
def test_dates_times_and_numbers_and_rows_without_one(tmp_path, cells, kind, moments):
    text = "at,v\n" + "".join(f"{cell},{n}\n" for n, cell in enumerate(cells))
    table, profile = one(tmp_path, text, Choice("split_by_time", "at", moments))
    assert {column.name: column.kind for column in profile.columns}["at"] == kind
    parts = dict(zip(table["v"].to_pylist(), table["split"].to_pylist(), strict=True))
    assert parts == {0: "train", 1: "validation", 2: "test", 3: None}
    assert profile.split_counts == dict.fromkeys(PARTS, 1), "a row without a time is in no split"
    assert not profile.leakage.time.is_leak


@pytest.mark.parametrize(
    "choice",
    [
        Choice("split_by_time", "nowhere", "1/2"),
        Choice("split_by_time", "word", "1/2"),
        Choice("split_by_time", "time", "1/2"),
        Choice("split_by_time", "time", "2026-01-02T00:00+09:00/2026-01-03"),
        Choice("split_by_time", "time", "2026-01-03/2026-01-02"),
    ],
)
def test_a_table_whose_column_does_not_fit_is_not_divided(tmp_path, choice):
    text = "time,word\n2026-01-01T10:00,a\n2026-01-02T10:00,b\n"
    table, profile = one(tmp_path, text, choice)
    assert "split" not in table.column_names
    assert profile.split_counts == {}


def test_of_two_tables_the_one_with_the_column_is_divided(tmp_path):
    (tmp_path / "log.csv").write_text(log(range(10)))
    (tmp_path / "other.csv").write_text("a,b\n1,2\n3,4\n")
    tables = made(tmp_path, Choice("split_by_time", "time", "2026-01-01T08:00/2026-01-01T09:00"))
    assert tables["log"][0]["split"].to_pylist() == ["train"] * 8 + ["validation", "test"]
    assert "split" not in tables["other"][0].column_names


def test_what_is_said_of_files_divides_their_rows(tmp_path):
    (tmp_path / "x.csv").write_text("v\n1\n2\n")
    (plan,) = planned(tmp_path).tables
    for said, part in {"2026-01-01T00:00:00": "train", "2026-03-01T00:00:00": "test", None: None}.items():
        column = formats.ColumnPlan("measured_at", "timestamp")
        (source,) = plan.sources
        of_file = formats.TablePlan(
            plan.name,
            plan.reader,
            plan.columns,
            (column,),
            (formats.SourcePlan(source.path, source.table, source.byte_count, (said,)),),
        )
        way = DividingByTime(of_file, Choice("split_by_time", "measured_at", "2026-02-01/2026-02-02"))
        assert way.add(0, [pa.array([1, 2])]).to_pylist() == [part, part]


def test_hidden_columns_and_days_of_birth_propose_nothing(tmp_path):
    text = "birth,seen,v\n" + "".join(f"19{n:02}-01-01,2026-01-{n:02},{n}\n" for n in range(10, 20))
    _, profile = one(tmp_path, text)
    assert [cuts.column for cuts in profile.leakage.time_cuts] == ["seen"]
    for hiding in (Choice("drop", "seen"), Choice("pseudonymise", "seen", "00" * 32)):
        _, profile = one(tmp_path, text, hiding)
        assert profile.leakage.time_cuts == ()
    _, profile = one(tmp_path, text, Choice("time", "v"), Choice("rename", "v", "order"))
    assert cuts_in(profile, "v").low == "18"


def test_the_split_that_was_chosen_goes_before_a_column_called_alike(tmp_path):
    lines = "".join(f"{'test' if n < 5 else 'train'},2026-01-{n + 1:02},{n}\n" for n in range(20))
    text = "subset,day,v\n" + lines
    _, profile = one(tmp_path, text)
    assert profile.leakage.time.is_leak
    _, profile = one(tmp_path, text, Choice("split_by_time", "day", "2026-01-17/2026-01-19"))
    assert not profile.leakage.time.is_leak


def test_of_one_moment_nothing_is_proposed_and_of_two_no_validation(tmp_path):
    _, profile = one(tmp_path, log([5] * 20))
    assert profile.leakage.time_cuts == ()
    _, profile = one(tmp_path, log([5] * 15 + [6] * 5))
    assert cuts_in(profile).sizes == (15, 0, 5)


def test_the_same_bytes_behind_the_walls(tmp_path):
    (tmp_path / "a.csv").write_text(log(range(500)), "utf-8")
    (plan,) = planned(tmp_path).tables
    plan = plan.with_choices((Choice("split_by_time", "time", "2026-01-05/2026-01-09"),))
    here = formats.settle(plan, attempt_in(tmp_path))
    with formats.Converter() as pool:
        there = formats.settle(plan, attempt_behind_walls(tmp_path, pool))
    assert (here.result, here.profile) == (there.result, there.profile)


# --- The sketch


def shaped(shape, count, rng):
    """Times of an instrument that is read steadily, is shuffled, repeats itself, pauses, or has no clock."""
    rising = np.arange(count)
    return {
        "sorted": rising,
        "reversed": rising[::-1],
        "shuffled": rng.permutation(rising),
        "duplicated": np.sort(rng.integers(0, max(1, count // 50), count)),
        "gappy": rising + 10**9 * (rising > count // 3) + 10**12 * (rising > count // 2),
        "constant": np.full(count, 7),
        "skewed": np.sort(rng.pareto(0.5, count)),
    }[shape]


SHAPES = ("sorted", "reversed", "shuffled", "duplicated", "gappy", "constant", "skewed")
cut_up = st.tuples(
    st.sampled_from(SHAPES), st.integers(0, 3000), st.integers(1, 400), st.integers(0, 2**32 - 1)
)


def sketched(numbers, step, size=32):
    sketch = Sketch(size)
    for start in range(0, numbers.size, step):
        sketch.add(numbers[start : start + step])
    return sketch


@settings(max_examples=150, deadline=None)
@given(cut_up)
def test_ranks_are_wrong_by_no_more_than_the_sketch_says(drawn):
    shape, count, step, seed = drawn
    numbers = shaped(shape, count, np.random.default_rng(seed))
    ordered = np.sort(numbers)
    half = count // 2
    merged = sketched(numbers[:half], step)
    merged.merge(sketched(numbers[half:], step))
    for sketch in (sketched(numbers, step), merged):
        found, ends = sketch.ranks()
        assert sketch.count == count
        assert np.isin(found, ordered).all(), "every moment is one of the rows"
        assert (ends[-1] if count else 0) == count
        true = np.searchsorted(ordered, found, side="right")
        assert np.abs(true - ends).max(initial=0) <= sketch.error
        if count <= 32:
            assert sketch.error == 0
        assert sum(level.size for level in sketch._levels) <= 32 * len(sketch._levels)
    levels = math.ceil(math.log2(max(2, count / 32))) + 1
    assert sketched(numbers, step).error <= levels * count / 32, "and not by more than is written about it"


def test_of_a_million_rows_a_rank_is_wrong_by_less_than_a_quarter_of_a_percent():
    rng = np.random.default_rng(1)
    for shape in SHAPES:
        numbers = shaped(shape, 1_000_000, rng)
        sketch = sketched(numbers, 65_536, size=8192)
        assert sketch.error <= 0.0025 * numbers.size
        assert sum(level.size for level in sketch._levels) < 80_000


@settings(max_examples=150, deadline=None)
@given(cut_up)
def test_shares_are_as_near_as_whole_moments_and_the_sketch_allow(drawn):
    shape, count, step, seed = drawn
    numbers = shaped(shape, count, np.random.default_rng(seed))
    sketch = sketched(numbers, step)
    kind = "number" if numbers.dtype.kind == "f" else "integer"
    cuts = _cut("t", kind, sketch)
    different, rows = np.unique(numbers, return_counts=True)
    if different.size < 2:
        assert cuts is None
        return
    low, high = formats.read_moments(f"{cuts.low}/{cuts.high}", kind)
    until = [int((numbers < moment).sum()) for moment in (low, high)]
    together = 2 * int(rows.max())
    for wanted, is_there, said in zip((0.8, 0.9), until, itertools.accumulate(cuts.sizes), strict=False):
        assert abs(is_there - said) <= cuts.error
        assert abs(is_there - wanted * count) <= 3 * cuts.error + together
    assert 0 < until[0] <= until[1] < count
    if different.size > 2 and not cuts.error:
        assert until[0] < until[1], "no part is empty"


KINDS = {"integer": pa.int64(), "number": pa.float64(), "timestamp": pa.timestamp("us"), "date": pa.date32()}


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(SHAPES),
    st.integers(0, 30_000),
    st.integers(500, 20_000),
    st.sampled_from(tuple(KINDS)),
    st.integers(0, 2**32 - 1),
)
def test_a_split_that_is_made_comes_after_training_and_has_its_shares(shape, count, step, kind, seed):
    rng = np.random.default_rng(seed)
    numbers = shaped(shape, count, rng)
    if kind != "number":
        numbers = np.clip(numbers, 0, 2**31 - 1).astype(np.int64)  # a day is four bytes
    is_missing = rng.random(count) < 0.05
    arrow = KINDS[kind]
    cells = pa.array(numbers.astype(np.int32) if kind == "date" else numbers, mask=is_missing).cast(arrow)
    plan = formats.TablePlan(
        "t", "csv", (formats.ColumnPlan("time", kind),), (), (formats.SourcePlan("t.csv", "t", 1),)
    )
    seeing = DividingByTime(plan, Choice("time", "time"))
    several = [cells.slice(start, step) for start in range(0, count, step)]
    assert all(seeing.add(0, [one]) is None for one in several)
    cuts = next(iter(seeing.cuts()), None)
    if cuts is None:
        moments = np.unique(numbers[~is_missing])
        assert moments.size < 2 or (kind == "date" and moments[-1] > 2_932_896), "after the year 9999"
        return
    way = DividingByTime(plan, Choice("split_by_time", "time", f"{cuts.low}/{cuts.high}"))
    parts = pa.concat_arrays([way.add(0, [one]) for one in several])
    assert parts.is_null().to_numpy(zero_copy_only=False).tolist() == is_missing.tolist()
    made_of = {part: numbers[parts.to_numpy(zero_copy_only=False) == part] for part in PARTS}
    filled = [made_of[part] for part in PARTS if made_of[part].size]
    assert all(one.max() < other.min() for one, other in itertools.pairwise(filled))
    assert made_of["train"].size
    assert made_of["test"].size
    known = int((~is_missing).sum())
    together = 2 * int(np.unique(numbers[~is_missing], return_counts=True)[1].max())
    assert cuts.error <= 0.0025 * known
    assert abs(made_of["train"].size - 0.8 * known) <= 3 * cuts.error + together
    assert abs(made_of["test"].size - 0.1 * known) <= 3 * cuts.error + together


def test_a_table_without_rows_is_made_and_proposes_nothing(tmp_path):
    schema = pa.schema([("time", pa.timestamp("us")), ("v", pa.int64())])
    pq.write_table(schema.empty_table(), tmp_path / "x.parquet")
    for choices in ((), (Choice("split_by_time", "time", "2026-01-01/2026-01-02"),)):
        ((table, how),) = made(tmp_path, *choices).values()
        assert table.num_rows == 0
        assert "split" not in table.column_names, "nobody knows what its columns hold"
        assert how.profile.leakage.time_cuts == ()


# --- Moments as people write them

moments = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30))  # noqa: DTZ001 - a column without a zone


@settings(max_examples=100, deadline=None)
@given(moments, moments)
def test_moments_are_read_as_they_are_written(one, other):
    low, high = sorted((one, other))
    for kind in ("timestamp", "timestamp_utc"):
        numbers = formats.read_moments(f"{low.isoformat()}/{high.isoformat()}", kind)
        text = formats.moments_text(numbers, kind)
        assert text.endswith("Z") == (kind == "timestamp_utc")
        assert formats.read_moments(text, kind) == numbers
        stamps = pa.array([low, high], pa.timestamp("us")).cast(pa.int64()).to_pylist()
        assert list(numbers) == stamps
    days = formats.read_moments(f"{low.date()}/{high.date()}", "date")
    assert formats.moments_text(days, "date") == f"{low.date()}/{high.date()}"


@given(st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_lose_no_digit(whole, number):
    assert formats.read_moments(f"{whole}/{whole}", "integer") == (whole, whole)
    assert formats.read_moments(f"{number!r}/{number!r}", "number") == (number, number)
    assert formats.moments_text((number, number), "number") == f"{number!r}/{number!r}"


@pytest.mark.parametrize(
    ("text", "kind", "why"),
    [
        ("", "timestamp", "Two moments"),
        ("2026-03-01", "timestamp", "Two moments"),
        ("2026/03/01", "timestamp", "Two moments"),
        ("2026-03-01/2026-04-01/2026-05-01", "timestamp", "Two moments"),
        ("2026-04-01/2026-03-01", "timestamp", "lies after"),
        ("yesterday/2026-03-01", "date", "is no date"),
        ("2026-02-30/2026-03-01", "date", "is no date"),
        ("2026-03-01T00:00+09:00/2026-04-01", "timestamp", "has a time zone"),
        ("2026-03-01T00:00Z/2026-04-01", "date", "has a time zone"),
        ("0001-01-01T00:00+09:00/2026-04-01", "timestamp_utc", "outside the calendar"),
        ("2026-03-01/2026-04-01", "number", "is no number"),
        ("1/nan", "number", "is no number"),
        ("1/inf", "integer", "is no number"),
        ("1/1e999", "number", "too large"),
        ("1/9223372036854775808", "integer", "too large"),
        ("2/1", "integer", "lies after"),
        ("1_0/20", "integer", "is no number"),
        ("a/b", "text", "neither times nor numbers"),
        ("10:00/11:00", "time", "neither times nor numbers"),
    ],
)
def test_what_is_no_moment_is_said(text, kind, why):
    with pytest.raises(ValueError, match=why):
        formats.read_moments(text, kind)
