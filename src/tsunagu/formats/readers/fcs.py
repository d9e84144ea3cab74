"""FCS 2.0 to 3.2: keywords of the TEXT segment, one column per detector, a histogram of the first ones.

Source: ISAC, Data File Standard for Flow Cytometry, versions 3.0 and 3.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from tsunagu.formats import draw
from tsunagu.formats.errors import UnreadableError, truncated
from tsunagu.formats.findings import Findings, as_number
from tsunagu.formats.types import Column

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tsunagu.formats.reader import Context
    from tsunagu.formats.types import Reading

_HEADER_BYTES = 58
_TEXT_BYTES = 16 << 20
_EVENTS = 1_000_000
_PART_EVENTS = 100_000
_PARAMETERS = 1000
_BINS = 256
_WHOLE_BYTES = range(8, 65, 8)
_HISTOGRAMS = 6
_STRUCTURAL = ("$BEGIN", "$END", "$NEXTDATA", "$BYTEORD")
_PERSONAL = {
    "$OP",
    "$SRC",
    "PATIENT ID",
    "EXPERIMENT NAME USER",
    "EXPORT USER NAME",
    "CREATOR",
    "$LAST_MODIFIER",
}


def read(path: Path, context: Context) -> Reading:
    """Keywords and columns; statistics from at most a million events.

    Raises:
        UnreadableError: offsets that make no sense, or fewer bytes than announced.
    """
    findings = Findings(context.limits)
    with path.open("rb") as source:
        header, keywords = _beginning(source, context.byte_count)
    findings.field("version", header[:6].decode("ascii", "replace"), where="header")
    for key, value in keywords.items():
        if not key.upper().startswith(_STRUCTURAL) and value:
            findings.field(key, value, where=f"TEXT, keyword {key}", personal=key.upper() in _PERSONAL)
    upper = {key.upper(): value.strip() for key, value in keywords.items()}
    _events(path, header, upper, findings, context)
    return findings.finish()


def _beginning(source: BinaryIO, byte_count: int) -> tuple[bytes, dict[str, str]]:
    """The header and the keywords of the TEXT segment."""
    header = source.read(_HEADER_BYTES)
    if len(header) < _HEADER_BYTES:
        raise truncated(len(header), _HEADER_BYTES)
    text_at, text_end = _offset(header, 10), _offset(header, 18)
    if not 0 < text_at < text_end or text_end - text_at > _TEXT_BYTES:
        raise UnreadableError(
            f"The header places its text from byte {text_at:,} to {text_end:,}, which cannot be."
        )
    if text_end >= byte_count:
        raise truncated(byte_count, text_end + 1)
    source.seek(text_at)
    return header, parse_text(source.read(text_end - text_at + 1))


def event_parts(source: BinaryIO, byte_count: int, width: int) -> Iterator[Any]:
    """All events, part by part, as they stand. Shapes: (N, width) float64.

    Raises:
        UnreadableError: cut off, another number of columns, or bits that fill no bytes.
    """
    header, found = _beginning(source, byte_count)
    keywords = {key.upper(): value.strip() for key, value in found.items()}
    begin, end = _data_segment(header, keywords)
    layout = _layout(keywords, width)
    if layout is None or begin <= 0 or width != _integer(keywords, "$PAR"):
        raise UnreadableError("Events of this layout are not read.", reason_code="unsupported")
    if end >= byte_count:
        raise truncated(byte_count, end + 1)
    count = (end + 1 - begin) // layout.itemsize
    source.seek(begin)
    for start in range(0, count, _PART_EVENTS):
        raw = source.read(min(_PART_EVENTS, count - start) * layout.itemsize)
        yield _decoded(np.frombuffer(raw, dtype=layout), keywords, width)


def _data_segment(header: bytes, keywords: dict[str, str]) -> tuple[int, int]:
    begin, end = _offset(header, 26), _offset(header, 34)
    if begin <= 0 or end <= 0:
        # Files beyond 99,999,999 bytes say it in the text instead.
        begin, end = _integer(keywords, "$BEGINDATA"), _integer(keywords, "$ENDDATA")
    return begin, end


def _offset(header: bytes, at: int) -> int:
    try:
        return int(header[at : at + 8].strip() or b"0")
    except ValueError:
        return -1


def parse_text(segment: bytes) -> dict[str, str]:
    """Keyword and value by turns; the first byte separates, doubled it stands for itself."""
    text = segment.decode("utf-8", "replace") if _is_utf8(segment) else segment.decode("cp1252", "replace")
    mark, rest = text[:1], text[1:]
    parts: list[str] = []
    current: list[str] = []
    index = 0
    while index < len(rest):
        at = rest.find(mark, index)
        if at < 0:
            current.append(rest[index:])
            break
        current.append(rest[index:at])
        # A doubled mark is a literal one, unless nothing stands before it: some programs write empty values.
        if rest[at + 1 : at + 2] == mark and any(current):
            current.append(mark)
            index = at + 2
            continue
        parts.append("".join(current))
        current, index = [], at + 1
    if any(current):
        parts.append("".join(current).rstrip("\x00 \r\n"))
    return {parts[i].strip(): parts[i + 1] for i in range(0, len(parts) - 1, 2) if parts[i].strip()}


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _integer(keywords: dict[str, str], key: str, default: int = 0) -> int:
    try:
        return int(float(keywords.get(key, default)))
    except (ValueError, OverflowError):
        return default


def _events(
    path: Path, header: bytes, keywords: dict[str, str], findings: Findings, context: Context
) -> None:
    width, total = _integer(keywords, "$PAR"), _integer(keywords, "$TOT")
    if not 0 < width <= _PARAMETERS:
        findings.warn(f"The number of parameters ($PAR) is {width:,}; events were not read.")
        return
    begin, end = _data_segment(header, keywords)
    names = [keywords.get(f"$P{i}N", f"P{i}") for i in range(1, width + 1)]
    labels = [keywords.get(f"$P{i}S") or None for i in range(1, width + 1)]
    data = _numbers(path, keywords, width, begin, min(end + 1, context.byte_count), findings)
    columns = []
    for index, name in enumerate(names):
        values = data[:, index] if data is not None else None
        low, high = (values.min(), values.max()) if values is not None and values.size else (None, None)
        columns.append(
            Column(name, "number", None, total or None, None, as_number(low), as_number(high), labels[index])
        )
    findings.table("events", columns, row_count=total, where="DATA segment")
    if begin > 0 and end >= context.byte_count:
        raise truncated(context.byte_count, end + 1, partial=findings.finish())
    if data is not None and len(data):
        _histograms(data, names, labels, findings, context.name)
        findings.preview(draw.table(context.name, names, data[: draw.TABLE_ROWS].tolist(), total))
        if len(data) < total and len(data) < _EVENTS:
            findings.warn(f"The file announces {total:,} events and holds {len(data):,}.")


def _numbers(
    path: Path, keywords: dict[str, str], width: int, begin: int, end: int, findings: Findings
) -> Any:
    """Events as (N, width) floats, or ``None`` for layouts that are not read (bits that fill no bytes)."""
    layout = _layout(keywords, width)
    if layout is None:
        kind, bits = keywords.get("$DATATYPE", "F"), _integer(keywords, "$P1B", 32)
        findings.warn(f"Events of type {kind} with {bits} bits were not read.")
        return None
    count = min(max(0, end - begin) // layout.itemsize, _EVENTS)
    if begin <= 0 or count == 0:
        return None
    with path.open("rb") as source:
        source.seek(begin)
        raw = np.frombuffer(source.read(count * layout.itemsize), dtype=layout)
    return np.nan_to_num(_decoded(raw, keywords, width), nan=0.0, posinf=0.0, neginf=0.0)


def _layout(keywords: dict[str, str], width: int) -> Any:
    """How an event lies in the bytes, or ``None`` where its bits fill no bytes."""
    order = _order(keywords)
    bits = [_integer(keywords, f"$P{i}B", 32) for i in range(1, width + 1)]
    kind = keywords.get("$DATATYPE", "F").upper()
    if kind not in {"F", "D", "I"} or (kind == "I" and any(b not in _WHOLE_BYTES for b in bits)):
        return None
    codes = {"F": ["f4"] * width, "D": ["f8"] * width}.get(kind) or [
        f"u{b // 8}" if b in {8, 16, 32, 64} else f"V{b // 8}" for b in bits
    ]
    return np.dtype([(str(i), code if code[0] == "V" else f"{order}{code}") for i, code in enumerate(codes)])


def _order(keywords: dict[str, str]) -> str:
    return "<" if keywords.get("$BYTEORD", "1,2,3,4").startswith("1") else ">"


def _decoded(raw: Any, keywords: dict[str, str], width: int) -> Any:
    """Events as numbers. Shapes: (N,) records -> (N, width) float64."""
    out = np.empty((len(raw), width), dtype=np.float64)
    for index in range(width):
        values = raw[str(index)]
        if values.dtype.kind == "V":
            values = _odd_width(values, _order(keywords))
        if keywords.get("$DATATYPE", "F").upper() == "I":
            # Only as many bits count as the range needs; the others are noise by the standard.
            top = _integer(keywords, f"$P{index + 1}R", 0)
            if top > 1:
                values = values & (values.dtype.type((1 << (top - 1).bit_length()) - 1))
        out[:, index] = values
    return out


def _odd_width(values: Any, order: str) -> Any:
    """Integers of 3, 5, 6 or 7 bytes as 8-byte ones."""
    width = values.dtype.itemsize
    pieces = np.ascontiguousarray(values).view(np.uint8).reshape(-1, width)
    padded = np.zeros((len(pieces), 8), dtype=np.uint8)
    if order == "<":
        padded[:, :width] = pieces
    else:
        padded[:, 8 - width :] = pieces
    return padded.view(f"{order}u8").ravel()


def _histograms(
    data: Any, names: list[str], labels: list[str | None], findings: Findings, title: str
) -> None:
    lines: list[Any] = []
    for index, name in enumerate(names):
        if len(lines) >= _HISTOGRAMS or name.upper() == "TIME":
            continue
        values = np.arcsinh(data[:, index] / 5.0)
        counts, edges = np.histogram(values, bins=_BINS)
        label = labels[index]
        lines.append(draw.series(f"{name} {label}" if label else name, (edges[:-1] + edges[1:]) / 2, counts))
    findings.preview(draw.curve(title, lines, x=("asinh(value / 5)", None), y=("events", "counts")))
