"""Every reader that gives rows gives those that its reading announces, of built files and behind walls."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path

import h5py
import netCDF4
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from tsunagu.formats import api as formats
from tsunagu.formats.converting.rowhash import row_hashes
from tsunagu.formats.examine import examine
from tsunagu.formats.tests.built import build
from tsunagu.formats.tests.making import READERS, attempt_behind_walls, attempt_in, made, planned


def announced(path):
    """Rows of each table as the reading counts them."""
    outcome = examine(path, name=path.name, readers=list(READERS.values()), limits=formats.Limits())
    return {table.name: table.row_count for table in outcome.reading.tables}


NAMES = (
    "utf8.csv", "bom.csv", "shift_jis.csv", "euc.csv", "utf16.tsv", "utf16be_without_mark.tsv", "semicolon.csv", "pipe.txt",
    "blanks.dat", "book.xlsx", "table.parquet", "cells.fcs", "scan.ras", "scan.uxd", "scan.xrdml", "ir.jdx", "photo.jpg", "picture.png",
    "report.pdf", "scan.nxs", "quake.mseed", "run.mzML",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_what_the_reading_announces_is_what_the_rows_hold(tmp_path, name):
    build(name, tmp_path)
    plan, rows = planned(tmp_path), announced(tmp_path / name)
    assert plan.tables, plan.left
    with formats.Converter() as pool:
        for table in plan.tables:
            how = formats.settle(table, attempt_behind_walls(tmp_path, pool))
            assert not how.problems
            assert not how.changes
            found = pq.read_table(io.BytesIO(how.result))
            assert (
                found.num_rows
                == how.profile.row_count
                == rows.get(table.sources[0].table, found.num_rows)
                > 0
            )
            assert found.column_names[1 : 1 + len(table.columns)] == [column.name for column in table.columns]


def test_a_workbook_keeps_its_types(tmp_path):
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "runs"
    sheet.append(["when", "Temp (°C)", "count", "is good", "note"])
    for day in range(1, 6):
        sheet.append([dt.datetime(2026, 3, day, 10, 30), 20.5 + day, day, day % 2 == 0, f"測定{day}"])  # noqa: DTZ001
    book.save(tmp_path / "book.xlsx")
    ((table, how),) = made(tmp_path).values()
    kinds = {column.name: column.kind for column in how.plan.columns}
    assert kinds == {
        "when": "timestamp", "Temp": "number", "count": "integer", "is good": "boolean", "note": "text",
    }  # fmt: skip
    assert table.column("Temp").to_pylist()[0] == 21.5
    assert table.column("count").to_pylist() == [1, 2, 3, 4, 5]
    assert table.column("note").to_pylist()[-1] == "測定5"
    assert table.column("when").to_pylist()[0].isoformat() == "2026-03-01T10:30:00"


def test_parquet_keeps_types_units_and_words(tmp_path):
    schema = pa.schema(
        [
            pa.field("v", pa.float32(), metadata={"unit": "mV", "description": "potential"}),
            pa.field("tags", pa.list_(pa.string())),
            pa.field("mz", pa.list_(pa.float32())),
            pa.field("kind", pa.dictionary(pa.int8(), pa.string())),
        ]
    )
    rows = {"v": [1.5, None], "tags": [["a"], None], "mz": [[1.5, 2], None], "kind": ["p", "q"]}
    pq.write_table(pa.table(rows, schema=schema), tmp_path / "in.parquet")
    ((table, _),) = made(tmp_path).values()
    assert table.column("v").to_pylist() == [1.5, None]
    assert table.column("kind").to_pylist() == ["p", "q"]
    assert table.column("mz").to_pylist() == [[1.5, 2], None]
    field = table.schema.field("v")
    assert (field.metadata[b"unit"], field.metadata[b"description"]) == (b"mV", b"potential")


def test_pictures_become_rows_with_what_is_said_of_them(tmp_path):
    for number in range(3):
        build("photo.jpg", tmp_path).rename(tmp_path / f"shot_{number}.jpg")
    ((table, how),) = made(tmp_path).values()
    assert how.plan.name == "shot"
    assert table.num_rows == 3
    assert table.column("image").to_pylist()[1] == (tmp_path / "shot_1.jpg").read_bytes()
    assert table.column("source_file").to_pylist() == ["shot_0.jpg", "shot_1.jpg", "shot_2.jpg"]
    assert how.plan.file_columns, "what the camera wrote"


def test_documents_become_text_with_the_place_of_each_page(tmp_path):
    build("report.pdf", tmp_path)
    ((table, _),) = made(tmp_path).values()
    assert table.column("page").to_pylist() == list(range(1, table.num_rows + 1))
    texts = table.column("text").to_pylist()
    assert "".join(texts).strip()
    assert table.column("start").to_pylist() == [sum(map(len, texts[:n])) for n in range(len(texts))]


def test_a_damaged_picture_is_left_out(tmp_path):
    for number in range(2):
        build("picture.png", tmp_path).rename(tmp_path / f"p{number}.png")
    (plan,) = planned(tmp_path).tables
    content = (tmp_path / "p1.png").read_bytes()
    (tmp_path / "p1.png").write_bytes(content[: len(content) // 2])
    how = formats.settle(plan, attempt_in(tmp_path))
    assert [problem.path for problem in how.problems] == ["p1.png"]


def test_records_and_arrays_side_by_side_of_hdf5(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        kind = np.dtype([("name", "S8"), ("v", "f4"), ("n", "u2"), ("xyz", "f8", (3,)), ("ok", "?")])
        records = np.array([(b"a", 1.5, 7, (1, 2, 3), True), ("試".encode(), -2, 8, (4, 5, 6), False)], kind)
        file["peaks"] = records
        scan = file.create_group("scan")
        scan["energy"] = np.linspace(7, 8, 5)
        scan["energy"].attrs.update(units="keV", long_name="photon energy")
        scan["counts"] = np.arange(5, dtype=">i4")
        scan["mark"] = np.array(["p", "q", "r", "s", "t"], dtype=h5py.string_dtype())
        cube = file.create_group("cube")
        cube["image"] = np.zeros((4, 4))
        cube["x"] = cube["y"] = np.arange(4.0)
    found = {how.plan.sources[0].table: table for table, how in made(tmp_path).values()}
    assert set(found) == {"/peaks", "/scan"}, "axes of an image are no table"
    peaks, scan_rows = found["/peaks"], found["/scan"]
    assert peaks.column("name").to_pylist() == ["a", "試"]
    assert peaks.column("xyz").to_pylist() == [[1, 2, 3], [4, 5, 6]]
    assert peaks.column("n").to_pylist() == [7, 8]
    assert peaks.column("ok").to_pylist() == [True, False]
    assert scan_rows.column("counts").to_pylist() == [0, 1, 2, 3, 4]
    assert scan_rows.column("mark").to_pylist() == ["p", "q", "r", "s", "t"]
    assert scan_rows.schema.field("energy").metadata == {
        b"origin": b"cell", b"unit": b"keV", b"description": b"photon energy",
    }  # fmt: skip


@pytest.mark.parametrize("form", ["NETCDF4", "NETCDF3_CLASSIC"])
def test_variables_along_one_dimension_of_netcdf(tmp_path, form):
    with netCDF4.Dataset(tmp_path / "a.nc", "w", format=form) as file:
        file.createDimension("time", None)
        for name, kind, fill in (("time", "f8", None), ("temp", "i2", -99), ("n", "i4", None)):
            variable = file.createVariable(name, kind, ("time",), fill_value=fill)
            if name == "temp":
                variable.units, variable.scale_factor, variable.add_offset = "K", 0.5, 200.0
            variable[:] = np.ma.masked_array([1, 250, 3], [0, 0, name == "temp"])
    ((table, how),) = made(tmp_path).values()
    assert table.column("temp").to_pylist() == [1, 250, None]
    assert table.column("n").to_pylist() == [1, 250, 3]
    assert table.schema.field("temp").metadata[b"unit"] == b"K"
    assert not how.changes


def test_tables_of_fits(tmp_path):
    columns = [
        fits.Column("id", "K", array=[1, 2, 3]),
        fits.Column("flux", "E", unit="Jy", array=[0.5, np.nan, 2]),
        fits.Column("adu", "I", bzero=32768, array=np.array([0, 40000, 65535], np.uint16)),
        fits.Column("gain", "J", array=[0, 2, 5]),
        fits.Column("bad", "J", null=-1, array=[1, -1, 3]),
        fits.Column("ok", "L", array=[True, False, True]),
        fits.Column("name", "6A", array=["a", "bc", ""]),
        fits.Column("psf", "4E", array=np.arange(12).reshape(3, 4)),
        fits.Column("trace", "PD()", array=np.array([[1.0], [2.0, 3.0], []], dtype=object)),
    ]
    catalogue = fits.BinTableHDU.from_columns(columns, name="CAT")
    catalogue.header["TSCAL4"], catalogue.header["TZERO4"] = 0.5, 1.0
    fits.HDUList([fits.PrimaryHDU(), catalogue]).writeto(tmp_path / "c.fits")
    ((table, how),) = made(tmp_path).values()
    rows = table.to_pydict()
    assert rows["adu"] == [0, 40000, 65535]
    assert rows["gain"] == [1.0, 2.0, 3.5]
    assert rows["bad"] == [1, None, 3]
    assert rows["ok"] == [True, False, True]
    assert rows["name"] == ["a", "bc", ""]
    assert rows["psf"][1] == [4, 5, 6, 7]
    assert rows["trace"] == [[1], [2, 3], []]
    assert table.schema.field("flux").metadata[b"unit"] == b"Jy"
    assert not how.changes


def test_samples_of_miniseed_have_their_times(tmp_path):
    build("quake.mseed", tmp_path)
    before = len(list(Path("/proc/self/fd").iterdir()))
    ((table, _),) = made(tmp_path).values()
    assert table.column("value").to_pylist() == [n % 50 for n in range(500)]
    times = table.column("time").cast(pa.int64()).to_numpy()
    assert (np.diff(times) == 50_000).all()
    assert table.column("time").to_pylist()[0].isoformat() == "2024-03-05T14:05:00+00:00"
    assert set(table.column("channel").to_pylist()) == {"FDSN:JP_TEST__B_H_Z"}
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_spectra_are_rows_with_lists(tmp_path):
    build("run.mzML", tmp_path)
    text = (tmp_path / "run.mzML").read_text("utf-8")
    start, end = text.index("<spectrum "), text.index("</spectrumList>")
    one = text[start:end]
    two = one.replace('id="s=1"', 'id="s=2"').replace(
        "<binaryDataArrayList",
        '<cvParam cvRef="MS" accession="MS:1000016" name="scan start time" value="90" unitName="second"/>'
        '<cvParam cvRef="MS" accession="MS:1000130" name="positive scan"/><binaryDataArrayList',
    )
    (tmp_path / "run.mzML").write_text(
        text[:start] + one + two + text[end:].replace('count="1"', 'count="2"')
    )
    ((table, how),) = made(tmp_path).values()
    rows = table.to_pylist()
    assert [row["id"] for row in rows] == ["s=1", "s=2"]
    assert rows[1]["retention_time"] == 1.5
    assert rows[1]["polarity"] == "positive"
    assert rows[0]["mz"] == rows[0]["intensity"] == list(range(20))
    (mz,) = [one for one in how.profile.columns if one.name == "mz"]
    assert (mz.minimum, mz.maximum) == (0, 19)
    assert how.profile.duplicate_row_count == 0


@given(
    st.lists(st.none() | st.lists(st.floats(allow_nan=False), max_size=4), min_size=1, max_size=12), st.data()
)
def test_equal_lists_have_equal_hashes(rows, data):
    column = pa.array(rows, pa.list_(pa.float64()))
    whole = row_hashes([column])
    start = data.draw(st.integers(0, len(rows) - 1))
    assert (row_hashes([column.slice(start)]) == whole[start:]).all()
    keys = {None if row is None else tuple(value.hex() for value in row) for row in rows}
    assert len(set(whole.tolist())) == len(keys)


@pytest.mark.parametrize("blank", [" ", "  ", "\t", " \t "])
def test_points_read_the_same_whatever_stands_between_them(tmp_path, blank):
    """One blank takes the fast way, all others NumPy's."""
    text = build("scan.ras", tmp_path).read_text("cp932")
    head, _, rest = text.partition("*RAS_INT_START\n")
    points = [(10 + n / 300, n * 7 / 11, 1.5) for n in range(50)]
    body = "".join(blank.join(map(repr, point)) + "\n" for point in points)
    tail = rest[rest.index("*RAS_INT_END") :]
    (tmp_path / "scan.ras").write_text(f"{head}*RAS_INT_START\n{body}{tail}", "cp932")
    ((table, _),) = made(tmp_path).values()
    assert table.column("two_theta").to_pylist() == [x for x, _, _ in points]
    assert table.column("intensity").to_pylist() == [y * factor for _, y, factor in points]
