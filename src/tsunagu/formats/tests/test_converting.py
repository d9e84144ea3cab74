"""Values, units and origins survive; what disagrees is kept apart; bad input ends in words."""

from __future__ import annotations

import csv
import io
import math
import random
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tsunagu.formats import api as formats
from tsunagu.formats.converting import personal
from tsunagu.formats.converting.rowhash import row_hashes
from tsunagu.formats.tests.built import build
from tsunagu.formats.tests.making import attempt_behind_walls, attempt_in, made, outcome_of, planned

NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=64)
# No cell that readers take for "empty", no line breaks, and nothing that is stripped: those are cases of their own.
WORDS = st.text("abcxyzあいう測定試料 -", min_size=1, max_size=12).map(lambda t: f"w{t.strip()}w")


def only(folder):
    ((table, how),) = made(folder).values()
    return table, how


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.lists(st.tuples(NUMBERS, WORDS, st.integers(-(1 << 52), 1 << 52)), min_size=2, max_size=8),
        min_size=1,
        max_size=4,
    )
)
def test_values_units_and_origins_survive(tmp_path_factory, files):
    folder = tmp_path_factory.mktemp("files")
    for number, rows in enumerate(files):
        with (folder / f"run{number}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["Voltage (mV)", "note", "count"])
            # A fraction in the first file: whether a column is whole must not depend on which file comes first.
            writer.writerows([[0.5, "w", 1], *[[repr(v), word, n] for v, word, n in rows]])
    table, how = only(folder)
    expected = [
        (f"run{number}.csv", v, word, n)
        for number, rows in enumerate(files)
        for v, word, n in [(0.5, "w", 1), *rows]
    ]
    names = ("source_file", "Voltage", "note", "count")
    assert [tuple(row[name] for name in names) for row in table.to_pylist()] == expected
    assert table.schema.field("Voltage").metadata[b"unit"] == b"mV"
    assert how.profile.row_count == len(expected)
    assert how.profile.columns[0].minimum == min(row[1] for row in expected)


def test_what_runs_behind_walls_makes_the_same_bytes(tmp_path):
    build("ir.jdx", tmp_path)
    build("scan.ras", tmp_path)
    (tmp_path / "log.csv").write_text("time,T (K),code\n2026-01-02 10:00:00,300.5,007\n")
    with formats.Converter() as pool:
        for plan in planned(tmp_path).tables:
            here = formats.settle(plan, attempt_in(tmp_path))
            there = formats.settle(plan, attempt_behind_walls(tmp_path, pool))
            assert (here.result, here.profile, here.changes) == (there.result, there.profile, there.changes)


def test_other_units_make_another_table(tmp_path):
    (tmp_path / "a1.csv").write_text("t (s),Temp (°C)\n0,20\n1,21\n")
    (tmp_path / "a2.csv").write_text("t (s),Temp (degC)\n0,20\n1,21\n")
    (tmp_path / "a3.csv").write_text("t (s),Temp (K)\n0,293\n1,294\n")
    plan = planned(tmp_path)
    assert sorted(len(table.sources) for table in plan.tables) == [1, 2]
    (conflict,) = plan.conflicts
    assert conflict.column == "Temp"
    assert sum(count for _, count in conflict.units) == 3


def test_other_columns_make_another_table(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1,2\n3,4\n")
    (tmp_path / "b.csv").write_text("x,z\n1,2\n3,4\n")
    plan = planned(tmp_path)
    assert {tuple(c.name for c in table.columns) for table in plan.tables} == {("x", "y"), ("x", "z")}
    assert plan.schemas == {"csv": 2}
    assert not plan.conflicts


def test_columns_in_another_order_are_the_same(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1,2\n3,4\n")
    (tmp_path / "b.csv").write_text("y,x\n20,10\n40,30\n")
    table, _ = only(tmp_path)
    assert table.column("x").to_pylist() == [1, 3, 10, 30]


def late(path, cell, rows=200_000):
    """A column that is a number until its last rows, which the first blocks do not show."""
    with path.open("w") as file:
        file.write("n,v\n")
        file.writelines(f"{i},{i}\n" for i in range(rows))
        file.write(f"{rows},{cell}\n")


@pytest.mark.parametrize(("cell", "kind"), [("broken", "text"), ("1.5", "number")])
def test_a_column_that_changes_its_type_late(tmp_path, cell, kind):
    """The reader looks at the first part of a very large file alone; here it looks at 256 kB."""
    late(tmp_path / "a.csv", cell)
    (plan,) = planned(tmp_path, scanned_bytes=1 << 18).tables
    assert {column.name: column.kind for column in plan.columns}["v"] == "integer"
    how = formats.settle(plan, attempt_in(tmp_path))
    table = pq.read_table(io.BytesIO(how.result))
    assert {column.name: column.kind for column in how.plan.columns}["v"] == kind
    assert table.num_rows == 200_001
    assert [str(v) for v in table.column("v").to_pylist()[-2:]] == [
        "199999" if kind == "text" else "199999.0",
        cell,
    ]
    assert {change.column for change in how.changes} == {"v"}
    assert how.changes[-1].now == kind
    if kind == "text":
        assert "broken" in how.changes[0].reason


def test_a_number_with_zeros_in_front_stays_as_it_is(tmp_path):
    (tmp_path / "a.csv").write_text("id,v\n007,1\n008,2\n")
    table, how = only(tmp_path)
    assert table.column("id").to_pylist() == ["007", "008"]
    assert how.changes[0].now == "text"


def test_wide_integers_keep_their_digits(tmp_path):
    (tmp_path / "a.csv").write_text(f"id,v\n{(1 << 62) + 1},1\n{(1 << 62) + 3},2\n")
    table, _ = only(tmp_path)
    assert table.column("id").to_pylist() == [(1 << 62) + 1, (1 << 62) + 3]


def test_dates_of_several_kinds(tmp_path):
    (tmp_path / "a.csv").write_text(
        "t,when\n2026-03-05 10:00,03/05/2026\n2026/03/06 11:30,13/05/2026\n07.03.2026,04/06/2026\n"
    )
    table, how = only(tmp_path)
    times = [one.isoformat() for one in table.column("t").to_pylist()]
    assert times == ["2026-03-05T10:00:00", "2026-03-06T11:30:00", "2026-03-07T00:00:00"]
    assert table.column("when").to_pylist()[0] == "03/05/2026"
    (when,) = [one for one in how.profile.columns if one.name == "when"]
    assert when.ambiguous_date_count == 2


def test_not_a_number_and_infinity(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1.5,inf\n2.5,-inf\nNaN,3\n,4\n")
    table, how = only(tmp_path)
    assert table.column("x").to_pylist() == [1.5, 2.5, None, None]
    assert table.column("y").to_pylist() == [math.inf, -math.inf, 3, 4]
    x, y = how.profile.columns
    assert (x.null_count, y.infinite_count, y.maximum) == (2, 2, 4)


def test_an_encoding_that_changes_midway_leaves_the_file_out(tmp_path):
    (tmp_path / "a.csv").write_text("name,v\n" + "測定,1\n" * 9000, "utf-8")
    broken = ("name,v\n" + "測定,1\n" * 9000).encode() + "測定,2\n".encode("cp932")
    (tmp_path / "b.csv").write_bytes(broken)
    table, how = only(tmp_path)
    assert set(table.column("source_file").to_pylist()) == {"a.csv"}
    (problem,) = how.problems
    assert problem.path == "b.csv"
    assert "utf-8" in problem.reason


def test_garbled_text_is_counted(tmp_path):
    text = "測定試料".encode().decode("cp932", "replace")
    (tmp_path / "a.csv").write_text(f"name,v\n{text},1\n良い,2\n", "utf-8")
    _, how = only(tmp_path)
    assert how.profile.columns[0].garbled_count == 1


@pytest.mark.parametrize("codec", ["cp932", "euc_jp", "utf-16", "utf-8-sig"])
def test_old_encodings_become_unicode(tmp_path, codec):
    (tmp_path / "a.csv").write_text("試料名,温度 (℃)\n" + "標準試料アルミナ,20.5\n" * 20, codec)
    table, _ = only(tmp_path)
    assert table.column("試料名").to_pylist() == ["標準試料アルミナ"] * 20
    assert table.schema.field("温度").metadata[b"unit"].decode() == "℃"


def test_lines_of_another_width_are_counted(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1,2\n3,4,5\n6,7\n")
    table, how = only(tmp_path)
    assert table.num_rows == 2
    assert how.profile.skipped_rows == {"a.csv": 1}


def test_columns_between_blanks_and_line_breaks_in_quotes(tmp_path):
    (tmp_path / "blanks").mkdir()
    (tmp_path / "blanks" / "a.dat").write_text(
        "# 2theta  counts\n" + "".join(f"  {i}.5   {i}\n" for i in range(9))
    )
    (tmp_path / "quoted").mkdir()
    (tmp_path / "quoted" / "b.csv").write_text('a,b\n1,"one\ntwo"\n2,"x, y"\n')
    blanks, _ = only(tmp_path / "blanks")
    quoted, _ = only(tmp_path / "quoted")
    assert blanks.column("counts").to_pylist() == list(range(9))
    assert quoted.column("b").to_pylist() == ["one\ntwo", "x, y"]


def test_a_compressed_file_is_read_as_it_is(tmp_path):
    import gzip

    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"x,y\n1,2\n3,4\n"))
    with formats.Converter() as pool:
        (plan,) = planned(tmp_path).tables
        how = formats.settle(plan, attempt_behind_walls(tmp_path, pool))
    assert pq.read_table(io.BytesIO(how.result)).column("y").to_pylist() == [2, 4]


def test_rows_are_in_order_of_time_inside_a_row_group(tmp_path):
    (tmp_path / "a.csv").write_text(
        "v,time\n1,2026-03-05 10:00:02\n2,2026-03-05 10:00:00\n3,2026-03-05 10:00:01\n"
    )
    table, how = only(tmp_path)
    assert table.column("v").to_pylist() == [2, 3, 1]
    group = pq.ParquetFile(io.BytesIO(how.result)).metadata.row_group(0)
    assert [one.column_index for one in group.sorting_columns] == [2]


def test_all_files_broken_is_said_in_words(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1,2\n3,4\n")
    (plan,) = planned(tmp_path).tables
    (tmp_path / "a.csv").write_bytes(b"\x00\x01\x02")
    with pytest.raises(formats.ConversionError, match="None of the files"):
        formats.settle(plan, attempt_in(tmp_path))


def test_a_file_that_kills_its_process_is_left_out(tmp_path):
    """A column of half a gigabyte of text in one cell is more than the child may take."""
    for name in ("a", "c"):
        (tmp_path / f"{name}.csv").write_text("x,y\n1,p\n2,q\n")
    (tmp_path / "b.csv").write_text("x,y\n1,p\n2,q\n")
    (plan,) = planned(tmp_path).tables
    with (tmp_path / "b.csv").open("w") as file:
        file.write('x,y\n1,"')
        for _ in range(400):
            file.write("z\n" * (1 << 19))
        file.write('"\n2,q\n')
    with formats.Converter() as pool:
        how = formats.settle(plan, attempt_behind_walls(tmp_path, pool, memory_bytes=256 << 20))
    (problem,) = how.problems
    assert problem.path == "b.csv"
    assert problem.reason
    assert pq.read_table(io.BytesIO(how.result)).num_rows == 4


# --- Profiles


def test_repetition_and_leaks_are_found(tmp_path):
    for part, rows in (("train", "1,a\n2,b\n2,b\n3,c\n"), ("test", "3,c\n4,d\n")):
        (tmp_path / part).mkdir()
        (tmp_path / part / "x.csv").write_text("v,label\n" + rows)
    (tmp_path / "test" / "y.csv").write_text("v,label\n4,d\n3,c\n")
    _, how = only(tmp_path)
    profile = how.profile
    assert profile.split_counts == {"train": 4, "test": 4}
    assert profile.duplicate_row_count == 1
    assert profile.leaked_row_count == 3
    assert profile.twin_files == (("test/x.csv", "test/y.csv"),)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.none() | WORDS, st.none() | NUMBERS), min_size=1, max_size=30), st.data())
def test_equal_rows_have_equal_hashes_wherever_they_stand(rows, data):
    texts, numbers = (pa.array(list(part)) for part in zip(*rows, strict=True))
    texts, numbers = texts.cast(pa.string()), numbers.cast(pa.float64())
    whole = row_hashes([texts, numbers])
    start = data.draw(st.integers(0, len(rows) - 1))
    assert (row_hashes([texts.slice(start), numbers.slice(start)]) == whole[start:]).all()
    keys = [(text, None if number is None else number.hex()) for text, number in rows]
    assert len(set(whole.tolist())) == len(set(keys))


def test_moments_do_not_depend_on_the_parts(tmp_path, monkeypatch):
    (tmp_path / "a.csv").write_text("v,w\n" + "".join(f"{i * 0.37},{i % 7}\n" for i in range(40_000)))
    _, whole = only(tmp_path)
    monkeypatch.setattr("tsunagu.formats.converting.convert.PART_ROWS", 1000)
    _, parts = only(tmp_path)
    one, other = whole.profile.columns[0], parts.profile.columns[0]
    assert other.mean == pytest.approx(one.mean, rel=1e-12)
    assert other.deviation == pytest.approx(one.deviation, rel=1e-9)
    assert one.deviation == pytest.approx(0.37 * math.sqrt((40_000**2 - 1) / 12), rel=1e-9)


# --- Personal information


def text(*values):
    return pa.array(values, pa.string())


@pytest.mark.parametrize(
    ("title", "value", "kind"),
    [
        ("備考", "連絡先は 03-1234-5678 です", "phone"),
        ("備考", "090-1234-5678", "phone"),
        ("備考", "〒100-0001", "postal_code"),
        ("郵便番号", "1000001", "postal_code"),
        ("備考", "東京都千代田区霞が関1-2-3", "address"),
        ("備考", "神奈川県横浜市中区", "address"),
        ("担当", "佐藤 花子", "name"),
        ("患者名", "山田太郎", "name"),
        ("note", "write to a.suzuki@example.ac.jp", "email"),
        ("番号", "1234 5678 9018", "individual_number"),
        ("passport", "TK1234567", "passport"),
        ("生年月日", "1990-01-02", "birth_date"),
    ],
)
def test_personal_information_is_recognised(title, value, kind):
    assert personal.find(title, text(value, None, "その他")).get(kind, 0) >= 1


@pytest.mark.parametrize(
    "value",
    [
        "LFP-001-2345",
        "1234-5678",
        "2026-03-05",
        "福岡の試料",
        "3.14159265358",
        "佐藤研究室の装置",
        "10.1021/acs.0123456",
    ],
)
def test_data_are_not_taken_for_people(value):
    assert personal.find("値", text(value)) == {}


def test_check_digits_of_individual_numbers():
    """Worked by hand after the ordinance: 12345678901? has the digit 8."""
    assert [n for n in range(10) if personal.is_individual_number(f"12345678901{n}")] == [8]
    assert not personal.is_individual_number("111111111111")


def test_random_numbers_of_twelve_digits_are_no_people():
    many = text(*(f"{(i * 7919 + 13) % 10**12:012}" for i in range(1, 2000)))
    assert personal.find("barcode", many) == {}


# --- Size


def test_a_file_larger_than_the_memory_allowed(tmp_path):
    """Half a gigabyte in 320 MiB: the cap is the kernel's, and the peak is measured besides."""
    rows = "".join(f"2026-03-05 10:00:{i % 60:02},{i * 0.001:.3f},{i},w{i % 97}\n" for i in range(200_000))
    block = rows.encode()
    with (tmp_path / "big.csv").open("wb") as file:
        file.write(b"time,voltage (mV),n,word\n")
        for _ in range(512_000_000 // len(block)):
            file.write(block)
    (plan,) = planned(tmp_path, scanned_bytes=1 << 22).tables
    peaks = []
    with formats.Converter() as pool:
        attempt = attempt_behind_walls(
            tmp_path, pool, memory_bytes=320 << 20, wall_s=250, cpu_s=250, watch=peaks
        )
        how = formats.settle(plan, attempt)
    assert not how.problems
    assert how.profile.row_count == 200_000 * (512_000_000 // len(block))
    assert max(peaks) < 512 << 20, "resident, with libraries and everything"


def test_many_tiny_files(tmp_path):
    """Two thousand: one table, and every row where its file was."""
    for number in range(2000):
        (tmp_path / f"f{number:05}.csv").write_text(f"x,y\n{number},1\n{number},2\n")
    (plan,) = planned(tmp_path).tables
    with formats.Converter() as pool:
        how = formats.settle(plan, attempt_behind_walls(tmp_path, pool))
    table = pq.read_table(io.BytesIO(how.result))
    assert table.num_rows == 4000
    assert table.column("x").to_pylist() == [n for n in range(2000) for _ in range(2)]


@pytest.mark.functional
@pytest.mark.timeout(600)
def test_a_hundred_thousand_tiny_files(tmp_path):
    """One table in bounded memory, and the last file takes no longer than the first.

    The readings are one reading, made a hundred thousand times: reading is measured elsewhere.
    """
    count, quarter = 100_000, 25_000
    for number in range(count):
        (tmp_path / f"f{number:06}.csv").write_text(f"x,y\n{number},1.5\n{number},2.5\n")
    outcome = outcome_of(tmp_path / "f000000.csv")
    files = [formats.ReadFile(f"f{number:06}.csv", 20, outcome) for number in range(count)]
    (plan,) = formats.plan_tables(files, readers=formats.row_readers(), labels={}).tables
    peaks, clock = [], []
    with formats.Converter() as pool:
        attempt = attempt_behind_walls(
            tmp_path,
            pool,
            watch=peaks,
            opened=lambda _: clock.append(time.process_time()),
            wall_s=500,
            cpu_s=500,
        )
        how = formats.settle(plan, attempt)
    assert not how.problems
    assert how.profile.row_count == 2 * count
    assert pq.read_table(io.BytesIO(how.result)).column("x").to_pylist()[-2:] == [count - 1] * 2
    assert max(peaks) < 320 << 20, "resident, with libraries and everything"
    first, last = clock[quarter] - clock[0], clock[-1] - clock[-quarter]
    assert last < 2 * first, "no file costs more because of those before it"


def test_frames_stay_whole_while_files_are_asked_for(tmp_path):
    """What is written goes out by another thread than the one that asks for files: both use one channel."""
    rng = random.Random(3)
    for number in range(60):
        rows = "".join(f"{rng.random()},{rng.random()},{rng.random()}\n" for _ in range(8000))
        (tmp_path / f"f{number:02}.csv").write_text("x,y,z\n" + rows)
    (plan,) = planned(tmp_path).tables
    with formats.Converter() as pool:
        how = formats.settle(plan, attempt_behind_walls(tmp_path, pool))
    assert len(how.result) > 4 << 20, "several pieces"
    assert not how.problems
    assert pq.read_table(io.BytesIO(how.result)).num_rows == 60 * 8000
