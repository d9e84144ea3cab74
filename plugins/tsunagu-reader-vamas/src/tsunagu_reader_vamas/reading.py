"""From the blocks of a VAMAS file to fields, arrays and curves. Loaded at first need, in the sandbox."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np

from tsunagu.formats import draw
from tsunagu.formats.api import UnreadableError
from tsunagu.formats.encoding import Encoding, decode, detect
from tsunagu.formats.findings import Findings, as_number
from tsunagu_reader_vamas.layout import MOST_BLOCKS, Block, CutOffError, LayoutError, parse

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from tsunagu.formats.api import Context, Reading, Series

_BYTES = 64 << 20
_TIME = ("year", "month", "day", "hours", "minutes", "seconds")
_ENERGY = "binding energy"


def read(path: Path, context: Context) -> Reading:
    """The experiment and its blocks as fields, each spectrum as an array, the first six drawn.

    Raises:
        UnreadableError: too large, damaged or cut off; what stood before the break comes with it.
    """
    if context.byte_count > _BYTES:
        raise UnreadableError(
            f"The file has {context.byte_count:,} bytes; the limit is {_BYTES:,}.", reason_code="too_big"
        )
    text = decode(path.read_bytes(), detect(context.head) or Encoding("latin-1", is_sure=False)).removeprefix(
        "\ufeff"
    )
    findings = Findings(context.limits)
    try:
        header, blocks, problem = parse(text)
    except LayoutError as error:
        raise _sentence(error) from error
    for fact in header.facts:
        is_personal = fact.name == "operator identifier"
        findings.field(fact.name, fact.value, unit=fact.unit, where=f"line {fact.line}", personal=is_personal)
    if header.block_count > MOST_BLOCKS:
        findings.warn(
            f"The file holds {header.block_count:,} blocks; only the first {MOST_BLOCKS:,} were taken in."
        )
    for number, block in enumerate(blocks, 1):
        _facts(block, number, findings)
    _draw(blocks, findings, context.name)
    if problem is not None:
        raise _sentence(problem, findings.finish())
    return findings.finish()


def _sentence(error: LayoutError, partial: Reading | None = None) -> UnreadableError:
    if isinstance(error, CutOffError):
        return UnreadableError(f"{error}.", reason_code="truncated", partial=partial)
    return UnreadableError(f"{error}.", partial=partial)


def _facts(block: Block, number: int, findings: Findings) -> None:
    where = f"block {number} ({block.name[:60]})"
    findings.field("block identifier", block.name, where=f"{where}, line {block.line}")
    started = _moment(block)
    if started:
        findings.field("start time", started, where=where)
    for fact in block.facts:
        if fact.name not in {*_TIME, "hours in advance of GMT"}:
            findings.field(fact.name, fact.value, unit=fact.unit, where=f"{where}, line {fact.line}")
    for variable in block.variables:
        values = np.asarray(variable.values, dtype=np.float64)
        low, high = (values.min(), values.max()) if values.size else (None, None)
        findings.array(
            f"{block.name} {variable.label}".strip(), values.shape, "float64", unit=variable.unit or None,
            minimum=as_number(low), maximum=as_number(high), where=where,
        )  # fmt: skip


def _moment(block: Block) -> str | None:
    """The block's time as ISO 8601, with the zone the block gives; years of the lost clock are passed over."""
    numbers = [block.get(name) for name in _TIME]
    if not all(isinstance(number, float) for number in numbers):
        return None
    year, month, day, hour, minute, second = (float(number) for number in numbers)
    try:
        moment = dt.datetime(int(year), int(month), int(day), int(hour), int(minute), int(second))  # noqa: DTZ001
    except (ValueError, OverflowError):
        return None
    ahead = block.get("hours in advance of GMT")
    if isinstance(ahead, float) and abs(ahead) < 24:  # noqa: PLR2004 - hours of a day
        moment = moment.replace(tzinfo=dt.timezone(dt.timedelta(hours=ahead)))
    return moment.isoformat()


def _draw(blocks: list[Block], findings: Findings, title: str) -> None:
    """Blocks over the same axis share a picture; binding energy runs from high to low by custom."""
    pictures: dict[tuple[str, str, str, str], list[Series | None]] = {}
    for block in blocks[:50]:
        xy = _curve(block)
        if xy is None:
            continue
        label, unit, x, y = xy
        key = (label, unit, block.variables[-1].label, block.variables[-1].unit)
        pictures.setdefault(key, []).append(draw.series(block.name, x, y))
    for (label, unit, name, y_unit), lines in list(pictures.items())[:3]:
        findings.preview(
            draw.curve(
                title,
                lines[: draw.CURVE_SERIES],
                x=(label, unit or None),
                y=(name, y_unit or None),
                x_reversed=_ENERGY in label.lower(),
            )
        )


def _curve(block: Block) -> tuple[str, str, NDArray[np.float64], NDArray[np.float64]] | None:
    """Label and unit of x, then x and y. Irregular scans carry x as their first variable."""
    if not block.variables or not block.variables[0].values:
        return None
    y = np.asarray(block.variables[0].values, dtype=np.float64)
    if block.abscissa is not None:
        label, unit, start, step = block.abscissa
        x = np.asarray(start + step * np.arange(y.size), dtype=np.float64)
        return label, unit, x, y
    if len(block.variables) < 2:  # noqa: PLR2004 - x and y
        return None
    other = np.asarray(block.variables[1].values, dtype=np.float64)
    return block.variables[0].label, block.variables[0].unit, y[: other.size], other
