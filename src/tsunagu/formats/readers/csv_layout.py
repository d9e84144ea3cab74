"""Where the table stands in a text file: delimiter, decimal sign, preamble, header, units, first data line."""

# ruff: noqa: PLR2004 - counts of lines and columns, named where they stand
from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tsunagu.formats.readers.csv_notes import Note, is_unit, note_of, split_name
from tsunagu.formats.readers.sniff_text import is_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# In the order in which they are tried; in words for people and for what describes the file to other programs.
DELIMITERS = {"\t": "tab", ";": "semicolon", "|": "bar", ",": "comma"}
_COMMENT_MARKS = ("#", "%", "!", "//", "$$", "*", ";", "'")
_DATE_OR_TIME = re.compile(r"^\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|^\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|^\d{1,2}:\d{2}")
_NUMBER_WITH_COMMA = re.compile(r"^[+-]?\d+,\d+([eE][+-]?\d+)?$")
_NUMBER_WITH_POINT = re.compile(r"^[+-]?\d*\.\d+([eE][+-]?\d+)?$")
# What a cell says when there is no value, to the letter.
NULL_WORDS = (
    "",
    "NA",
    "N/A",
    "#N/A",
    "NaN",
    "nan",
    "null",
    "NULL",
    "None",
    "-",
    "--",
    "ND",
    "n.d.",
    "******",
)
_EMPTY_WORDS = frozenset(
    ("", "-", "--", "na", "n/a", "#n/a", "nan", "null", "none", "nd", "n.d.", "inf", "-inf", "******")
)


@dataclass(frozen=True, slots=True)
class Layout:
    """How to read the table. ``delimiter`` is ``None`` for columns between blanks.

    ``skipped_lines`` physical lines stand before the first line of data.
    """

    delimiter: str | None
    names: tuple[str, ...]
    units: tuple[str | None, ...]
    skipped_lines: int
    has_header: bool
    is_decimal_comma: bool = False
    notes: tuple[Note, ...] = ()
    comment: str | None = None


@dataclass(slots=True)
class _Rows:
    """The lines of the head, split by one delimiter; comment lines apart."""

    cells: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    comments: list[tuple[int, str]] = field(default_factory=list)


def find_layout(text: str, *, is_whole: bool) -> Layout | None:
    """The layout of the table that a text holds, or ``None`` when there is none.

    Args:
        text: The head of the file, decoded.
        is_whole: Whether it is the whole file; otherwise its last line is cut off and left out.
    """
    lines = text.splitlines()
    if not is_whole and len(lines) > 1:
        lines = lines[:-1]
    delimiter = _delimiter(lines)
    return _layout(_split(lines, delimiter), delimiter)


def head_cells(text: str, delimiter: str | None, skipped_lines: int) -> Iterator[list[str]]:
    """The cells of the rows behind the skipped lines, as they stand."""
    rows = _cells(text.splitlines()[skipped_lines:], delimiter)
    yield from (cells for _, cells in rows)


def layout_of_cells(cells: Sequence[Sequence[str]]) -> Layout | None:
    """The same for rows that are cells already, as in a sheet; ``skipped_lines`` counts rows."""
    rows = _Rows()
    width = max((len(row) for row in cells), default=0)
    for number, row in enumerate(cells, 1):
        if any(row):
            # A sheet is a rectangle: empty cells at the right say that a row is shorter.
            bare = list(row)
            while bare and not bare[-1]:
                bare.pop()
            rows.cells.append(bare)
            rows.lines.append(number)
    usual = _width(rows.cells) if rows.cells else width
    rows.cells = [
        [*row, *[""] * (usual - len(row))] if len(row) < usual and _is_numeric_row(row) and row[0] else row
        for row in rows.cells
    ]
    return _layout(rows, "\t")


def _layout(rows: _Rows, delimiter: str | None) -> Layout | None:
    if not rows.cells:
        return None
    width = _width(rows.cells)
    if width < 2 and not (delimiter is not None and len(rows.cells) >= 2):
        return None
    start = _data_start(rows.cells, width)
    if start is None:
        return None
    return _describe(rows, start, width, delimiter)


def _delimiter(lines: Sequence[str]) -> str | None:
    scores = {mark: _score(lines, mark) for mark in DELIMITERS}
    best = max(DELIMITERS, key=lambda mark: scores[mark])
    if scores[best] >= 0.5:
        return best
    blanks = _score(lines, None)
    if blanks > scores[best]:
        return None
    return _ask_clevercsv(lines) or best


def _ask_clevercsv(lines: Sequence[str]) -> str | None:
    """For the odd cases; slow on long samples, hence few lines."""
    import clevercsv

    try:
        dialect = clevercsv.Sniffer().sniff("\n".join(line[:300] for line in lines[:40]))
    except (clevercsv.Error, ValueError, TypeError):
        return None
    return dialect.delimiter if dialect is not None and len(dialect.delimiter or "") == 1 else None


def _score(lines: Sequence[str], delimiter: str | None) -> float:
    """The share of lines in the longest run of equal width; numbers in it count extra."""
    if delimiter is not None and not any(delimiter in line for line in lines):
        return 0.0  # one column, whatever the lines say
    rows = _split(lines, delimiter).cells
    if len(rows) < 1:
        return 0.0
    width = _width(rows)
    if width < 2:
        return 0.0
    matching = [row for row in rows if len(row) == width]
    share = len(matching) / len(rows)
    tail = matching[-20:]
    numeric = sum(_is_numeric_row(row) for row in tail) / len(tail)
    # Commas inside "1,5;2,5" are regular too: the decimal sign is the weaker delimiter.
    return share * (0.8 + 0.2 * numeric) * (0.95 if delimiter == "," else 1.0)


def _split(lines: Sequence[str], delimiter: str | None) -> _Rows:
    rows = _Rows()
    # A comment counts as an empty line, so that line numbers stay right.
    bare = []
    for number, line in enumerate(lines, 1):
        is_comment = _is_comment(line, delimiter)
        if is_comment:
            rows.comments.append((number, line))
        bare.append("" if is_comment else line)
    for number, cells in _cells(bare, delimiter):
        if any(cells):
            rows.cells.append(cells)
            rows.lines.append(number)
    return rows


def _cells(lines: Sequence[str], delimiter: str | None) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of each row; one with line breaks inside quotes has the number of its first line."""
    if delimiter is None:
        yield from ((number, line.split()) for number, line in enumerate(lines, 1))
        return
    reader = csv.reader((line + "\n" for line in lines), delimiter=delimiter)
    number = 1
    try:
        for row in reader:
            yield number, [cell.strip() for cell in row]
            number = reader.line_num + 1
    except csv.Error:
        return


def _is_comment(line: str, delimiter: str | None) -> bool:
    stripped = line.lstrip()
    marks = [mark for mark in _COMMENT_MARKS if mark != delimiter]
    return stripped.startswith(tuple(marks))


def _width(rows: Sequence[Sequence[str]]) -> int:
    """The number of columns of the table: what most of the later lines have."""
    later = rows[len(rows) // 3 :] or rows
    counts: dict[int, int] = {}
    for row in later:
        counts[len(row)] = counts.get(len(row), 0) + 1
    return max(counts, key=lambda width: (counts[width] * min(width, 2), width))


def _is_numeric_cell(cell: str) -> bool:
    return is_number(cell) or bool(_DATE_OR_TIME.match(cell))


def _is_numeric_row(row: Sequence[str]) -> bool:
    filled = [cell for cell in row if cell.lower() not in _EMPTY_WORDS]
    return bool(filled) and sum(map(_is_numeric_cell, filled)) * 2 >= len(filled)


def _data_start(rows: Sequence[Sequence[str]], width: int) -> int | None:
    """The index of the first row of data."""
    fits = [len(row) == width for row in rows]
    numeric = [fit and _is_numeric_row(row) for fit, row in zip(fits, rows, strict=True)]
    if sum(numeric) >= max(1, 0.4 * sum(fits)):
        return _longest_run(numeric)
    for index, fit in enumerate(fits):
        ahead = fits[index : index + 5]
        if fit and sum(ahead) >= 0.6 * len(ahead):
            # A table of words: its first row is the header.
            return index + 1 if index + 1 < len(rows) else index
    return None


def _longest_run(flags: Sequence[bool]) -> int:
    """Where the longest run of true begins; one false inside a run of three or more is forgiven."""
    best, start, length, gap = (0, 0), 0, 0, 0
    for index, flag in enumerate(flags):
        if flag:
            if length == 0:
                start = index
            length, gap = length + 1, 0
            best = max(best, (length, -start))
        else:
            gap += 1
            if length < 3 or gap > 1:
                length = 0
    return -best[1]


def _describe(rows: _Rows, start: int, width: int, delimiter: str | None) -> Layout:
    header = start
    while header > 0 and len(rows.cells[header - 1]) == width and start - header < 2:
        header -= 1
    above = rows.cells[header:start]
    names: list[str] = []
    units: list[str | None] = [None] * width
    first_header = start
    if above and len(above) >= 2 and _is_unit_row(above[-1]):
        names, units = above[-2], [cell.strip("()[]{} ") or None for cell in above[-1]]
        first_header = start - 2
    elif above:
        names, first_header = above[-1], start - 1
    elif start > 0 and len(rows.cells[start - 1]) == width - 1 and width > 2:
        # A header without the trailing delimiter, or without a name for the index column.
        names, first_header = [*rows.cells[start - 1], ""], start - 1
    elif commented := _commented_header(rows, start, width, delimiter):
        names = commented
    notes = _notes(rows, first_header, rows.lines[start], delimiter)
    titles = [split_name(name) for name in names] if names else []
    full = [(titles[i][0] if i < len(titles) and titles[i][0] else f"column {i + 1}") for i in range(width)]
    found = [units[i] or (titles[i][1] if i < len(titles) else None) for i in range(width)]
    return Layout(
        delimiter=delimiter,
        names=_unique(full),
        units=tuple(found),
        skipped_lines=rows.lines[start] - 1,
        has_header=bool(names),
        is_decimal_comma=_uses_decimal_comma(rows.cells[start:], delimiter),
        notes=tuple(notes),
    )


def _is_unit_row(row: Sequence[str]) -> bool:
    filled = [cell for cell in row if cell]
    known = sum(is_unit(cell) for cell in filled)
    bracketed = sum(cell[0] in "([（［" for cell in filled)
    return (
        bool(filled) and (known + bracketed >= 0.5 * len(filled)) and all(len(cell) <= 20 for cell in filled)
    )


def _commented_header(rows: _Rows, start: int, width: int, delimiter: str | None) -> list[str]:
    """Names in the last comment line above the data, where it has as many cells."""
    for number, line in reversed(rows.comments):
        if number < rows.lines[start]:
            bare = line.lstrip().lstrip("#%!;*'/$").strip()
            cells = [cell.strip() for cell in (bare.split(delimiter) if delimiter else bare.split())]
            return cells if len(cells) == width and not all(map(is_number, cells)) else []
    return []


def _notes(rows: _Rows, first_header: int, data_line: int, delimiter: str | None) -> list[Note]:
    notes = [(rows.lines[i], rows.cells[i]) for i in range(first_header)]
    found = [note_of(line, cells, delimiter) for line, cells in notes]
    for number, text in rows.comments:
        if number < data_line:
            bare = text.lstrip().lstrip("#%!;*'/$").strip()
            if bare:
                found.append(note_of(number, [bare], delimiter))
    return sorted(found, key=lambda note: note.line)


def _uses_decimal_comma(rows: Sequence[Sequence[str]], delimiter: str | None) -> bool:
    if delimiter == ",":
        return False
    cells = [cell for row in rows[:50] for cell in row]
    comma = sum(bool(_NUMBER_WITH_COMMA.match(cell)) for cell in cells)
    return comma > 0 and comma >= sum(bool(_NUMBER_WITH_POINT.match(cell)) for cell in cells)


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(unique)
