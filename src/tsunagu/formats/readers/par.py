"""Philips PAR headers: general information as fields, the list of images as a table. Numbers lie in the .REC."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tsunagu.formats import draw
from tsunagu.formats.errors import UnreadableError
from tsunagu.formats.findings import Findings, as_number
from tsunagu.formats.types import Column

if TYPE_CHECKING:
    from pathlib import Path

    from tsunagu.formats.reader import Context
    from tsunagu.formats.types import Reading

_BYTES = 64 << 20
_GENERAL = re.compile(r"^\.\s+(.*?)\s*(?:\[([^\]]*)\])?\s*(?:\(([^)]*)\))?\s*:\s+(.*?)\s*$")
_COLUMN = re.compile(r"^#\s{1,3}(\S.*?)\s*\((?:(\d+)\*)?(integer|float|string)\)")
_KNOWN_UNITS = {"mm", "ms", "msec", "sec", "s", "degr", "deg", "mT", "Hz", "kHz", "degrees"}
_PERSONAL = {"Patient name", "Examination name"}
_LEAST_FIELDS = 5


def read(path: Path, context: Context) -> Reading:
    """One PAR header.

    Raises:
        UnreadableError: no general information in it.
    """
    with path.open("rb") as source:
        text = source.read(_BYTES).decode("latin-1")
    findings = Findings(context.limits)
    names: list[str] = []
    rows: list[list[str]] = []
    count = 0
    for number, line in enumerate(text.splitlines(), 1):
        if match := _GENERAL.match(line):
            count += 1
            unit = next((part for part in match.group(2, 3) if part in _KNOWN_UNITS), None)
            key = match.group(1)
            findings.field(key, match.group(4), unit=unit, where=f"line {number}", personal=key in _PERSONAL)
        elif match := _COLUMN.match(line):
            times = int(match.group(2) or 1)
            names += [match.group(1)] if times == 1 else [f"{match.group(1)} {i + 1}" for i in range(times)]
        elif line[:1].isspace() and line.split():
            rows.append(line.split())
    if count < _LEAST_FIELDS:
        raise UnreadableError("The PAR header holds no general information.", reason_code="truncated")
    _images(rows, names, findings, context)
    return findings.finish()


def _images(rows: list[list[str]], names: list[str], findings: Findings, context: Context) -> None:
    if not rows:
        message = "The header breaks off before the list of images."
        raise UnreadableError(message, reason_code="truncated", partial=findings.finish())
    width = max(len(row) for row in rows)
    names = [*names[:width], *(f"column {i + 1}" for i in range(len(names), width))]
    if len(rows[-1]) < width:
        findings.warn("The last line of the list of images is cut off.")
        rows = rows[:-1]
    columns = []
    for index, name in enumerate(names):
        numbers = [value for row in rows if index < len(row) and (value := as_number(row[index])) is not None]
        low, high = (min(numbers), max(numbers)) if numbers else (None, None)
        columns.append(
            Column(name, "number" if numbers else "text", count=len(rows), minimum=low, maximum=high)
        )
    findings.table(f"{context.name} images", columns, row_count=len(rows), where="image information")
    findings.preview(draw.table(context.name, names, rows, len(rows)))
