"""What the room hands out beside what ``formats`` does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

OPERATORS = ("=", "!=", "<", "<=", ">", ">=", "contains", "empty", "present")


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition on a column; ``operator`` is one of ``OPERATORS``, ``value`` is text as people type it."""

    column: str
    operator: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """How somebody looks at a table; ``page`` from 1."""

    table: str
    sort: str = ""
    is_down: bool = False
    filters: tuple[Filter, ...] = ()
    page: int = 1


@dataclass(frozen=True, slots=True)
class View:
    """A page of a table: ``row_count`` counts what passes the filters."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    row_count: int
    page_count: int


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a histogram: numbers from ``low`` to ``high``, or one value as ``label``."""

    label: str
    count: int
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Histogram:
    """How the values of a column are spread.

    Attributes:
        missing: Rows without a value.
        others: Rows whose value is none of the bars: rarer words, or numbers that are not finite.
    """

    column: str
    unit: str
    bars: tuple[Bar, ...]
    missing: int
    others: int


@dataclass(frozen=True, slots=True)
class Points:
    """Two columns against each other; a sample where there are more rows than ``points``."""

    x: str
    y: str
    x_unit: str
    y_unit: str
    points: tuple[tuple[float, float], ...]
    row_count: int
