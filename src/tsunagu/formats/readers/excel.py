"""Excel workbooks, new and old: each sheet as a table with the lines above it as fields."""

from __future__ import annotations

import datetime as dt
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
from python_calamine import CalamineError, CalamineWorkbook, PasswordError

from tsunagu.formats import draw
from tsunagu.formats.errors import UnreadableError
from tsunagu.formats.findings import Findings
from tsunagu.formats.readers.arrow import is_monotonic
from tsunagu.formats.readers.csv_layout import layout_of_cells
from tsunagu.formats.safe_xml import local, parse
from tsunagu.formats.types import Column

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tsunagu.formats.reader import Context
    from tsunagu.formats.readers.csv_layout import Layout
    from tsunagu.formats.types import ColumnType, CurvePreview, Reading

_SHEETS = 50
_ROWS = 100_000
_HEAD_ROWS = 200
_LEAST_POINTS = 5
_PERSONAL = {"creator", "lastModifiedBy", "manager"}


def read(path: Path, context: Context) -> Reading:
    """All visible and hidden sheets, values as calculated by Excel when it saved.

    Raises:
        UnreadableError: cut off, damaged, protected by a password, or unpacking to more than the cap.
    """
    findings = Findings(context.limits)
    if context.head.startswith(b"PK"):
        _properties(path, findings, context)
    try:
        with path.open("rb") as source:
            workbook = CalamineWorkbook.from_filelike(source)
            names = workbook.sheet_names
            findings.field("sheets", names, where="workbook")
            for index, name in enumerate(names[:_SHEETS]):
                _sheet(workbook.get_sheet_by_index(index).to_python(nrows=_ROWS), name, findings, context)
            if len(names) > _SHEETS:
                findings.warn(
                    f"The workbook holds {len(names)} sheets; only the first {_SHEETS} were taken in."
                )
    except PasswordError as error:
        raise UnreadableError("The workbook is protected by a password.", reason_code="encrypted") from error
    except (CalamineError, OSError, ValueError) as error:
        raise UnreadableError(
            f"The workbook is damaged: {str(error).rstrip('.')}.", partial=findings.finish()
        ) from error
    return findings.finish()


def _properties(path: Path, findings: Findings, context: Context) -> None:
    """Title, author and dates; the sizes in the directory are checked before anything is unpacked."""
    try:
        with zipfile.ZipFile(path) as archive:
            total = sum(item.file_size for item in archive.infolist())
            if total > context.limits.decompressed_bytes:
                raise UnreadableError(
                    f"The workbook unpacks to {total:,} bytes; the limit is {context.limits.decompressed_bytes:,}.",
                    reason_code="too_big",
                )
            for part in ("docProps/core.xml", "docProps/app.xml"):
                if part in archive.namelist() and archive.getinfo(part).file_size < 1 << 20:
                    for node in parse(archive.read(part)):
                        name = local(node.tag)
                        if node.text and node.text.strip() and len(node) == 0:
                            findings.field(name, node.text, where=part, personal=name in _PERSONAL)
    except zipfile.BadZipFile as error:
        raise UnreadableError(
            "The workbook breaks off: the directory at the end of the ZIP file is missing or damaged.",
            reason_code="truncated",
        ) from error


def _sheet(rows: list[list[Any]], name: str, findings: Findings, context: Context) -> None:
    if not any(any(cell not in ("", None) for cell in row) for row in rows[:_HEAD_ROWS]):
        return
    layout = sheet_layout(rows)
    if layout is None:
        for number, row in enumerate(rows[:_HEAD_ROWS], 1):
            filled = [cell for cell in row if cell not in ("", None)]
            if len(filled) > 1:
                findings.field(
                    cell_text(filled[0]),
                    [_value(cell) for cell in filled[1:]],
                    where=f"sheet {name}, row {number}",
                )
        return
    for note in layout.notes:
        findings.field(note.key, note.value, unit=note.unit, where=f"sheet {name}, row {note.line}")
    width = len(layout.names)
    data = [[*row[:width], *[""] * (width - len(row))] for row in rows[layout.skipped_lines :]]
    while data and all(cell in ("", None) for cell in data[-1]):
        data.pop()
    if len(rows) >= _ROWS:
        findings.warn(f"Of sheet {name} only the first {_ROWS:,} rows were looked at.")
    columns = [_column(layout.names[i], layout.units[i], [row[i] for row in data]) for i in range(width)]
    findings.table(
        name, columns, row_count=len(data), where=f"sheet {name}, row {layout.skipped_lines + 1} on"
    )
    findings.preview(_curve(name, layout, columns, data))
    findings.preview(
        draw.table(
            f"{context.name} {name}", layout.names, ([cell_text(c) for c in row] for row in data), len(data)
        )
    )


def sheet_layout(rows: Sequence[Sequence[Any]]) -> Layout | None:
    """Where the table of a sheet stands."""
    return layout_of_cells([[cell_text(cell) for cell in row] for row in rows[:_HEAD_ROWS]])


def cell_text(cell: Any) -> str:
    """A cell as people would type it."""
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else f"{cell:.10g}"  # noqa: PLR2004
    if isinstance(cell, (dt.datetime, dt.date, dt.time)):
        return cell.isoformat()
    return "" if cell is None else str(cell)


def _value(cell: Any) -> Any:
    return int(cell) if isinstance(cell, float) and cell.is_integer() else cell


def _column(name: str, unit: str | None, cells: Sequence[Any]) -> Column:
    present = [cell for cell in cells if cell not in ("", None)]
    word: ColumnType = "other"
    low: Any = None
    high: Any = None
    if not present:
        word = "empty"
    elif all(isinstance(cell, bool) for cell in present):
        word = "boolean"
    elif all(isinstance(cell, (int, float)) for cell in present):
        word = "integer" if all(float(cell).is_integer() for cell in present) else "number"
        low, high = _value(min(present)), _value(max(present))
    elif all(isinstance(cell, (dt.datetime, dt.date)) for cell in present):
        word = "time"
        texts = sorted(cell_text(cell) for cell in present)
        low, high = texts[0], texts[-1]
    elif all(isinstance(cell, str) for cell in present):
        word = "text"
    share = round(1 - len(present) / len(cells), 6) if cells else None
    return Column(name, word, unit, len(present), share, low, high)


def _curve(
    title: str, layout: Layout, columns: Sequence[Column], data: Sequence[Sequence[Any]]
) -> CurvePreview | None:
    numeric = [i for i, column in enumerate(columns) if column.type in {"number", "integer"}]
    if len(numeric) < 2 or len(data) < _LEAST_POINTS:  # noqa: PLR2004 - an x and a y
        return None

    def numbers(index: int) -> Any:
        return np.array(
            [row[index] if isinstance(row[index], (int, float)) else np.nan for row in data], dtype=float
        )

    first, others = numeric[0], numeric[1 : 1 + draw.CURVE_SERIES]
    x = numbers(first)
    if not is_monotonic(x):
        return None
    y = (layout.names[others[0]], layout.units[others[0]]) if len(others) == 1 else ("", None)
    lines = [draw.series(layout.names[i], x, numbers(i)) for i in others]
    return draw.curve(title, lines, x=(layout.names[first], layout.units[first]), y=y)
