"""CIF and mmCIF: tags as fields, loops as tables, powder patterns drawn."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import gemmi

from tsunagu.formats import draw
from tsunagu.formats.encoding import decode, detect
from tsunagu.formats.errors import UnreadableError
from tsunagu.formats.findings import Findings
from tsunagu.formats.types import Column

if TYPE_CHECKING:
    from pathlib import Path

    from tsunagu.formats.reader import Context
    from tsunagu.formats.types import ColumnType, CurvePreview, Reading

_BYTES = 128 << 20
_BLOCKS = 50
_ROWS = 5000
_UNKNOWN = {"?", "."}
# CIF numbers carry their uncertainty in brackets: 5.4310(2).
_NUMBER = re.compile(r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?(\(\d+\))?$")
_PERSONAL = re.compile(r"_(publ_contact|publ_author|audit_author|citation_author|audit_contact_author)[_.]")
_X_TAGS = ("_pd_meas_2theta_scan", "_pd_proc_2theta_corrected", "_pd_meas_2theta", "_refln_d_spacing")
_Y_TAGS = (
    "_pd_meas_counts_total",
    "_pd_meas_intensity_total",
    "_pd_proc_intensity_total",
    "_pd_proc_intensity_net",
)
# The unit of a tag is fixed by the CIF core dictionary, not written in the file.
_UNITS = (
    (re.compile(r"_cell[_.]length_[abc]$", re.IGNORECASE), "Å"),
    (re.compile(r"_cell[_.]angle_(alpha|beta|gamma)$", re.IGNORECASE), "deg"),
    (re.compile(r"_cell[_.]volume$", re.IGNORECASE), "Å^3"),
    (re.compile(r"_(temperature|ambient_temp|measurement_temperature)$", re.IGNORECASE), "K"),
    (re.compile(r"_(pressure|ambient_pressure|measurement_pressure)$", re.IGNORECASE), "kPa"),
    (re.compile(r"_radiation_wavelength[_.]?(wavelength)?$", re.IGNORECASE), "Å"),
    (re.compile(r"_density_(diffrn|meas)$", re.IGNORECASE), "Mg/m^3"),
    (re.compile(r"_theta_(min|max|full)$", re.IGNORECASE), "deg"),
    (re.compile(r"_crystal_size_(max|mid|min)$", re.IGNORECASE), "mm"),
)


def read(path: Path, context: Context) -> Reading:
    """All blocks, up to 128 MiB.

    Raises:
        UnreadableError: no CIF behind its first token, or cut off inside a loop or text.
    """
    if context.byte_count > _BYTES:
        raise UnreadableError(
            f"The CIF file has {context.byte_count:,} bytes; the limit is {_BYTES:,}.", reason_code="too_big"
        )
    encoding = detect(context.head)
    data = path.read_bytes()
    try:
        document = gemmi.cif.read_string(decode(data, encoding) if encoding else data.decode("latin-1"))
    except (ValueError, RuntimeError) as error:
        raise _sentence(error, data) from error
    findings = Findings(context.limits)
    for block in list(document)[:_BLOCKS]:
        _block(block, findings)
    if len(document) > _BLOCKS:
        findings.warn(f"The file holds {len(document):,} blocks; only the first {_BLOCKS} were taken in.")
    return findings.finish()


def _sentence(error: Exception, data: bytes) -> UnreadableError:
    text = str(error).partition("\n")[0].removeprefix("string:")
    lines = data.count(b"\n") + 1
    match = re.match(r"(\d+)", text)
    if "EOF" in text or "end of" in text.lower() or (match and int(match.group(1)) >= lines - 1):
        return UnreadableError(f"The CIF file breaks off in line {lines:,}.", reason_code="truncated")
    return UnreadableError(f"The CIF file is damaged: line {text}.")


def _block(block: Any, findings: Findings) -> None:
    for item in block:
        if item.pair is not None:
            _pair(item, block.name, findings)
        elif item.loop is not None:
            _loop(item.loop, block.name, findings, item.line_number)


def _pair(item: Any, block: str, findings: Findings) -> None:
    tag, raw = item.pair
    if raw in _UNKNOWN:
        return
    text = gemmi.cif.as_string(raw)
    is_number = _NUMBER.match(text) and "(" not in text
    value: Any = _as_number(text) if is_number else text
    unit = next((unit for pattern, unit in _UNITS if pattern.search(tag)), None)
    where = f"data_{block}, line {item.line_number}"
    findings.field(tag, value, unit=unit, where=where, personal=bool(_PERSONAL.match(tag.lower())))


def _as_number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _loop(loop: Any, block: str, findings: Findings, line: int) -> None:
    tags, rows = list(loop.tags), loop.length()
    columns = [_column(tag, loop, index, rows) for index, tag in enumerate(tags)]
    name = _common(tags)
    findings.table(f"{block} {name}", columns, row_count=rows, where=f"data_{block}, line {line}")
    if rows == 1:
        for index, tag in enumerate(tags):
            raw = loop[0, index]
            if raw not in _UNKNOWN:
                text = gemmi.cif.as_string(raw)
                unit = next((unit for pattern, unit in _UNITS if pattern.search(tag)), None)
                personal = bool(_PERSONAL.match(tag.lower()))
                findings.field(tag, text, unit=unit, where=f"data_{block}, line {line}", personal=personal)
    if drawn := _pattern(loop, tags, f"{block} {name}"):
        findings.preview(drawn)
    elif ("_atom_site" in tags[0] or not findings.has_preview) and not _PERSONAL.match(tags[0].lower()):
        first = (
            [gemmi.cif.as_string(loop[r, c]) for c in range(len(tags))]
            for r in range(min(rows, draw.TABLE_ROWS))
        )
        findings.preview(draw.table(f"{block} {name}", tags, first, rows))


def _common(tags: list[str]) -> str:
    """The category: ``_atom_site`` of ``_atom_site.id``, else what all tags begin with."""
    if "." in tags[0]:
        return tags[0].partition(".")[0]
    start = tags[0]
    for tag in tags:
        while not tag.startswith(start):
            start = start[:-1]
    return start.rstrip("_") or tags[0]


def _column(tag: str, loop: Any, index: int, rows: int) -> Column:
    sample = [loop[row, index] for row in range(min(rows, _ROWS))]
    known = [value for value in sample if value not in _UNKNOWN]
    word: ColumnType = "text"
    low = high = None
    if not known:
        word = "empty"
    elif all(_NUMBER.match(value) for value in known):
        numbers = [float(value.partition("(")[0]) for value in known]
        word = "integer" if all(value.lstrip("+-").isdigit() for value in known) else "number"
        if rows <= _ROWS:
            low, high = min(numbers), max(numbers)
    share = round(1 - len(known) / len(sample), 6) if sample else None
    return Column(
        tag, word, count=len(known) if rows <= _ROWS else None, null_share=share, minimum=low, maximum=high
    )


def _pattern(loop: Any, tags: list[str], title: str) -> CurvePreview | None:
    lower = [tag.lower() for tag in tags]
    x_tag = next((tag for tag in _X_TAGS if tag in lower), None)
    y_tag = next((tag for tag in _Y_TAGS if tag in lower), None)
    if x_tag is None or y_tag is None:
        return None
    x, y = lower.index(x_tag), lower.index(y_tag)
    points = [
        (gemmi.cif.as_number(loop[r, x]), gemmi.cif.as_number(loop[r, y])) for r in range(loop.length())
    ]
    xs, ys = zip(*points, strict=True) if points else ((), ())
    return draw.curve(title, [draw.series(y_tag, xs, ys)], x=(x_tag, "deg"), y=(y_tag, "counts"))
