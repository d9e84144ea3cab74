"""Every reader that gives rows gives those that its reading announces, of built files and behind walls."""

from __future__ import annotations

import datetime as dt
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tsunagu.formats import api as formats
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
    "report.pdf",
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
            pa.field("kind", pa.dictionary(pa.int8(), pa.string())),
        ]
    )
    rows = {"v": [1.5, None], "tags": [["a"], None], "kind": ["p", "q"]}
    pq.write_table(pa.table(rows, schema=schema), tmp_path / "in.parquet")
    ((table, _),) = made(tmp_path).values()
    assert table.column("v").to_pylist() == [1.5, None]
    assert table.column("kind").to_pylist() == ["p", "q"]
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
