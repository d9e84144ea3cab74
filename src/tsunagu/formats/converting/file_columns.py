"""What a result is called, and what is said of each of its files as a whole."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from tsunagu.formats.converting.types import ColumnPlan, Kind

SAFE_INTEGER = 1 << 53  # beyond it a float loses the last digits
_MOST_FILE_COLUMNS = 200
_NOT_IN_NAME = re.compile(r"[^\w.-]+")
_NUMBERED = re.compile(r"[\d\W_]+\Z")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?\Z")
_ZONED = re.compile(r"(Z|[+-]\d{2}:\d{2})\Z")
_LEAST_STEM = 3
_LONGEST_NAME = 60


class Said(Protocol):
    """A file with what its reader said."""

    @property
    def outcome(self) -> Mapping[str, Any]:
        """The JSON of an ``Outcome``."""
        ...


def name_of(paths: Sequence[str], reader: str, table: str = "") -> str:
    """What people would call it: the file, what the names of many files share, their folder, or the reader."""
    names = [path.rpartition("/")[2].partition(".")[0] for path in paths]
    if len(set(paths)) == 1:
        sheet = f"-{table}" if table not in paths[0] else ""
        name = f"{names[0]}{sheet}" if reader == "excel" else names[0]
    else:
        low, high = min(names), max(names)
        shared = next((i for i, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), len(low))
        name = _NUMBERED.sub("", low[:shared])
        if len(name) < _LEAST_STEM:
            folders = {path.rpartition("/")[0].rpartition("/")[2] for path in paths}
            name = folders.pop() if len(folders) == 1 else ""
    return _NOT_IN_NAME.sub("-", name).strip("-.")[:_LONGEST_NAME].lower() or reader


def file_columns(
    files: Sequence[Said], taken: set[str], labels: Mapping[str, str]
) -> tuple[tuple[ColumnPlan, ...], list[tuple[Any, ...]]]:
    """A column for each common name that readers found, and its value for every file.

    What may point at a person stays out. Values in different units are written with their units, as text.
    """
    said = [_said(file.outcome["reading"]["fields"]) for file in files]
    counts = Counter(name for one in said for name in one)
    chosen = sorted(name for name, _ in counts.most_common(_MOST_FILE_COLUMNS))
    columns, by_column = [], []
    for name in chosen:
        kind, unit, values = _column_of([one.get(name, ()) for one in said])
        columns.append(
            ColumnPlan(f"file_{name}" if name in taken else name, kind, unit, labels.get(name, ""))
        )
        by_column.append(values)
    rows = [tuple(row) for row in zip(*by_column, strict=True)] if by_column else [() for _ in files]
    return tuple(columns), rows


def _said(fields: Iterable[Mapping[str, Any]]) -> dict[str, tuple[tuple[Any, str], ...]]:
    """Common name -> the different (value, unit) that a file gives it."""
    found: dict[str, dict[tuple[Any, str], None]] = defaultdict(dict)
    for one in fields:
        if not one.get("name") or one.get("personal"):
            continue
        is_normal = one.get("normal_value") is not None
        value = one["normal_value"] if is_normal else one["value"]
        unit = one.get("normal_unit") if is_normal else one.get("unit")
        if isinstance(value, list):
            value = ", ".join(str(part) for part in value)
        if value not in (None, ""):
            found[one["name"]][value, unit or ""] = None
    return {name: tuple(values) for name, values in found.items()}


def _column_of(said: Sequence[tuple[tuple[Any, str], ...]]) -> tuple[Kind, str, list[Any]]:
    """Kind, unit and value for each file; several or disagreeing ones are text with their units."""
    units = {unit for one in said for _, unit in one}
    values = [value for one in said for value, _ in one]
    is_single = all(len(one) <= 1 for one in said) and len(units) <= 1
    if is_single and all(isinstance(value, bool) for value in values):
        return "boolean", "", [one[0][0] if one else None for one in said]
    if is_single and not any(isinstance(value, (bool, str)) for value in values):
        unit = units.pop() if units else ""
        kind: Kind = "integer" if all(isinstance(value, int) for value in values) else "number"
        if any(abs(value) > SAFE_INTEGER for value in values):
            kind = "number"
        whole = [one[0][0] if one else None for one in said]
        return kind, unit, whole if kind == "integer" else [None if v is None else float(v) for v in whole]
    if is_single and all(isinstance(value, str) and _MOMENT.match(value) for value in values):
        kind = "timestamp_utc" if all(value.endswith(("Z", "+00:00")) for value in values) else "timestamp"
        if kind == "timestamp_utc" or not any(_ZONED.search(value) for value in values):
            return kind, "", [one[0][0] if one else None for one in said]
    if len(units) <= 1:
        unit = units.pop() if units else ""
        return "text", unit, ["; ".join(str(value) for value, _ in one) or None for one in said]
    return "text", "", ["; ".join(f"{value} {unit}".strip() for value, unit in one) or None for one in said]
