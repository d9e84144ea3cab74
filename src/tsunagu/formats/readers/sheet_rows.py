"""The rows of a sheet of an Excel workbook."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook

from tsunagu.formats.converting.kinds import ARROW_TYPES
from tsunagu.formats.errors import CellError, UnreadableError
from tsunagu.formats.reader import Rows
from tsunagu.formats.readers.excel import cell_text, sheet_layout

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tsunagu.formats.reader import Context

_BATCH_ROWS = 50_000


def excel_rows(source: BinaryIO, context: Context, table: str, kinds: Mapping[str, str]) -> Rows:
    """Every row of the sheet of that name, below its header; values as calculated by Excel when it saved.

    Raises:
        UnreadableError: damaged, or there is no such table any more.
    """
    del context
    try:
        rows = CalamineWorkbook.from_filelike(source).get_sheet_by_name(table).to_python()
    except (CalamineError, OSError, ValueError) as error:
        raise UnreadableError(f"The workbook is damaged: {str(error).rstrip('.')}.") from error
    layout = sheet_layout(rows)
    if layout is None:
        raise UnreadableError(f"The sheet {table} holds no table.")
    data = rows[layout.skipped_lines :]
    while data and all(cell in ("", None) for cell in data[-1]):
        data.pop()
    return Rows(_batches(data, layout.names, kinds))


def _batches(data: Sequence[Sequence[Any]], names: Sequence[str], kinds: Mapping[str, str]) -> Iterator[Any]:
    for start in range(0, len(data), _BATCH_ROWS):
        part = data[start : start + _BATCH_ROWS]
        arrays = [
            _array(name, [row[place] if place < len(row) else None for row in part], kinds[name])
            for place, name in enumerate(names)
        ]
        yield pa.RecordBatch.from_arrays(arrays, names=list(names))


def _array(name: str, cells: Sequence[Any], kind: str) -> Any:
    present = [None if cell in ("", None) else cell for cell in cells]
    if kind == "text":
        return pa.array([None if cell is None else cell_text(cell) for cell in present], pa.string())
    fits: tuple[type, ...] = {
        "boolean": (bool,),
        "date": (dt.date,),
        "timestamp": (dt.date,),
        "time": (dt.time,),
    }.get(kind, (int, float))
    for cell in present:
        # A boolean is an int to Python and a moment is a date; to a column they are not.
        is_other = isinstance(cell, bool) and kind != "boolean"
        is_moment = kind == "date" and isinstance(cell, dt.datetime)
        if cell is not None and (is_other or is_moment or not isinstance(cell, fits)):
            raise CellError(name, f"The cell {cell_text(cell)[:60]!r} is no {kind}.")
    try:
        return pa.array(present, ARROW_TYPES[kind] if kind not in {"integer", "wide_integer"} else None)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise CellError(name, " ".join(str(error).split())) from error
