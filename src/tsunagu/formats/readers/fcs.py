"""FCS 2.0 to 3.2: keywords of the TEXT segment, one column per detector, a histogram of the first ones.

Source: ISAC, Data File Standard for Flow Cytometry, versions 3.0 and 3.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tsunagu.formats import draw
from tsunagu.formats.errors import UnreadableError, truncated
from tsunagu.formats.findings import Findings, as_number
from tsunagu.formats.types import Column

if TYPE_CHECKING:
    from pathlib import Path

    from tsunagu.formats.reader import Context
    from tsunagu.formats.types import Reading

_HEADER_BYTES = 58
_TEXT_BYTES = 16 << 20
_EVENTS = 1_000_000
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
        header = source.read(_HEADER_BYTES)
        if len(header) < _HEADER_BYTES:
            raise truncated(len(header), _HEADER_BYTES)
        text_at, text_end = _offset(header, 10), _offset(header, 18)
        if not 0 < text_at < text_end or text_end - text_at > _TEXT_BYTES:
            raise UnreadableError(
                f"The header places its text from byte {text_at:,} to {text_end:,}, which cannot be."
            )
        if text_end >= context.byte_count:
            raise truncated(context.byte_count, text_end + 1)
        source.seek(text_at)
        keywords = parse_text(source.read(text_end - text_at + 1))
    findings.field("version", header[:6].decode("ascii", "replace"), where="header")
    for key, value in keywords.items():
        if not key.upper().startswith(_STRUCTURAL) and value:
            findings.field(key, value, where=f"TEXT, keyword {key}", personal=key.upper() in _PERSONAL)
    upper = {key.upper(): value.strip() for key, value in keywords.items()}
    _events(path, header, upper, findings, context)
    return findings.finish()


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
    begin, end = _offset(header, 26), _offset(header, 34)
    if begin <= 0 or end <= 0:
        # Files beyond 99,999,999 bytes say it in the text instead.
        begin, end = _integer(keywords, "$BEGINDATA"), _integer(keywords, "$ENDDATA")
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
    order = "<" if keywords.get("$BYTEORD", "1,2,3,4").startswith("1") else ">"
    bits = [_integer(keywords, f"$P{i}B", 32) for i in range(1, width + 1)]
    kind = keywords.get("$DATATYPE", "F").upper()
    if kind not in {"F", "D", "I"} or (kind == "I" and any(b not in _WHOLE_BYTES for b in bits)):
        findings.warn(f"Events of type {kind} with {bits[0]} bits were not read.")
        return None
    codes = {"F": ["f4"] * width, "D": ["f8"] * width}.get(kind) or [
        f"u{b // 8}" if b in {8, 16, 32, 64} else f"V{b // 8}" for b in bits
    ]
    dtype = np.dtype([(str(i), code if code[0] == "V" else f"{order}{code}") for i, code in enumerate(codes)])
    count = min(max(0, end - begin) // dtype.itemsize, _EVENTS)
    if begin <= 0 or count == 0:
        return None
    with path.open("rb") as source:
        source.seek(begin)
        raw = np.frombuffer(source.read(count * dtype.itemsize), dtype=dtype)
    out = np.empty((len(raw), width), dtype=np.float64)
    for index in range(width):
        values = raw[str(index)]
        if values.dtype.kind == "V":
            values = _odd_width(values, order)
        if kind == "I":
            # Only as many bits count as the range needs; the others are noise by the standard.
            top = _integer(keywords, f"$P{index + 1}R", 0)
            if top > 1:
                values = values & (values.dtype.type((1 << (top - 1).bit_length()) - 1))
        out[:, index] = values
    return np.nan_to_num(out, nan=0.0, posinf=0.0, neginf=0.0)


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
