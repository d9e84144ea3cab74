"""X-ray diffraction scans: Rigaku RAS, Bruker UXD, PANalytical XRDML.

True intensity of RAS is column 2 times column 3 (the attenuator's factor). XRDML keeps its points in
``intensities`` or, in newer files, in ``counts``; positions are a start and an end or a list.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import csv

from tsunagu.formats import draw
from tsunagu.formats.encoding import Encoding, decode, detect
from tsunagu.formats.errors import UnreadableError
from tsunagu.formats.findings import Findings, as_number
from tsunagu.formats.readers.scans import scan_columns
from tsunagu.formats.readers.xml_tree import walk
from tsunagu.formats.safe_xml import local, parse

if TYPE_CHECKING:
    from pathlib import Path
    from xml.etree.ElementTree import Element

    from tsunagu.formats.reader import Context
    from tsunagu.formats.types import Reading

_BYTES = 128 << 20
SCAN_AXES = (("two_theta", "deg", "diffraction angle 2θ"), ("intensity", "counts", "diffracted intensity"))
_PERSONAL = re.compile(r"OPERATOR|/author/", re.IGNORECASE)
# What these call ASCII is ASCII, whatever stands before and after it; the others are made UTF-8 first.
_ASCII_AS_IT_IS = {"utf-8", "cp932", "euc_jp", "cp1252", "latin-1"}
_BEGINNING = 4096
_ONE_THREAD = csv.ReadOptions(use_threads=False, column_names=["x", "y", "factor"])
_BLANKS = csv.ParseOptions(delimiter=" ", quote_char=False)
_THREE_NUMBERS = csv.ConvertOptions(
    column_types=dict.fromkeys(("x", "y", "factor"), pa.float64()), null_values=[], strings_can_be_null=False
)
_UXD_DATA = {"_COUNTS", "_CPS", "_2THETACOUNTS", "_2THETACPS", "_2THETACOUNTSTIME"}
_UXD_UNITS = {
    "_STEPTIME": "s", "_STEPSIZE": "deg", "_START": "deg", "_THETA": "deg", "_2THETA": "deg", "_KV": "kV", "_MA": "mA",
    "_WL1": "Å", "_WL2": "Å", "_WLB": "Å",
}  # fmt: skip


def read(path: Path, context: Context) -> Reading:
    """Conditions as fields, every scan as an array, all scans drawn.

    Raises:
        UnreadableError: damaged, or cut off inside a scan.
    """
    if context.byte_count > _BYTES:
        raise UnreadableError(
            f"The scan has {context.byte_count:,} bytes; the limit is {_BYTES:,}.", reason_code="too_big"
        )
    findings = Findings(context.limits)
    scans, problem = find_scans(path.read_bytes(), context.head, findings)
    units = ("deg", "counts")
    if scans:
        findings.table("scans", scan_columns(scans, SCAN_AXES), row_count=sum(x.size for x, _ in scans), where="all scans")  # fmt: skip
    for index, (x, y) in enumerate(scans):
        low, high = (y.min(), y.max()) if y.size else (None, None)
        findings.array(f"scan {index + 1}", y.shape, "float64", minimum=as_number(low), maximum=as_number(high), where=f"scan {index + 1}, {x.size:,} positions")  # fmt: skip
    lines = [draw.series(f"scan {index + 1}", x, y) for index, (x, y) in enumerate(scans)]
    findings.preview(draw.curve(context.name, lines, x=("2θ", units[0]), y=("intensity", units[1])))
    if problem:
        raise UnreadableError(problem, reason_code="truncated", partial=findings.finish())
    if not scans:
        findings.warn("The file holds no scan.")
    return findings.finish()


def find_scans(
    data: bytes, head: bytes, findings: Findings | None = None
) -> tuple[list[tuple[Any, Any]], str]:
    """Positions and intensities of every scan, and what is wrong with the file.

    Args:
        data: The file.
        head: Its beginning.
        findings: Where the conditions go; without it nobody looks at them.
    """
    if head.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"<"):
        return _xrdml(parse(data), findings)
    encoding = detect(head) or Encoding("cp932", is_sure=False)
    if encoding.codec not in _ASCII_AS_IT_IS:
        data, encoding = decode(data, encoding).encode(), Encoding("utf-8", is_sure=True)
    if "*RAS_" in decode(data[: 4 * _BEGINNING], encoding)[:_BEGINNING]:
        return _ras(data, encoding, findings)
    return _uxd(decode(data, encoding), findings)


def _ras(data: bytes, encoding: Encoding, findings: Findings | None) -> tuple[list[tuple[Any, Any]], str]:
    """Only the headers are decoded: between them stand digits, and many of them."""
    scans: list[tuple[Any, Any]] = []
    head, *parts = data.split(b"*RAS_INT_START")
    block, line = 0, 1
    if findings is not None:
        block = _ras_conditions(decode(head, encoding), findings, line=line, block=block)
        line += head.count(b"\n")
    last, is_open = head, True
    for part in parts:
        body, end, last = part.partition(b"*RAS_INT_END")
        scan = _ras_points(body, encoding)
        if scan[0].size or end:
            scans.append(scan)
        if findings is not None:
            line += body.count(b"\n")
            block = _ras_conditions(decode(last, encoding), findings, line=line, block=block)
            line += last.count(b"\n")
        is_open = not end
    is_open = is_open or not decode(last, encoding).strip().endswith("*RAS_DATA_END")
    return scans, "The RAS file breaks off inside a block." if is_open else ""


def _ras_conditions(text: str, findings: Findings, *, line: int, block: int) -> int:
    """Keep the conditions of a header; returns the number of the block that it belongs to."""
    for number, raw in enumerate(text.splitlines(), line):
        stripped = raw.strip()
        if stripped == "*RAS_HEADER_START":
            block += 1
        elif stripped.startswith("*") and " " in stripped:
            key, _, value = stripped.partition(" ")
            value = value.strip().strip('"')
            if value:
                where = f"line {number}" if block <= 1 else f"block {block}, line {number}"
                findings.field(
                    key.lstrip("*"), _number(value), where=where, personal=bool(_PERSONAL.search(key))
                )
    return block


def _ras_points(body: bytes, encoding: Encoding) -> tuple[Any, Any]:
    """Positions and true intensities; lines that hold anything but two or three numbers are passed over."""
    plain = _plain_numbers(body)
    if plain is not None:
        x, y, factors = plain
        return x, y * factors
    text = decode(body, encoding)
    try:
        table = (
            np.loadtxt(io.StringIO(text), dtype=np.float64, comments=None, ndmin=2) if text.strip() else None
        )
    except ValueError:
        table = None
    if table is None or table.shape[1] not in {2, 3}:
        rows = [[as_number(cell) for cell in line.split()] for line in text.splitlines()]
        kept = [[*row, 1.0][:3] for row in rows if len(row) in {2, 3} and None not in row]
        table = np.array(kept, dtype=np.float64).reshape(-1, 3)
    factor = table[:, 2] if table.shape[1] > 2 else 1.0  # noqa: PLR2004 - the attenuator's column
    return table[:, 0], table[:, 1] * factor


def _plain_numbers(body: bytes) -> list[Any] | None:
    """The columns where three numbers stand in each line with one blank between, as instruments write them.

    Five times as fast as NumPy, which reads every other form: for these it is ``None``. Shapes: three of (N,).
    """
    if not body.isascii():
        return None
    try:
        table = csv.read_csv(
            pa.py_buffer(body),
            read_options=_ONE_THREAD,
            parse_options=_BLANKS,
            convert_options=_THREE_NUMBERS,
        )
    except pa.ArrowException:
        return None
    return [column.to_numpy() for column in table.columns] if table.num_rows else None


def _number(text: str) -> str | int | float:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _uxd(text: str, findings: Findings | None) -> tuple[list[tuple[Any, Any]], str]:
    ranges = _Ranges(findings)
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith("_"):
            ranges.key(stripped, number)
        elif not stripped.startswith(";"):
            ranges.numbers(stripped)
    ranges.close()
    scans, announced = ranges.scans, int(ranges.settings.get("_STEPCOUNT", 0))
    found = scans[-1][1].size if scans else 0
    if announced and found < announced:
        return scans, f"The scan breaks off after {found:,} of {announced:,} announced points."
    return scans, ""


class _Ranges:
    """The scans of a UXD file; settings of one hold for the next until it changes them."""

    def __init__(self, findings: Findings | None) -> None:
        self.findings = findings
        self.scans: list[tuple[Any, Any]] = []
        self.settings: dict[str, float] = {}
        self._values: list[float] | None = None
        self._is_paired = False

    def key(self, line: str, number: int) -> None:
        """``_KEY=value``, or the word that data follow."""
        key, mark, value = (part.strip() for part in line.partition("="))
        upper = key.upper()
        if not mark and upper in _UXD_DATA:
            self.close()
            self._values, self._is_paired = [], upper.startswith("_2THETA")
        elif mark and value:
            if upper == "_DRIVE" and self._values is not None:
                self.close()
                self._values = None
            value = value.strip("'\"")
            setting = as_number(value)
            if setting is not None:
                self.settings[upper] = setting
            if self.findings is not None:
                self.findings.field(
                    key,
                    _number(value),
                    unit=_UXD_UNITS.get(upper),
                    where=f"line {number}",
                    personal=bool(_PERSONAL.search(key)),
                )

    def numbers(self, line: str) -> None:
        """A line of data."""
        if self._values is not None:
            self._values += [n for cell in line.split() if (n := as_number(cell)) is not None]

    def close(self) -> None:
        """End the scan that is open."""
        if not self._values:
            return
        flat = np.asarray(self._values, dtype=np.float64)
        if self._is_paired:
            pairs = flat[: flat.size // 2 * 2].reshape(-1, 2)
            self.scans.append((pairs[:, 0], pairs[:, 1]))
            return
        start = self.settings.get("_START", self.settings.get("_2THETA", 0.0))
        step = self.settings.get("_STEPSIZE", 1.0)
        self.scans.append((start + step * np.arange(flat.size), flat))


def _xrdml(root: Element, findings: Findings | None) -> tuple[list[tuple[Any, Any]], str]:
    scans: list[tuple[Any, Any]] = []
    for node in root.iter():
        if isinstance(node.tag, str) and local(node.tag) == "dataPoints":
            scan = _points(node)
            if scan is not None:
                scans.append(scan)
            for child in list(node):
                if isinstance(child.tag, str) and local(child.tag) in {
                    "intensities",
                    "counts",
                    "listPositions",
                }:
                    node.remove(child)
    if findings is not None:
        walk(root, f"/{local(root.tag)}", findings, 0)
    return scans, ""


def _points(node: Element) -> tuple[Any, Any] | None:
    y: Any = None
    ends: tuple[float, float] | None = None
    listed: Any = None
    for child in node:
        name = local(child.tag) if isinstance(child.tag, str) else ""
        if name in {"intensities", "counts"} and child.text:
            y = np.array(child.text.split(), dtype=np.float64)
        elif name == "positions" and child.get("axis") in {"2Theta", "2theta"}:
            found = {
                local(part.tag): (part.text or "").strip() for part in child if isinstance(part.tag, str)
            }
            if "listPositions" in found:
                listed = np.array(found["listPositions"].split(), dtype=np.float64)
            elif "startPosition" in found and "endPosition" in found:
                ends = (float(found["startPosition"]), float(found["endPosition"]))
    if y is None or not y.size:
        return None
    if listed is not None and listed.size == y.size:
        return listed, y
    return (np.linspace(ends[0], ends[1], y.size) if ends else np.arange(y.size, dtype=float)), y
