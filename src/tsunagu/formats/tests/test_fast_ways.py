"""What is read and counted the fast way is what the slow way gives, on files that nobody would write on purpose."""

from __future__ import annotations

import datetime as dt
import re
import struct
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsunagu.formats import api as formats
from tsunagu.formats import draw
from tsunagu.formats.converting import leaking, profiling
from tsunagu.formats.converting.near import near_cells
from tsunagu.formats.converting.part import Part
from tsunagu.formats.converting.types import ColumnPlan, SourcePlan, TablePlan
from tsunagu.formats.encoding import Encoding, detect
from tsunagu.formats.findings import Findings
from tsunagu.formats.readers import xrd
from tsunagu.formats.tests.built import build
from tsunagu.formats.tests.making import attempt_in, planned

PLAIN = "10.00 1.5 1.0\n10.02 2.5 2.0\n10.04 3.5 2.0\n"
BODIES = {
    "plain": PLAIN,
    "no last line end": PLAIN[:-1],
    "nothing": "",
    "blank lines": PLAIN.replace("\n", "\n\n"),
    "blanks": PLAIN.replace(" ", "   "),
    "tabs": PLAIN.replace(" ", "\t"),
    "mixed": "10 1.5 1\n10.02\t2.5 2\n10.04  3.5\t2\n",
    "commas": PLAIN.replace(" ", ","),
    "indented": PLAIN.replace("10.", " 10."),
    "blanks at the end": PLAIN.replace("\n", " \n"),
    "comments": "# a note\n" + PLAIN + "; another\n10.06 1 1 # a third\n",
    "windows": PLAIN.replace("\n", "\r\n"),
    "old macintosh": PLAIN.replace("\n", "\r"),
    "exponents": "1e1 1.5E+2 1\n1.002e+01 2.5e-300 2\n.5 5. +1\n-1 1e400 1\n",
    "not a number": "10 nan 1\n10.02 NaN 1\n10.04 inf 1\n10.06 -Infinity 1\n",
    "only Python's": "1_0.00 1.5 1.0\n10.02 2_500 2.0\n",
    "wide digits": PLAIN.replace("1", "１"),
    "hexadecimal": "0x10 1.5 1\n10.02 2.5 2\n",
    "quoted": '"10.00" 1.5 1.0\n"10.02 2.5" 2.0\n',
    "many digits": "10.000000000000000000001 0.1000000000000000055511151231257827 1\n9007199254740993 2.5 1\n",
    "two columns": "10.00 1.5\n10.02 2.5\n",
    "four columns": "10.00 1.5 1.0 7\n10.02 2.5 2.0 7\n",
    "ragged": "10.00 1.5 1.0\n10.02 2.5\n10.04\n10.06 1 1 1\n10.08 3.5 2.0\n",
    "a word": "10.00 1.5 1.0\n10.02 broken 2.0\n10.04 3.5 2.0\n",
    "Japanese": PLAIN + "測定中断\n10.06 4.5 1.0\n",
    "a line end of Unicode": PLAIN.replace("2.5", "2.5\x85"),
}
CODECS = ("cp932", "utf-8", "utf-8-sig", "euc_jp", "utf-16", "iso2022_jp")


def scan_of(folder, body, codec="cp932", operator="花子"):
    """A file with two scans of a body, each after its header."""
    text = build("scan.ras", folder).read_text("cp932").replace("Hanako", operator)
    head, _, rest = text.partition("*RAS_INT_START\n")
    tail = rest[rest.index("*RAS_INT_END") :]
    block = f"*RAS_INT_START\n{body}*RAS_INT_END\n"
    again = f'*RAS_HEADER_START\n*FILE_SAMPLE "表 {operator}"\n*RAS_HEADER_END\n{block}'
    data = f"{head}{block}{again}{tail.removeprefix('*RAS_INT_END' + chr(10))}".encode(codec, "replace")
    (folder / "scan.ras").write_bytes(data)
    return data


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_any_form_of_points_reads_as_numpy_reads_it(tmp_path, monkeypatch, body, codec):
    data = scan_of(tmp_path, body, codec)
    fast, slow = Findings(formats.Limits()), Findings(formats.Limits())
    scans, problem = xrd.find_scans(data, data[:65536], fast)
    monkeypatch.setattr(xrd, "_plain_numbers", lambda _: None)
    wanted, expected = xrd.find_scans(data, data[:65536], slow)
    assert problem == expected == ""
    assert [[axis.tolist() for axis in one] for one in scans] == [
        [pytest.approx(axis.tolist(), rel=0, abs=0, nan_ok=True) for axis in one] for one in wanted
    ]
    assert fast.finish() == slow.finish()
    assert {one.key: one.value for one in fast.finish().fields}["FILE_OPERATOR"] == "花子"
    alone, _ = xrd.find_scans(data, data[:65536])
    for one, other in zip(alone, scans, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["plain", "mixed", "ragged", "not a number", "windows", "only Python's"])
def test_the_table_is_the_same_to_the_byte(tmp_path, monkeypatch, name):
    scan_of(tmp_path, BODIES[name])
    (plan,) = planned(tmp_path).tables
    profile, fast = attempt_in(tmp_path)(plan)
    monkeypatch.setattr(xrd, "_plain_numbers", lambda _: None)
    slow = attempt_in(tmp_path)(plan)
    assert fast == slow[1]
    assert profile == slow[0]


@pytest.mark.parametrize("name", ["plain", "no last line end", "blank lines", "windows"])
def test_what_instruments_write_needs_no_numpy(tmp_path, monkeypatch, name):
    data = scan_of(tmp_path, BODIES[name])
    monkeypatch.setattr(np, "loadtxt", None)
    (scan, _), _ = xrd.find_scans(data, data[:65536])
    assert [axis.tolist() for axis in scan] == [[10.0, 10.02, 10.04], [1.5, 5.0, 7.0]]


@pytest.mark.parametrize(
    "end", ["*RAS_DATA_END", "*RAS_DATA_END\u3000\n", "", "*RAS_DATA_END\n*", "RAS_DATA_END"]
)
def test_a_file_ends_where_its_text_does(tmp_path, end):
    text = scan_of(tmp_path, PLAIN, "utf-8").decode().replace("*RAS_DATA_END\n", end)
    _, problem = xrd.find_scans(text.encode(), text.encode()[:65536])
    assert bool(problem) != text.strip().endswith("*RAS_DATA_END")


def test_a_byte_that_stands_in_no_text_is_none():
    control = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
    for code in range(256):
        head = b"a,b\n1,2" + bytes([code]) + b"\n"
        assert (detect(head) is None) == bool(control.search(head)), code


def test_an_escape_alone_is_no_japanese():
    assert detect(b"\x1b[1mbold\x1b[0m") == Encoding("utf-8", is_sure=False)
    assert detect("温度".encode("iso2022_jp")) == Encoding("iso2022_jp", is_sure=True)


@given(
    st.text(st.sampled_from("温度測定ﾃｽﾄｱäé°µ①㈱ソ表あaZ1., \n"), max_size=40),
    st.sampled_from(["cp932", "euc_jp", "cp1252"]),
)
def test_lines_of_digits_change_no_guess(words, codec):
    head, digits = words.encode(codec, "replace") + b"\n", b"1.0 2.0 3.0\r\n" * 20
    if not head.isascii():
        assert detect(digits + head + digits) == detect(head)


MOMENT = dt.datetime(2024, 1, 1)  # noqa: DTZ001 - files rarely name a zone
VALUES = {
    "text": st.sampled_from(["Cu", "Mo", "03/05/2024", "縺ゅ＞", "a@example.org", "1234-5678-9012", ""]),
    "number": st.floats(-1e3, 1e3),
    "integer": st.integers(-5, 5) | st.integers(10**11, 10**12 - 1),
    "boolean": st.booleans(),
    "timestamp": st.integers(0, 20).map(lambda days: (MOMENT + dt.timedelta(days)).isoformat()),
}


@pytest.mark.parametrize("kind", VALUES)
@given(drawn=st.data())
def test_what_is_said_of_files_is_counted_by_rows(kind, drawn):
    said = drawn.draw(st.lists(st.none() | VALUES[kind], min_size=1, max_size=30))
    counts = drawn.draw(st.lists(st.integers(1, 5), min_size=len(said), max_size=len(said)))
    column = ColumnPlan("x", kind)
    sources = tuple(SourcePlan(f"{n}.ras", "", 1, (value,)) for n, value in enumerate(said))
    plan = TablePlan("t", "xrd", (), (column,), sources)
    by_files, by_rows = (profiling._Column(column, is_of_file=True) for _ in range(2))
    half = (len(said) + 1) // 2
    runs = list(enumerate(counts))
    for several in filter(None, (runs[:half], runs[half:])):
        part = Part.of(plan, (), several)
        assert part.files.tolist() == [source for source, count in several for _ in range(count)]
        by_files.add_said(part, part.said[0])
        by_rows.add(part.spread(part.said[0]))
    assert by_files.finish() == by_rows.finish()


def test_files_of_a_row_have_more_values_than_are_counted():
    column = ColumnPlan("x", "text")
    sources = tuple(SourcePlan(f"{n}", "", 1, (f"1234-5678-{n:04}",)) for n in range(1500))
    part = Part.of(TablePlan("t", "xrd", (), (column,), sources), (), [(n, 1) for n in range(1500)])
    by_files, by_rows = (profiling._Column(column, is_of_file=True) for _ in range(2))
    by_files.add_said(part, part.said[0])
    by_rows.add(part.spread(part.said[0]))
    assert by_files.finish() == by_rows.finish()
    assert by_files.finish().distinct_count is None


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3)), min_size=1, max_size=60))
def test_alike_rows_are_counted_from_the_first_of_each(several):
    exact, near = (np.array(one, dtype=np.uint64) for one in zip(*several, strict=True))
    _, first = np.unique(exact, return_index=True)
    kept = near[first].tolist()
    assert leaking._alike(near, exact) == len(kept) - len(set(kept))


def rounded(value):
    """Sign, exponent and 17 bits of the fraction, by Python's own numbers."""
    (bits,) = struct.unpack("<q", struct.pack("<d", value))
    kept = ((bits + (1 << 34) + (1 << 63)) % (1 << 64) - (1 << 63)) >> 35
    return 0 if kept == -(1 << 28) else kept % (1 << 64)


@given(st.lists(st.none() | st.floats(), min_size=1, max_size=20))
def test_near_numbers_are_rounded_bits(values):
    column = pa.array([None, *values], pa.float64())
    found = near_cells(ColumnPlan("x", "number"), column, has_pictures=False).tolist()
    assert found == [found[0] if one is None else rounded(one) for one in (None, *values)]
    alone = [
        near_cells(ColumnPlan("x", "number"), column[n : n + 1], has_pictures=False)
        for n in range(len(column))
    ]
    assert found == [one.tolist()[0] for one in alone]


CHILD = """
import io, socket, sys
from pathlib import Path
from tsunagu.formats.sandbox.zygote import Zygote
from tsunagu.formats.tests.making import attempt_in, planned
zygote = Zygote(socket.socketpair()[0])
assert zygote._load({"reader": sys.argv[2], "rows": True}) == {}
known = set(sys.modules)
(plan,) = planned(Path(sys.argv[1])).tables
attempt_in(Path(sys.argv[1]))(plan)
print(*(name for name in sys.modules.keys() - known if name.partition(".")[0] == "pandas"))
"""


@pytest.mark.parametrize(("reader", "name"), [("xrd", "scan.ras"), ("csv", "utf8.csv")])
def test_no_child_looks_for_pandas_again(tmp_path, reader, name):
    """Where it is installed, a child that imports it takes a tenth of a second longer."""
    pytest.importorskip("pandas")
    build(name, tmp_path)
    command = [sys.executable, "-c", CHILD, str(tmp_path), reader]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip() == ""


@given(
    st.lists(st.floats() | st.sampled_from([0.0, 1.0, float("nan"), float("inf")]), max_size=200),
    st.integers(2, 40),
)
def test_a_thinned_curve_keeps_every_peak_of_its_buckets(values, points):
    y = np.array(values, dtype=np.float64)
    x = np.arange(len(y), dtype=np.float64)
    thin_x, thin_y = draw.thin(x, y, points=points)
    assert len(thin_x) <= max(points, 2)
    assert (np.diff(thin_x) > 0).all()
    assert np.array_equal(thin_y, y[thin_x.astype(int)], equal_nan=True)
    width = -(-len(y) // (points // 2)) if len(y) > points else 1
    for start in range(0, len(y), width):
        bucket = y[start : start + width]
        kept = thin_y[(thin_x >= start) & (thin_x < start + width)]
        for extreme in (np.min, np.max):
            if np.isfinite(bucket).any():
                assert extreme(bucket[np.isfinite(bucket)]) == extreme(kept[np.isfinite(kept)])
