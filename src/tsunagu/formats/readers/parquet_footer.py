"""What the footer of a Parquet file says of its columns: nulls and ranges of all rows, without reading any of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PHYSICAL = {"INT32": pa.int32(), "INT64": pa.int64()}


@dataclass(frozen=True, slots=True)
class Said:
    """Of one column. ``low`` and ``high`` are None where it holds nothing but nulls, or nothing that has a range."""

    nulls: int
    low: Any = None
    high: Any = None


def columns(metadata: Any, fields: Sequence[Any]) -> dict[int, Said]:
    """What is said of the columns, by their place in the schema; those of which not everything is said are left out.

    Args:
        metadata: The footer.
        fields: Those of Arrow's schema, from the first on.
    """
    places = {metadata.schema.column(leaf).path: leaf for leaf in range(metadata.num_columns)}
    found: dict[int, Said] = {}
    if len({field.name for field in fields}) < len(fields):  # nobody can say which is meant
        return found
    for index, field in enumerate(fields):
        leaf = places.get(field.name)
        if leaf is None or pa.types.is_nested(field.type):
            continue
        said = _said(list(_statistics(metadata, leaf)), field.type)
        if said is not None:
            found[index] = said
    return found


def _statistics(metadata: Any, leaf: int) -> Iterator[Any]:
    for group in range(metadata.num_row_groups):
        chunk = metadata.row_group(group).column(leaf)
        yield chunk.statistics if chunk.is_stats_set else None


def _said(several: list[Any], kind: Any) -> Said | None:
    if any(one is None or not one.has_null_count for one in several):
        return None
    nulls = sum(one.null_count for one in several)
    if not _has_range(kind):
        return Said(nulls)
    held = [one for one in several if one.num_values]
    ends = _ends(held, kind)
    if ends is None:
        return None
    return Said(nulls, min(low for low, _ in ends), max(high for _, high in ends)) if ends else Said(nulls)


def _ends(several: list[Any], kind: Any) -> list[tuple[Any, Any]] | None:
    """The range of each row group; None when not all of them can be had."""
    # Of columns that hold only numbers that are none nothing is said; halves come as bytes.
    if pa.types.is_float16(kind) or not all(one.has_min_max for one in several):
        return None
    try:
        found = [(_value(one, "min", kind), _value(one, "max", kind)) for one in several]
    except (pa.ArrowException, ValueError, OverflowError):
        return None
    is_finite = all(math.isfinite(end) for pair in found for end in pair if isinstance(end, float))
    return found if is_finite else None


def _has_range(kind: Any) -> bool:
    types = pa.types
    return bool(
        types.is_integer(kind) or types.is_floating(kind) or types.is_temporal(kind) or types.is_decimal(kind)
    )


def _value(one: Any, end: str, kind: Any) -> Any:
    """As Arrow would read it from a row."""
    if pa.types.is_temporal(kind):
        return pa.scalar(getattr(one, f"{end}_raw"), _PHYSICAL[one.physical_type]).cast(kind).as_py()
    value = getattr(one, end)
    return value + 0.0 if pa.types.is_floating(kind) else pa.scalar(value, kind).as_py()  # no zero below zero
