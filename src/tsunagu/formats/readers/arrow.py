"""Statistics and a curve from Arrow batches, in one pass over a table."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tsunagu.formats import draw
from tsunagu.formats.types import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tsunagu.formats.types import ColumnType, CurvePreview

CURVE_COLUMNS = 7
_LEAST_POINTS = 5
_MONOTONIC_SHARE = 0.98
_KEPT_ROWS = 2_000_000


def _is_numbers(kind: Any) -> bool:
    """A list of numbers a row."""
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return bool(is_list and (pa.types.is_integer(kind.value_type) or pa.types.is_floating(kind.value_type)))


def column_type(kind: Any) -> ColumnType:
    """Our word for an Arrow type."""
    tests: tuple[tuple[Any, ColumnType], ...] = (
        (pa.types.is_boolean, "boolean"),
        (pa.types.is_integer, "integer"),
        (pa.types.is_floating, "number"),
        (pa.types.is_decimal, "number"),
        (pa.types.is_temporal, "time"),
        (pa.types.is_null, "empty"),
        (pa.types.is_string, "text"),
        (pa.types.is_large_string, "text"),
        (pa.types.is_dictionary, "text"),
        (pa.types.is_binary, "binary"),
        (pa.types.is_large_binary, "binary"),
        (_is_numbers, "numbers"),
    )
    return next((word for test, word in tests if test(kind)), "other")


def is_drawn(kind: Any) -> bool:
    """Whether a column of that type may be a line of a curve, or its axis."""
    types = pa.types
    return bool(
        types.is_integer(kind)
        or types.is_floating(kind)
        or types.is_decimal(kind)
        or types.is_timestamp(kind)
    )


def column(name: str, kind: Any, rows: int, nulls: int, extent: tuple[Any, Any]) -> Column:
    """The description of a column, without unit and words.

    Args:
        name: Its name.
        kind: Its Arrow type; None when there was no row.
        rows: How many there are.
        nulls: How many of them are null.
        extent: The lowest and the highest value; None when there is none.
    """
    return Column(
        name=name,
        type=column_type(kind) if kind is not None else "empty",
        count=rows - nulls,
        null_share=round(nulls / rows, 6) if rows else None,
        minimum=_plain(extent[0]),
        maximum=_plain(extent[1]),
    )


def _extent(values: Any) -> tuple[Any, Any]:
    """The lowest and the highest value, of types that Arrow does not compare as well. Numbers that are none are passed over."""
    kind = values.type
    if pa.types.is_float16(kind):
        values = values.cast(pa.float32())
    elif pa.types.is_duration(kind):
        values = values.cast(pa.int64())
    found = pc.min_max(values)
    ends = (found["min"], found["max"])
    if pa.types.is_duration(kind):
        ends = (ends[0].cast(kind), ends[1].cast(kind))
    return ends[0].as_py(), ends[1].as_py()


class Summary:
    """What batches of equal columns hold: rows, nulls, ranges, first rows, numbers for a curve."""

    def __init__(self, width: int) -> None:
        self.rows = 0
        self.is_cut = False
        self.first_rows: list[tuple[Any, ...]] = []
        self._types: list[Any] = [None] * width
        self._nulls = [0] * width
        self._low: list[Any] = [None] * width
        self._high: list[Any] = [None] * width
        self._numbers: dict[int, list[Any]] = {}

    def add(self, batch: Any) -> None:
        """Take one record batch in."""
        if len(self.first_rows) < draw.TABLE_ROWS:
            head = batch.slice(0, draw.TABLE_ROWS - len(self.first_rows))
            self.first_rows += list(zip(*(column.to_pylist() for column in head.columns), strict=True))
        for index, column in enumerate(batch.columns):
            self._nulls[index] += column.null_count
            if self._types[index] is None or pa.types.is_null(self._types[index]):
                self._types[index] = column.type
            word = column_type(column.type)
            if word in {"integer", "number", "time"} and column.null_count < len(column):
                self._widen(index, *_extent(column))
                self._keep(index, column)
        self.rows += batch.num_rows

    def _widen(self, index: int, low: Any, high: Any) -> None:
        if low is None or (isinstance(low, float) and not math.isfinite(low)):
            return
        self._low[index] = low if self._low[index] is None else min(self._low[index], low)
        self._high[index] = high if self._high[index] is None else max(self._high[index], high)

    def _keep(self, index: int, column: Any) -> None:
        if self.rows > _KEPT_ROWS or (index not in self._numbers and len(self._numbers) >= CURVE_COLUMNS):
            return
        if self.rows and index not in self._numbers:
            # The column began with nothing but nulls; its points would not line up with the others.
            return
        if pa.types.is_temporal(column.type):
            if not pa.types.is_timestamp(column.type):
                return
            column = column.cast(pa.timestamp("us")).cast(pa.int64())
            column = pc.divide(column.cast(pa.float64()), 1e6)
        elif not pa.types.is_float64(column.type):
            column = column.cast(pa.float64(), safe=False)
        self._numbers.setdefault(index, []).append(column.to_numpy(zero_copy_only=False))

    def columns(
        self, names: Sequence[str], units: Sequence[str | None], descriptions: Sequence[str | None] = ()
    ) -> list[Column]:
        """The descriptions of the columns."""
        return [
            replace(
                self.column(i, name),
                unit=units[i] if i < len(units) else None,
                description=descriptions[i] if i < len(descriptions) else None,
            )
            for i, name in enumerate(names)
        ]

    def column(self, index: int, name: str) -> Column:
        """The description of one of them, without unit and words."""
        extent = (self._low[index], self._high[index])
        return column(name, self._types[index], self.rows, self._nulls[index], extent)

    def lies_within(self, index: int, low: Any, high: Any) -> bool:
        """Whether everything that was seen of a column lies in that range."""
        mine = self._low[index]
        return mine is None or bool(low is not None and low <= mine and self._high[index] <= high)

    def curve(self, title: str, names: Sequence[str], units: Sequence[str | None]) -> CurvePreview | None:
        """The other columns over the first one, where that runs in one direction; over the row otherwise."""
        columns = {index: np.concatenate(parts) for index, parts in self._numbers.items()}
        length = max((len(values) for values in columns.values()), default=0)
        columns = {index: values for index, values in columns.items() if len(values) == length}
        if length < _LEAST_POINTS or not columns:
            return None
        first = min(columns)
        is_axis = len(columns) > 1 and is_monotonic(columns[first])
        x = columns.pop(first) if is_axis else np.arange(length, dtype=float)
        drawn = list(columns)[: draw.CURVE_SERIES]
        same_unit = {units[i] if i < len(units) else None for i in drawn}
        is_single = len(drawn) == 1
        return draw.curve(
            title,
            [draw.series(names[i], x, columns[i]) for i in drawn],
            x=(names[first], units[first] if first < len(units) else None) if is_axis else ("row", None),
            y=(names[drawn[0]] if is_single else "", same_unit.pop() if len(same_unit) == 1 else None),
        )


def is_monotonic(values: Any) -> bool:
    """Whether numbers run in one direction, a few steps excepted: then they are an axis. Shape: (N,)."""
    finite = np.isfinite(values)
    held = values if finite.all() else values[finite]
    before, after = held[:-1], held[1:]
    if after.size < _LEAST_POINTS - 2:
        return False
    most = max(np.count_nonzero(after >= before), np.count_nonzero(after <= before))
    return bool(most >= _MONOTONIC_SHARE * after.size and after.max() > after.min())


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (int, float)):
        return value if not isinstance(value, float) or math.isfinite(value) else None
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
