"""Curves of instruments as one table: a column that counts the curves, one for each axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tsunagu.formats.findings import as_number
from tsunagu.formats.types import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

# Name, unit and words of the two axes.
Axes = tuple[tuple[str, str, str], tuple[str, str, str]]
SCAN = "scan"


def scan_columns(curves: Sequence[tuple[Any, Any]], axes: Axes) -> list[Column]:
    """The columns of the table that :func:`scan_batches` yields."""
    count = sum(x.size for x, _ in curves)
    columns = [Column(SCAN, "integer", None, count, 0.0, 1, len(curves), "number of the scan in its file")]
    for index, (name, unit, words) in enumerate(axes):
        ends = [(curve[index].min(), curve[index].max()) for curve in curves if curve[index].size]
        low = as_number(min((low for low, _ in ends), default=None))
        high = as_number(max((high for _, high in ends), default=None))
        columns.append(Column(name, "number", unit or None, count, 0.0, low, high, words or None))
    return columns
