"""From what readers said of the files of a version to the tables to be made of them.

Files of one reader whose tables have the same columns in the same units become one table. Nothing is merged that
differs: other columns or other units make another table, and the plan says so.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import count
from typing import Any

from tsunagu.formats.converting.file_columns import SAFE_INTEGER, file_columns, name_of
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
        is_wide = any(isinstance(one, int) and abs(one) > SAFE_INTEGER for one in (low, high))
        return "wide_integer" if is_wide else "integer"
    if word == "time":
        return _time_kind(str(low or ""))
    kinds: Mapping[str, Kind | None] = {
        "number": "number",
        "boolean": "boolean",
        "empty": None,
        "binary": "binary",
        "numbers": "numbers",
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
    base = name_of(paths, group.reader, group.members[0][1])
    name = next(one for n in count(1) if (one := f"{base}-{n}" if n > 1 else base) not in names)
    names.add(name)
    cells = [column["name"] for column in group.columns]
    of_files, values = file_columns([file for file, _ in group.members], {*cells, SOURCE_COLUMN}, labels)
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
    return TablePlan(name, group.reader, columns, of_files, sources)


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
