"""CSV, TSV and their relatives, in any dialect and encoding.

The layout comes from the head; the numbers are streamed through Arrow, so that a file of any size costs the
same memory.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.csv as pa_csv

from tsunagu.formats import draw
from tsunagu.formats.encoding import decode, detect
from tsunagu.formats.errors import UnreadableError
from tsunagu.formats.findings import Findings
from tsunagu.formats.reader import HEAD_BYTES
from tsunagu.formats.readers import arrow
from tsunagu.formats.readers.csv_layout import DELIMITERS, NULL_WORDS, find_layout
from tsunagu.formats.readers.plain_text import read as read_as_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tsunagu.formats.encoding import Encoding
    from tsunagu.formats.reader import Context
    from tsunagu.formats.readers.csv_layout import Layout
    from tsunagu.formats.types import Reading

_BLOCK_BYTES = 1 << 20
_RETRIES = 12
_TIMES = [
    pa_csv.ISO8601,
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%Y.%m.%d %H:%M:%S",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y",
]
_BAD_COLUMN = re.compile(r"column #(\d+)")


@dataclass
class Skipped:
    """Lines that do not have the table's number of columns."""

    count: int = 0
    examples: list[str] = field(default_factory=list)

    def __call__(self, row: Any) -> str:
        """Count a line; Arrow passes it over."""
        self.count += 1
        if not self.examples and row.text:
            self.examples.append(row.text[:60])
        return "skip"


def read(path: Path, context: Context) -> Reading:
    """A table as text; preamble lines become fields.

    Raises:
        UnreadableError: no encoding fits.
    """
    encoding = detect(context.head)
    if encoding is None:
        raise UnreadableError("The content is not text in any known encoding.")
    text = decode(context.head, encoding).removeprefix("\ufeff")
    layout = find_layout(text, is_whole=context.is_whole_head)
    if layout is None:
        return read_as_text(path, context)
    findings = Findings(context.limits)
    findings.field("encoding", encoding.codec, where="guessed" if not encoding.is_sure else "file")
    _say_layout(findings, layout)
    for note in layout.notes:
        findings.field(note.key, note.value, unit=note.unit, where=f"line {note.line}")
    skipped = Skipped()
    summary = _summarise(path, context, encoding, layout, skipped)
    if skipped.count:
        example = f" (the first: {skipped.examples[0]!r})" if skipped.examples else ""
        findings.warn(
            f"{skipped.count:,} lines do not have {len(layout.names)} columns and were passed over{example}."
        )
    if summary.is_cut:
        findings.warn(
            f"Only the first {summary.rows:,} rows were looked at; counts and ranges are of those rows."
        )
    findings.table(
        context.name,
        summary.columns(layout.names, layout.units),
        row_count=None if summary.is_cut else summary.rows,
        where=f"line {layout.skipped_lines + 1} on",
    )
    findings.preview(summary.curve(context.name, layout.names, layout.units))
    findings.preview(
        draw.table(context.name, layout.names, summary.first_rows, None if summary.is_cut else summary.rows)
    )
    return findings.finish()


def _say_layout(findings: Findings, layout: Layout) -> None:
    """What another program must know to read the same table."""
    findings.field("delimiter", DELIMITERS.get(layout.delimiter or "", "blanks"), where="guessed")
    findings.field("first data line", layout.skipped_lines + 1, where="guessed")
    findings.field("decimal sign", "," if layout.is_decimal_comma else ".", where="guessed")


def _summarise(
    path: Path, context: Context, encoding: Encoding, layout: Layout, skipped: Skipped
) -> arrow.Summary:
    """One pass; again with a column as text each time when a later block does not fit the guessed type."""
    types: dict[str, Any] = {}
    for _ in range(_RETRIES):
        skipped.count, skipped.examples = 0, []
        try:
            return _pass(path, context, encoding, layout, skipped, types)
        except pa.ArrowInvalid as error:
            match = _BAD_COLUMN.search(str(error))
            name = (
                layout.names[int(match.group(1))]
                if match and int(match.group(1)) < len(layout.names)
                else None
            )
            if name is None or name in types:
                if "Empty CSV" in str(error):
                    return arrow.Summary(len(layout.names))
                raise UnreadableError(
                    f"The table breaks off or is damaged: {str(error).rstrip('.')}."
                ) from error
            types[name] = pa.string()
    return _pass(path, context, encoding, layout, skipped, dict.fromkeys(layout.names, pa.string()))


def _pass(
    path: Path, context: Context, encoding: Encoding, layout: Layout, skipped: Skipped, types: dict[str, Any]
) -> arrow.Summary:
    summary = arrow.Summary(len(layout.names))
    with path.open("rb") as source:
        try:
            reader = open_table(source, encoding, layout, skipped, types)
            seen = 0
            for batch in reader:
                summary.add(batch)
                seen += batch.nbytes
                if seen > context.limits.scanned_bytes:
                    summary.is_cut = True
                    break
        except UnicodeDecodeError as error:
            raise UnreadableError(f"The text is not {encoding.codec} throughout: {error.reason}.") from error
    return summary


def open_table(
    source: BinaryIO,
    encoding: Encoding,
    layout: Layout,
    skipped: Skipped,
    types: Mapping[str, Any],
    *,
    is_strict: bool = False,
    has_breaks: bool = False,
    is_small: bool = False,
) -> Any:
    """Arrow's streaming reader on a table as text, with everything that counts as empty or as a time.

    Args:
        source: The file; it is left open.
        encoding: Of the text.
        layout: Where the table stands.
        skipped: Hears of lines that do not fit.
        types: Arrow types by column; the others are guessed from the first block.
        is_strict: Text must be valid in its encoding, and reading runs ahead of whoever takes the rows.
        has_breaks: Line breaks may stand inside quotes.
        is_small: It is no longer than a head: threads and large blocks take longer to get than the file to read.
    """
    delimiter, codec = layout.delimiter, encoding.codec
    if delimiter is None:
        source, delimiter, codec = cast("BinaryIO", _Tabbed(source, encoding)), "\t", "utf-8"
    return pa_csv.open_csv(
        source,
        read_options=pa_csv.ReadOptions(
            use_threads=is_strict and not is_small,
            block_size=HEAD_BYTES + 1 if is_small else _BLOCK_BYTES,
            skip_rows=layout.skipped_lines,
            column_names=list(layout.names),
            encoding="utf8" if codec in {"utf-8", "utf-8-sig"} else codec,
        ),
        parse_options=pa_csv.ParseOptions(
            delimiter=delimiter, invalid_row_handler=skipped, newlines_in_values=has_breaks
        ),
        convert_options=pa_csv.ConvertOptions(
            null_values=list(NULL_WORDS),
            strings_can_be_null=True,
            decimal_point="," if layout.is_decimal_comma else ".",
            timestamp_parsers=_TIMES,
            column_types=types,
            check_utf8=is_strict,
        ),
    )


class _Tabbed(io.RawIOBase):
    """Columns between blanks as columns between tabs, line by line."""

    def __init__(self, source: BinaryIO, encoding: Encoding) -> None:
        self._lines = io.TextIOWrapper(source, encoding=encoding.codec, errors="replace")
        self._rest = b""

    def close(self) -> None:
        """Leave the file itself to whoever opened it."""
        if not self.closed:
            self._lines.detach()
        super().close()

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer; 0 at the end."""
        while len(self._rest) < len(buffer):
            lines = self._lines.readlines(_BLOCK_BYTES)
            if not lines:
                break
            self._rest += "".join("\t".join(line.split()) + "\n" for line in lines).encode()
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count
