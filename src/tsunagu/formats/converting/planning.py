"""From what readers said of the files of a version to the tables to be made of them.

Files of one reader whose tables have the same columns in the same units become one table. Nothing is merged that
differs: other columns or other units make another table, and the plan says so.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import count
from typing import Any

from tsunagu.formats.converting.types import (
    SOURCE_COLUMN,
    ColumnPlan,
    Kind,
    Problem,
    SourcePlan,
    TablePlan,
)
from tsunagu.formats.mapping.units import known
from tsunagu.formats.types import Table

MOST_TABLES = 500
_MOST_FILE_COLUMNS = 200
_SAFE_INTEGER = 1 << 53  # beyond it a float loses the last digits
_NOT_IN_NAME = re.compile(r"[^\w.-]+")
_NUMBERED = re.compile(r"[\d\W_]+\Z")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?\Z")
_ZONED = re.compile(r"(Z|[+-]\d{2}:\d{2})\Z")
_LEAST_STEM = 3
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file of a version with what its reader said (the JSON of an ``Outcome``)."""

    path: str
    byte_count: int
    outcome: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class UnitConflict:
    """A column of one name whose files give it different units; each unit with how many files say so."""

    column: str
    units: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be made of a version.

    Attributes:
        tables: Each becomes one Parquet file.
        left: Files that hold no table and stay as they are, with the word of their reader.
        problems: Files that hold one and cannot be used.
        conflicts: Columns whose units disagree between files, which were kept apart for that.
        schemas: How many different sets of columns the files of each reader have.
    """

    tables: tuple[TablePlan, ...]
    left: tuple[tuple[str, str], ...] = ()
    problems: tuple[Problem, ...] = ()
    conflicts: tuple[UnitConflict, ...] = ()
    schemas: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Group:
    """Tables of equal columns and units."""

    reader: str
    columns: list[Mapping[str, Any]]
    kinds: dict[str, Kind | None]
    members: list[tuple[ReadFile, str]] = field(default_factory=list)


def plan(
    files: Iterable[ReadFile],
    *,
    readers: Mapping[str, Sequence[Table]],
    labels: Mapping[str, str],
    words: Mapping[str, tuple[str, str]] | None = None,
) -> Plan:
    """The tables that a version's files become.

    Args:
        files: In the order of their paths; the result does not depend on anything else.
        readers: Those whose rows can be read, with the tables that every file of theirs is where the reading names none.
        labels: Words for common names, which describe the file columns.
        words: Meaning and unit that people gave to columns, by name; a file that says its own is believed.
    """
    groups: dict[Any, _Group] = {}
    left: list[tuple[str, str]] = []
    problems: list[Problem] = []
    for file in files:
        outcome = file.outcome
        reader = outcome.get("reader") or ""
        tables = outcome["reading"]["tables"] or [asdict(one) for one in readers.get(reader, ())]
        if outcome["status"] == "unreadable" and reader in readers:
            problems.append(Problem(file.path, outcome["reason"], outcome.get("reason_code", "")))
        elif reader not in readers or not tables:
            left.append((file.path, reader))
        else:
            refused = [table for table in tables if not _take(groups, reader, file, table)]
            if refused:
                reason = f"The files have more than {MOST_TABLES} different sets of columns."
                problems.append(Problem(file.path, reason, "too_many_schemas"))
    names: set[str] = set()
    made = tuple(_table(group, names, labels, words or {}) for group in groups.values())
    return Plan(made, tuple(left), tuple(problems), _conflicts(groups.values()), _schemas(groups.values()))


def _take(groups: dict[Any, _Group], reader: str, file: ReadFile, table: Mapping[str, Any]) -> bool:
    columns = table["columns"]
    key = (reader, frozenset((column["name"], _unit(column.get("unit"))) for column in columns))
    group = groups.get(key)
    if group is None:
        if len(groups) >= MOST_TABLES:
            return False
        group = groups[key] = _Group(reader, columns, {})
    for column in columns:
        name, kind = column["name"], kind_of(column)
        group.kinds[name] = merged(group.kinds.get(name), kind)
    group.members.append((file, table["name"]))
    return True


def _unit(text: str | None) -> str:
    """The unit in one spelling: ``°C`` and ``degC`` are no disagreement."""
    return known(text) or text if text else ""


def kind_of(column: Mapping[str, Any]) -> Kind | None:
    """The kind of a column as its reader described it; None while it is empty."""
    word, low, high = column["type"], column.get("minimum"), column.get("maximum")
    if word == "integer":
        is_wide = any(isinstance(one, int) and abs(one) > _SAFE_INTEGER for one in (low, high))
        return "wide_integer" if is_wide else "integer"
    if word == "time":
        return _time_kind(str(low or ""))
    kinds: Mapping[str, Kind | None] = {
        "number": "number",
        "boolean": "boolean",
        "empty": None,
        "binary": "binary",
    }
    return kinds.get(word, "text")


def _time_kind(example: str) -> Kind:
    """Readers give the earliest value as ISO 8601."""
    if "T" in example or " " in example:
        return "timestamp_utc" if example.endswith(("+00:00", "Z")) else "timestamp"
    return "date" if "-" in example else "time"


def merged(one: Kind | None, other: Kind | None) -> Kind | None:
    """The narrowest kind that takes the values of both without loss."""
    if one is None or other is None or one == other:
        return one or other
    pair = {one, other}
    for wider in (
        {"integer", "number"},
        {"integer", "wide_integer"},
        {"date", "timestamp"},
    ):
        if pair == wider:
            return "number" if "number" in pair else "timestamp" if "timestamp" in pair else "wide_integer"
    return "text"


def _table(
    group: _Group, names: set[str], labels: Mapping[str, str], words: Mapping[str, tuple[str, str]]
) -> TablePlan:
    paths = [file.path for file, _ in group.members]
    base = _name(paths, group.members[0][1], group.reader)
    name = next(one for n in count(1) if (one := f"{base}-{n}" if n > 1 else base) not in names)
    names.add(name)
    cells = [column["name"] for column in group.columns]
    file_columns, values = _file_columns([file for file, _ in group.members], {*cells, SOURCE_COLUMN}, labels)
    columns = tuple(
        ColumnPlan(
            column["name"],
            group.kinds[column["name"]] or "text",
            column.get("unit") or words.get(column["name"], ("", ""))[1],
            column.get("description") or words.get(column["name"], ("", ""))[0],
        )
        for column in group.columns
    )
    sources = tuple(
        SourcePlan(file.path, table, file.byte_count, said)
        for (file, table), said in zip(group.members, values, strict=True)
    )
    return TablePlan(name, group.reader, columns, file_columns, sources)


def _name(paths: Sequence[str], table: str, reader: str) -> str:
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


# --- What is said of a file as a whole


def _file_columns(
    files: Sequence[ReadFile], taken: set[str], labels: Mapping[str, str]
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
        if any(abs(value) > _SAFE_INTEGER for value in values):
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


# --- What was kept apart


def _conflicts(groups: Iterable[_Group]) -> tuple[UnitConflict, ...]:
    same: dict[Any, list[_Group]] = defaultdict(list)
    for group in groups:
        same[group.reader, frozenset(column["name"] for column in group.columns)].append(group)
    found = []
    for several in same.values():
        if len(several) < 2:  # noqa: PLR2004 - it takes two to disagree
            continue
        for column in several[0].columns:
            counts: Counter[str] = Counter()
            for group in several:
                unit = next(one.get("unit") or "" for one in group.columns if one["name"] == column["name"])
                counts[unit] += len(group.members)
            if len({_unit(unit) for unit in counts}) > 1:
                found.append(UnitConflict(column["name"], tuple(counts.most_common())))
    return tuple(found)


def _schemas(groups: Iterable[_Group]) -> dict[str, int]:
    sets = {(group.reader, frozenset(column["name"] for column in group.columns)) for group in groups}
    return dict(sorted(Counter(reader for reader, _ in sets).items()))
