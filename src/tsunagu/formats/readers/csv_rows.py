"""The rows of a table as text, as Arrow batches of the kinds that were asked for."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa

from tsunagu.formats.converting.kinds import ARROW_TYPES
from tsunagu.formats.encoding import decode, detect
from tsunagu.formats.errors import CellError, UnreadableError
from tsunagu.formats.reader import Rows
from tsunagu.formats.readers.csv_layout import find_layout, head_cells
from tsunagu.formats.readers.csv_table import Skipped, open_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tsunagu.formats.reader import Context

_BAD_CELL = re.compile(r"column #(\d+): (?:Row #\d+: )?(.*)", re.DOTALL)
_LINE = re.compile(r"Row #(\d+)")
_CODE = re.compile(r"[+-]?0\d+$")


def csv_rows(source: BinaryIO, context: Context, table: str, kinds: Mapping[str, str]) -> Rows:
    """Every row; a cell that does not fit stops it.

    Raises:
        UnreadableError: there is no table any more, or its text is not valid in its encoding.
        CellError: a cell does not fit the kind of its column.
    """
    del table  # there is one
    encoding = detect(context.head)
    text = decode(context.head, encoding).removeprefix("\ufeff") if encoding else ""
    layout = find_layout(text, is_whole=context.is_whole_head) if encoding else None
    if encoding is None or layout is None:
        raise UnreadableError("The text holds no table.")
    _refuse_codes(text, layout.delimiter, layout.names, layout.skipped_lines, kinds)
    skipped = Skipped()
    types = {name: ARROW_TYPES[kind] for name, kind in kinds.items()}

    def batches() -> Iterator[Any]:
        whole: Any = source
        if context.is_whole_head:
            # Arrow reads its own buffer without waiting for Python's lock; blanks are cut apart line by line here.
            whole = io.BytesIO(context.head) if layout.delimiter is None else pa.BufferReader(context.head)
        try:
            yield from open_table(
                whole, encoding, layout, skipped, types,
                is_strict=True, has_breaks=b'"' in context.head, is_small=context.is_whole_head,
            )  # fmt: skip
        except UnicodeDecodeError as error:
            raise UnreadableError(f"The text is not {encoding.codec} throughout: {error.reason}.") from error
        except pa.ArrowInvalid as error:
            raise _explained(str(error), layout.names, encoding.codec) from error

    return Rows(batches(), lambda: skipped.count)


def _refuse_codes(
    text: str, delimiter: str | None, names: Sequence[str], skipped_lines: int, kinds: Mapping[str, str]
) -> None:
    """``007`` is a code; as a number it would lose its zeros."""
    for row in head_cells(text, delimiter, skipped_lines):
        for name, cell in zip(names, row, strict=False):
            if kinds.get(name) in {"integer", "wide_integer", "number"} and _CODE.match(cell):
                raise CellError(name, f"{cell!r} has leading zeros, which a number loses.", is_text=True)


def _explained(said: str, names: Sequence[str], codec: str) -> Exception:
    match = _BAD_CELL.search(said)
    if match is None or int(match[1]) >= len(names):
        return UnreadableError(f"The table breaks off or is damaged: {said.rstrip('.')}.")
    name, what = names[int(match[1])], " ".join(match[2].split())
    if "UTF8" in what:
        return UnreadableError(
            f"The text in column {name} is not {codec} throughout: some letters come from another encoding."
        )
    line = _LINE.search(said)
    where = f" (row {int(line[1]):,})" if line else ""
    return CellError(name, f"{what.partition(': ')[2] or what}{where}")
