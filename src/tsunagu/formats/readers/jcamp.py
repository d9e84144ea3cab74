"""JCAMP-DX: labels as fields, the data tables of all blocks, compound files and NTUPLES too.

A damaged data table does not hide the header: its labels are kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tsunagu.formats import draw
from tsunagu.formats.encoding import decode, detect
from tsunagu.formats.errors import UnreadableError
from tsunagu.formats.findings import Findings, as_number
from tsunagu.formats.readers import asdf_numbers
from tsunagu.formats.readers.scans import scan_columns
from tsunagu.formats.types import Limits

if TYPE_CHECKING:
    from pathlib import Path

    from tsunagu.formats.reader import Context
    from tsunagu.formats.readers.scans import Axes
    from tsunagu.formats.types import Reading

_BYTES = 128 << 20
_POINTS = 4_000_000
_BLOCKS = 200
_SERIES = 6
_LABEL = re.compile(r"^\s*##([^=]*)=(.*)$")
_TABLES = {"XYDATA", "XYPOINTS", "PEAKTABLE", "PEAKASSIGNMENTS", "DATATABLE", "RADATA", "ASSIGNMENTS"}
_STRUCTURE = {"END", "PAGE", "NTUPLES", "ENDNTUPLES", "BLOCKS"}
_PERSONAL = {"OPERATOR", "$OPERATOR", "ANALYST", "$USER"}
_QUANTITIES = {
    "1/CM": ("wavenumber", "1/cm"), "1CM": ("wavenumber", "1/cm"), "CM1": ("wavenumber", "1/cm"),
    "NANOMETERS": ("wavelength", "nm"), "NM": ("wavelength", "nm"), "MICROMETERS": ("wavelength", "µm"),
    "M/Z": ("m_over_z", ""), "MZ": ("m_over_z", ""), "PPM": ("chemical_shift", "ppm"), "HZ": ("frequency", "Hz"),
    "HERTZ": ("frequency", "Hz"), "SECONDS": ("time", "s"), "TRANSMITTANCE": ("transmittance", ""),
    "ABSORBANCE": ("absorbance", ""), "REFLECTANCE": ("reflectance", ""),
    "RELATIVEABUNDANCE": ("relative_abundance", ""), "COUNTS": ("intensity", "counts"),
    "ARBITRARYUNITS": ("intensity", ""),
}  # fmt: skip
_TUPLE_LABELS = ("SYMBOL", "VARNAME", "UNITS", "FACTOR", "FIRST", "LAST", "VARDIM", "VARTYPE", "VARFORM")


@dataclass
class _Data:
    """One data table as text, with the labels in force where it stood."""

    label: str
    form: str
    labels: dict[str, str]
    page: str = ""
    lines: list[str] = field(default_factory=list)


@dataclass
class _Block:
    """From TITLE to END; a compound file holds several."""

    title: str
    labels: dict[str, str] = field(default_factory=dict)


def normalised(label: str) -> str:
    """Labels compare without blanks, ``-``, ``/``, ``_`` and case."""
    return re.sub(r"[\s\-/_]", "", label).upper()


def read(path: Path, context: Context) -> Reading:
    """The labels and data of every block, up to 128 MiB.

    Raises:
        UnreadableError: no text, or cut off inside the data.
    """
    if context.byte_count > _BYTES:
        raise UnreadableError(
            f"The JCAMP-DX file has {context.byte_count:,} bytes; the limit is {_BYTES:,}.",
            reason_code="too_big",
        )
    encoding = detect(context.head)
    if encoding is None:
        raise UnreadableError("The content is not text behind its first label.")
    text = decode(path.read_bytes(), encoding).removeprefix("\ufeff")
    findings = Findings(context.limits)
    labels = _Pass(findings)
    labels.run(text)
    tables, ends = labels.tables, labels.ends
    is_short = _draw(tables, findings, context.name)
    for name, axes, curves in spectra(tables):
        findings.table(name, scan_columns(curves, axes), row_count=sum(x.size for x, _ in curves), where="data tables")  # fmt: skip
    if ends == 0 and is_short:
        raise UnreadableError(
            f"The file breaks off: {is_short}, and the closing ##END= is missing.",
            reason_code="truncated",
            partial=findings.finish(),
        )
    if is_short:
        findings.warn(f"The data do not match the header: {is_short}.")
    if ends == 0:
        findings.warn("The closing ##END= is missing; the file may be cut off.")
    if not tables:
        findings.preview(draw.text(context.name, text))
    return findings.finish()


def data_tables(text: str) -> list[_Data]:
    """The data tables of a text with the labels that hold for each."""
    found = _Pass(Findings(Limits()))
    found.run(text)
    return found.tables


def spectra(tables: list[_Data]) -> list[tuple[str, Axes, list[tuple[Any, Any]]]]:
    """Curves by their axes: name of the table, axes, (x, y) of each curve; what cannot be decoded is left out."""
    found: dict[tuple[str, str], list[tuple[Any, Any]]] = {}
    for table in tables:
        try:
            x, y, _ = _decode(table)
        except (ValueError, OverflowError, IndexError):
            continue
        if y.size:
            found.setdefault(_axis_units(table), []).append((x[: y.size], y[: x.size]))
    named = []
    for number, ((x_unit, y_unit), curves) in enumerate(found.items(), 1):
        axes = _axis(x_unit, "x"), _axis(y_unit, "y")
        named.append(("spectra" if number == 1 else f"spectra {number}", axes, curves))
    return named


def _axis(unit: str, letter: str) -> tuple[str, str, str]:
    """Name, unit and words of an axis: JCAMP-DX names quantities such as TRANSMITTANCE where units stand."""
    name, symbol = _QUANTITIES.get(normalised(unit), (letter, unit))
    return name, symbol, f"{unit} in the file" if unit else ""


class _Pass:
    """One pass over the lines: fields are kept, tables collected, ENDs counted."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.tables: list[_Data] = []
        self.ends = 0
        self._stack: list[_Block] = []
        self._pending: tuple[str, list[str], int] | None = None
        self._table: _Data | None = None
        self._page = ""
        self._blocks = 0

    def run(self, text: str) -> None:
        """From the first line to the last."""
        for number, raw in enumerate([*text.splitlines(), "##="], 1):
            line = raw.partition("$$")[0] if "$$" in raw else raw
            match = _LABEL.match(line) if "##" in line else None
            if match is not None:
                self._flush()
                self._label(match.group(1).strip(), match.group(2).strip(), number)
            elif self._table is not None:
                self._table.lines.append(line)
            elif self._pending is not None:
                self._pending[1].append(line.strip())

    def _flush(self) -> None:
        """A label ends where the next one begins."""
        if self._pending is not None and self._stack:
            _keep(self._pending, self._stack, self._blocks, self.findings)
        self._pending, self._table = None, None

    def _label(self, label: str, value: str, number: int) -> None:
        name = normalised(label)
        if name == "TITLE":
            self._blocks += 1
            self._stack.append(_Block(value))
            self._pending = (label, [value], number)
        elif name == "END":
            self.ends += 1
            if len(self._stack) > 1:
                self._stack.pop()
        elif name == "PAGE":
            self._page = value
        elif name in _TABLES and self._stack and self._blocks <= _BLOCKS:
            self._table = _Data(name, value, dict(self._stack[-1].labels), self._page)
            self.tables.append(self._table)
        elif name and name not in _STRUCTURE:
            self._pending = (label, [value], number)


def _keep(pending: tuple[str, list[str], int], stack: list[_Block], block: int, findings: Findings) -> None:
    label, lines, number = pending
    value = "\n".join(line for line in lines if line).strip()
    name = normalised(label)
    stack[-1].labels[name] = value
    if not value or name in _TUPLE_LABELS:
        return
    where = f"line {number}" if block <= 1 else f"block {block} ({stack[-1].title[:60]}), line {number}"
    findings.field(label, _number(value), where=where, personal=name in _PERSONAL)


def _number(text: str) -> str | int | float:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text


def _draw(tables: list[_Data], findings: Findings, title: str) -> str:
    """Decode and draw; returns the first mismatch between announced and found points."""
    mismatch = ""
    drawn: dict[tuple[str, str, str, bool, bool], list[Any]] = {}
    for index, table in enumerate(tables):
        try:
            x, y, problem = _decode(table)
        except (ValueError, OverflowError, IndexError) as error:
            findings.warn(f"Data table {index + 1} could not be decoded: {error}")
            continue
        mismatch = mismatch or problem
        labels = table.labels
        name = labels.get("TITLE", "") or title
        finite = y[np.isfinite(y)]
        low, high = (finite.min(), finite.max()) if finite.size else (None, None)
        x_unit, y_unit = _axis_units(table)
        findings.array(
            f"{name} {table.page}".strip(), y.shape, "float64", unit=y_unit or None, minimum=as_number(low),
            maximum=as_number(high), where=f"data table {index + 1} (##{table.label})",
        )  # fmt: skip
        if y.size:
            kind = normalised(labels.get("DATATYPE", ""))
            key = (x_unit, y_unit, kind, _is_reversed(kind, x_unit), "MASS" in kind or "PEAK" in table.label)
            drawn.setdefault(key, []).append(draw.series(f"{name} {table.page}".strip(), x, y))
    for (x_unit, y_unit, _, is_reversed, is_sticks), lines in list(drawn.items())[:3]:
        findings.preview(
            draw.curve(
                title,
                lines[:_SERIES],
                x=(x_unit, x_unit or None),
                y=(y_unit, y_unit or None),
                x_reversed=is_reversed,
                is_sticks=is_sticks,
            )
        )
    return mismatch


def _is_reversed(kind: str, x_unit: str) -> bool:
    """Infrared and NMR are drawn from high to low by custom; FIDs and Raman are not."""
    if "INFRARED" in kind or kind.startswith("IR"):
        return True
    return "NMRSPECTRUM" in kind and normalised(x_unit) in {"PPM", "HZ", "HERTZ"}


def _axis_units(table: _Data) -> tuple[str, str]:
    if "SYMBOL" in table.labels:
        units = [part.strip() for part in table.labels.get("UNITS", "").split(",")]
        x, y = _columns(table)
        return (units[x] if x < len(units) else ""), (units[y] if y < len(units) else "")
    return table.labels.get("XUNITS", ""), table.labels.get("YUNITS", "")


def _columns(table: _Data) -> tuple[int, int]:
    """Which symbols of an NTUPLES table are x and y: ``(X++(R..R))`` or ``(XY..XY)``."""
    symbols = [part.strip().upper() for part in table.labels["SYMBOL"].split(",")]
    match = re.match(r"\(\s*([A-Z])(?:\+\+\(\s*([A-Z])|\s*([A-Z]))", table.form.upper())
    if not match:
        return 0, min(1, len(symbols) - 1)
    x, y = match.group(1), match.group(2) or match.group(3)
    return (symbols.index(x) if x in symbols else 0), (symbols.index(y) if y in symbols else 1)


def _decode(table: _Data) -> tuple[Any, Any, str]:
    """x, y and what does not fit. Shapes: (N,), (N,)."""
    numbers = _factors(table)
    form = table.form.replace(" ", "").upper()
    if "++" in form:
        values, failed = asdf_numbers.ordinates(table.lines, limit=_POINTS)
        y = np.asarray(values, dtype=np.float64) * numbers.get("YFACTOR", 1.0)
        announced = int(numbers.get("NPOINTS", 0))
        problem = f"{failed:,} check values between lines are wrong" if failed else ""
        if announced and announced != y.size:
            problem = f"{announced:,} points are announced and {y.size:,} were found"
        first, last = numbers.get("FIRSTX"), numbers.get("LASTX")
        if first is None or last is None:
            step = numbers.get("DELTAX", 1.0)
            return (first or 0.0) + step * np.arange(y.size), y, problem
        count = announced if announced > 1 else y.size
        step = (last - first) / max(1, count - 1)
        return first + step * np.arange(y.size), y, problem
    points = np.asarray(asdf_numbers.pairs(table.lines, limit=_POINTS), dtype=np.float64).reshape(-1, 2)
    announced = int(numbers.get("NPOINTS", 0))
    is_off = table.label in {"XYPOINTS", "PEAKTABLE"} and announced and announced != len(points)
    problem = f"{announced:,} points are announced and {len(points):,} were found" if is_off else ""
    # Pairs are written in full: XFACTOR and YFACTOR are 1 for them in nearly all files.
    return points[:, 0], points[:, 1] * numbers.get("YFACTOR", 1.0), problem


def _factors(table: _Data) -> dict[str, float]:
    labels = table.labels
    if "SYMBOL" in labels:
        x, y = _columns(table)
        split = {key: [part.strip() for part in labels.get(key, "").split(",")] for key in _TUPLE_LABELS}

        def pick(key: str, column: int) -> str:
            return split[key][column] if column < len(split[key]) else ""

        raw = {
            "YFACTOR": pick("FACTOR", y), "FIRSTX": pick("FIRST", x), "LASTX": pick("LAST", x),
            "NPOINTS": pick("VARDIM", x),
        }  # fmt: skip
        if "++" not in table.form:
            raw = {"NPOINTS": ""}
    else:
        raw = {key: labels.get(key, "") for key in ("YFACTOR", "FIRSTX", "LASTX", "NPOINTS", "DELTAX")}
    return {key: number for key, text in raw.items() if (number := as_number(text)) is not None}
