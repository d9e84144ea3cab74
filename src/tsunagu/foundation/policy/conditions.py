"""A filter of rows as a tree that an index can answer which is no database.

``compiling`` writes filters in a handful of shapes; each becomes a node here, and a shape that is not known is an error
and never a wider filter. Only datasets are read so, for only they stand in an index.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from django.db.models import Q

from tsunagu.foundation.policy.compiling import LabelRows


@dataclass(frozen=True, slots=True)
class Every:
    """All datasets, or with ``is_none`` no dataset at all."""

    is_none: bool = False


@dataclass(frozen=True, slots=True)
class OneOf:
    """A column has one of the values: ``uid``, ``project_id``, ``access`` or ``has_frozen``."""

    column: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """A number of the dataset beside a given one: ``embargo_until_s`` (seconds since 1970) or a level of a label."""

    column: str
    sign: Literal["<", "<=", ">", ">=", "==", "!="]
    value: int


@dataclass(frozen=True, slots=True)
class FromCountry:
    """The dataset has a country of origin."""

    code: str


@dataclass(frozen=True, slots=True)
class Not:
    """The datasets that a condition does not speak of."""

    inner: Condition


@dataclass(frozen=True, slots=True)
class Both:
    """All of these hold."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One of these holds at least."""

    parts: tuple[Condition, ...]


Condition = Every | OneOf | Compared | FromCountry | Not | Both | Either
EVERY, NOTHING = Every(), Every(is_none=True)
_SIGNS: dict[str, Any] = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">=", "exact": "=="}


def both(parts: Iterable[Condition]) -> Condition:
    """All of some conditions, as small as it can be said."""
    kept = [part for part in parts if part != EVERY]
    if NOTHING in kept:
        return NOTHING
    return kept[0] if len(kept) == 1 else Both(tuple(kept)) if kept else EVERY


def either(parts: Iterable[Condition]) -> Condition:
    """One of some conditions at least, as small as it can be said."""
    kept = [part for part in parts if part != NOTHING]
    if EVERY in kept:
        return EVERY
    return kept[0] if len(kept) == 1 else Either(tuple(kept)) if kept else NOTHING


def negated(inner: Condition) -> Condition:
    """The opposite."""
    if isinstance(inner, Every):
        return Every(is_none=not inner.is_none)
    return inner.inner if isinstance(inner, Not) else Not(inner)


def condition_of(rows: Q) -> Condition:
    """A filter that ``visible`` gave for datasets, as a tree.

    Raises:
        TypeError: a shape that ``compiling`` does not write (a mistake in the program).
    """
    parts = [_part(child) for child in rows.children]
    joined = both(parts) if rows.connector == Q.AND else either(parts)
    return negated(joined) if rows.negated else joined


def _part(child: Any) -> Condition:
    if isinstance(child, Q):
        return condition_of(child)
    if isinstance(child, LabelRows):
        if child.origin:
            return FromCountry(child.origin)
        return Compared(child.label, child.sign, child.level)  # type: ignore[arg-type]
    if isinstance(child, tuple):
        return _look_up(*child)
    raise TypeError(f"no condition for an index: {child!r}")


def _look_up(name: str, value: Any) -> Condition:
    column, _, lookup = name.partition("__")
    if column == "pk" and lookup == "isnull":
        return NOTHING if value else EVERY
    if column == "pk" and lookup == "in" and not value:
        return NOTHING
    if column in {"uid", "project_id", "access", "has_frozen"} and lookup in {"", "in"}:
        values = tuple(value) if lookup else (value,)
        return OneOf(column, values) if values else NOTHING
    if column == "embargo_until_s" and lookup == "in":
        return either(Compared(column, "==", one) for one in value)
    if column == "embargo_until_s" and (lookup or "exact") in _SIGNS:
        return Compared(column, _SIGNS[lookup or "exact"], int(value))
    raise TypeError(f"no condition for an index: {name}")
