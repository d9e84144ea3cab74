"""What a click repairs: from the profile of the tables and the verdicts to offers, each with what it will change. Pure."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tsunagu.data.readiness import by_time
from tsunagu.data.readiness.choosing import DESCRIBE, ROLES, name_of
from tsunagu.data.readiness.types import Repair, Result
from tsunagu.data.readiness.wording import in_words
from tsunagu.formats import api as formats

_MOST_OF_ONE_KIND = 20
_OPEN = ("fail", "unknown")
_LANGUAGES = ("ja", "en")
_DESCRIBED: Mapping[str, Sequence[str]] = {
    "licence": ("licence",),
    "documentation": ("title", "description", "creators"),
}
# What instruments and programs write where there is no value: nines, and the fill values of netCDF and of C.
_CODE = re.compile(r"-?9{2,}(?:\.(?:0+|9+))?\Z|-32768(?:\.0+)?\Z|-1e\+?3\d\Z|9\.96921e\+36\Z")
_LONELY_BINS = 12
_MOST_CODES = 50


@dataclass(frozen=True, slots=True)
class Known:
    """What offers are made from.

    Attributes:
        tables: As they were made.
        results: The verdicts, by rule.
        choices: Those in force, as (kind, column, value).
        applied: Those by which the tables were made.
        proposed: Name of a value of the description -> what a machine proposes for it.
        said: The description.
        is_sealed: Whether values of the tables stay out of what is chosen.
    """

    tables: Sequence[formats.TableProfile]
    results: Mapping[str, Result]
    choices: Sequence[formats.Choice]
    applied: Sequence[formats.Choice]
    proposed: Mapping[str, str]
    said: Mapping[str, Any]
    is_sealed: bool = False

    def is_open(self, rule: str) -> bool:
        """Whether a criterion is not met, or nobody knows."""
        found = self.results.get(rule)
        return found is not None and found.verdict in _OPEN

    def source_name(self, column: str) -> str:
        """What a column of the tables is called in the files."""
        return next(
            (one.column for one in self.applied if one.kind == "rename" and one.value == column), column
        )


def offers(known: Known) -> tuple[Repair, ...]:
    """Every repair that is worth a button now, at most twenty of a kind; none that was chosen already."""
    taken = {(one.kind, one.column) for one in known.choices}
    taken |= {(one.kind, "") for one in known.choices if one.kind in ROLES}
    found: list[Repair] = []
    for make in (
        _descriptions,
        _units,
        _codes,
        _repetition,
        _parts,
        _parts_in_time,
        _meanings,
        _giveaways,
        _people,
        _constants,
    ):
        for one in make(known):
            is_taken = (one.kind, one.column) in taken or (one.kind in ROLES and (one.kind, "") in taken)
            is_many = (
                sum(other.kind == one.kind and other.rule == one.rule for other in found) >= _MOST_OF_ONE_KIND
            )
            if not is_taken and not is_many and one.name not in {other.name for other in found}:
                found.append(one)
    return tuple(found)


def columns_of(tables: Iterable[formats.TableProfile], applied: Sequence[formats.Choice]) -> tuple[str, ...]:
    """Every column that a choice may name: as the files have it, dropped ones too."""
    renamed = {one.value: one.column for one in applied if one.kind == "rename"}
    names = [renamed.get(column.name, column.name) for table in tables for column in table.columns]
    names += [one.column for one in applied if one.column and one.kind != "leave_out"]
    return tuple(dict.fromkeys([*names, formats.SOURCE_COLUMN]))


def codes_of(tables: Iterable[formats.TableProfile], column: str) -> str:
    """The values of a column in the order of their numbers, with ``|`` between; empty where they are too many."""
    for table in tables:
        for one in table.columns:
            values = sorted(value for value, _ in one.common)
            if (
                one.name == column
                and len(values) == (one.distinct_count or -1) <= _MOST_CODES
                and "|" not in "".join(values)
            ):
                return "|".join(values)
    return ""


def cuts_of(tables: Iterable[formats.TableProfile], column: str) -> str:
    """Where a split by a column cuts, with ``/`` between; the usual shares where its groups were not counted."""
    for table in sorted(tables, key=lambda one: -one.row_count):
        for cuts in table.leakage.cuts if table.leakage else ():
            if cuts.column == column:
                return _cut(cuts)
    return "0.8/0.9"


def says(kind: str, column: str, value: str) -> dict[str, str]:
    """A choice in words, {ja, en}."""
    words = _words()["kinds"].get(kind)
    if words is None:
        return dict.fromkeys(_LANGUAGES, name_of(kind, column, value))
    template = words["none"] if kind in ROLES and not column else words["title"]
    return in_words(template, _said(kind, column, value), _words()["words"])


@functools.cache
def _words() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(
        (Path(__file__).parent / "rules" / "repairs.yaml").read_text("utf-8")
    )
    return found


def _said(kind: str, column: str, value: str) -> dict[str, str]:
    """A choice as evidence for its words."""
    said = {"column": column, "value": value.replace("|", ", ")}
    if kind == by_time.KIND:
        said["low"], _, said["high"] = (one.replace("T", " ") for one in value.partition("/"))
    return said


def _repair(
    kind: str, column: str, value: str = "", *, rule: str = "", is_open: bool = False, **evidence: Any
) -> Repair:
    words = _words()["kinds"][kind]
    evidence = {**_said(kind, column, value), **evidence}
    titles, changes = words["open"] if is_open else words["title"], words["changes"]
    if kind in ROLES and not column:
        titles, changes = words["none"], words["none_changes"]
    return Repair(
        name=name_of(kind, column, value),
        kind=kind,
        column=column,
        value=value,
        rule=rule or words["rule"],
        title=in_words(titles, evidence, _words()["words"]),
        changes=in_words(changes, evidence, _words()["words"]),
        is_open=is_open,
    )


# --- What is offered


def _descriptions(known: Known) -> Iterator[Repair]:
    for rule, names in _DESCRIBED.items():
        if not known.is_open(rule):
            continue
        for name in names:
            is_said = any(known.said.get(one) for one in (name, f"{name}_ja", f"{name}_en"))
            if not is_said:
                # A licence that nobody proposed is nothing to click: it would be given without being meant.
                yield _repair(DESCRIBE, name, known.proposed.get(name, ""), rule=rule, is_open=True)


def _units(known: Known) -> Iterator[Repair]:
    if not known.is_open("units"):
        return
    for column in _columns(known):
        if column.kind == "number" and not column.unit and not column.is_of_file:
            yield _repair("unit", known.source_name(column.name), is_open=True)


def _codes(known: Known) -> Iterator[Repair]:
    """Codes for missing values that give themselves away: far from all other values."""
    for column in _columns(known):
        bins = column.histogram
        if not bins or column.kind not in {"number", "integer"}:
            continue
        ends = ((column.minimum, bins[1:_LONELY_BINS]), (column.maximum, bins[-_LONELY_BINS:-1]))
        for value, between in ends:
            text = f"{value:g}" if isinstance(value, float) else str(value)
            if _CODE.match(text) and not any(between):
                yield _repair("missing", known.source_name(column.name), text)


def _repetition(known: Known) -> Iterator[Repair]:
    if not known.is_open("duplicates"):
        return
    if count := sum(table.duplicate_row_count for table in known.tables):
        rows = sum(table.row_count for table in known.tables)
        yield _repair("deduplicate", "", count=count, rows=rows)
    for table in known.tables:
        for kept, other in table.twin_files:
            yield _repair("leave_out", other, other=kept)


def _parts(known: Known) -> Iterator[Repair]:
    rules = [rule for rule in ("splits", "group_leakage") if known.is_open(rule)]
    if not rules:
        return
    seen: set[str] = set()
    for table in sorted(known.tables, key=lambda one: -one.row_count):
        for cuts in table.leakage.cuts if table.leakage else ():
            if cuts.column not in seen and (cuts.sizes or not cuts.group_count):
                seen.add(cuts.column)
                train, validation, test = cuts.sizes or ("80 %", "10 %", "10 %")
                groups = cuts.group_count or "10,000+"
                yield _repair(
                    "split", cuts.column, _cut(cuts),
                    rule=rules[0], train=train, validation=validation, test=test, groups=groups,
                )  # fmt: skip


def _parts_in_time(known: Known) -> Iterator[Repair]:
    """Where test is older than training, and where nothing is divided yet but somebody said what the time is."""
    if known.is_sealed:
        return
    wanted: dict[str, str] = {}
    if known.is_open("splits"):
        wanted = {one.column: "splits" for one in known.choices if one.kind == "time" and one.column}
    if known.is_open("time_leakage"):
        leaks = [table.leakage.time for table in known.tables if table.leakage and table.leakage.time]
        wanted |= {known.source_name(one.column): "time_leakage" for one in leaks if one.is_leak}
    for column, rule in wanted.items():
        cuts = by_time.cuts_of(known.tables, column)
        if cuts is not None:
            about = "≈" if cuts.error else ""
            train, validation, test = (f"{about}{size:,}" for size in cuts.sizes)
            yield _repair(
                by_time.KIND, column, f"{cuts.low}/{cuts.high}",
                rule=rule, train=train, validation=validation, test=test, times=f"cuts_{cuts.kind}",
            )  # fmt: skip


def _meanings(known: Known) -> Iterator[Repair]:
    """What columns mean, so that a machine may decide; a click also says that there is none."""
    found = [table.leakage for table in known.tables if table.leakage]
    seen = {
        "group": [group.column for one in found for group in one.groups],
        "time": [one.time.column for one in found if one.time],
        "target": [one.target for one in found if one.target],
    }
    for role, names in seen.items():
        if known.is_open(f"{role}_leakage"):
            for name in names:
                yield _repair(role, known.source_name(name))
            yield _repair(role, "")


def _giveaways(known: Known) -> Iterator[Repair]:
    if known.is_open("target_leakage"):
        for table in known.tables:
            for one in table.leakage.giveaways if table.leakage else ():
                yield _repair("drop", known.source_name(one.column), rule="target_leakage")


def _people(known: Known) -> Iterator[Repair]:
    if known.is_open("personal"):
        for column in _columns(known):
            if count := sum(column.personal.values()):
                name = known.source_name(column.name)
                yield _repair("pseudonymise", name, count=count)
                yield _repair("drop", name)


def _constants(known: Known) -> Iterator[Repair]:
    found = known.results.get("constant")
    if found is not None and found.verdict == "fail":
        for column in _columns(known):
            if column.distinct_count is not None and column.distinct_count <= 1 and not column.is_of_file:
                yield _repair("drop", known.source_name(column.name), rule="constant")


def _columns(known: Known) -> list[formats.ColumnProfile]:
    return [column for table in known.tables for column in table.columns]


def _cut(cuts: formats.Cuts) -> str:
    return f"{cuts.low}/{cuts.high}"
