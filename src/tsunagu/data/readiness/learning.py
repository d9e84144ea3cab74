"""The checks of use for training: splits, and what test data share with training data. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from tsunagu.data.readiness.judging import (
    DOES_NOT_APPLY,
    UNKNOWN,
    Facts,
    Finding,
    check,
    columns_of,
    name_of,
    percent,
)
from tsunagu.formats import api as formats

_MOST_LABELS = 50
_UNSAID = Finding("unknown", words="unsaid")


@check(needs_tables=True)
def splits(facts: Facts, parameters: Mapping[str, Any]) -> Finding:
    """Parts for training and test."""
    del parameters
    counts = Counter[str]()
    for table in facts.tables:
        counts.update(table.split_counts)
    if len(counts) < 2:  # noqa: PLR2004 - one part is no split
        return Finding("fail")
    return Finding("pass", {"splits": dict(sorted(counts.items()))})


@check(needs_tables=True)
def leakage(facts: Facts, parameters: Mapping[str, Any]) -> Finding:
    """Rows in more than one part."""
    del parameters
    if not _has_splits(facts):
        return DOES_NOT_APPLY
    count = sum(table.leaked_row_count for table in facts.tables)
    return Finding("fail" if count else "pass", {"count": count})


@check(needs_tables=True)
def balance(facts: Facts, parameters: Mapping[str, Any]) -> Finding:
    """The rarest value of a column of labels."""
    labels = [
        (name_of(facts, table, column), min(count for _, count in column.common), table.row_count)
        for table, column in columns_of(facts)
        if column.name.strip().lower() in formats.LABEL_NAMES
        and column.common
        and 1 < (column.distinct_count or 0) <= min(_MOST_LABELS, len(column.common))
    ]
    if not labels:
        return DOES_NOT_APPLY
    name, rarest, rows = min(labels, key=lambda one: one[1] / one[2])
    evidence = {"column": name, "percent": percent(rarest / rows)}
    return Finding("fail" if rarest < parameters["least_share"] * rows else "pass", evidence)


@check(needs_tables=True)
def group_leakage(facts: Facts, parameters: Mapping[str, Any]) -> Finding:
    """What belongs together and stands in more than one part."""
    del parameters
    found = _leakage(facts)
    if found is None:
        return UNKNOWN
    if not _has_splits(facts) or _says_none(facts, "group"):
        return DOES_NOT_APPLY
    groups = [one for leakage in found for one in leakage.groups]
    if not groups:
        return _UNSAID
    is_decided = all(one.is_chosen for one in groups)
    leaks = [one for one in groups if one.leaked_count]
    named = leaks or groups
    evidence = {
        "columns": list(dict.fromkeys(one.column for one in named)),
        "count": sum(one.leaked_count for one in named),
        "total": sum(one.group_count for one in named),
    }
    return Finding("fail" if leaks else "pass", evidence, is_decided=is_decided)


@check(needs_tables=True)
def time_leakage(facts: Facts, parameters: Mapping[str, Any]) -> Finding:
    """Rows to be predicted that are older than rows to learn from."""
    del parameters
    found = _leakage(facts)
    if found is None:
        return UNKNOWN
    times = [leakage.time for leakage in found if leakage.time]
    if not times or _says_none(facts, "time"):
        return DOES_NOT_APPLY
    leaks = [one for one in times if one.is_leak]
    # Tables may disagree on what a column of one name holds: times are not compared with numbers.
    worst = max(leaks or times, key=lambda one: (isinstance(one.train_until, str), one.train_until))
    evidence = {"column": worst.column, "until": worst.train_until, "start": worst.test_from}
    return Finding("fail" if leaks else "pass", evidence, is_decided=all(one.is_chosen for one in times))


@check(needs_tables=True)
def target_leakage(facts: Facts, parameters: Mapping[str, Any]) -> Finding:
    """Columns that alone tell what is to be predicted."""
    del parameters
    found = _leakage(facts)
    if found is None:
        return UNKNOWN
    if _says_none(facts, "target"):
        return DOES_NOT_APPLY
    aimed = [leakage for leakage in found if leakage.target]
    if not aimed:  # data that are split are meant for training
        return _UNSAID if _has_splits(facts) else DOES_NOT_APPLY
    telling = [one.column for leakage in aimed for one in leakage.giveaways]
    evidence = {"column": aimed[0].target, "columns": list(dict.fromkeys(telling))}
    return Finding("fail" if telling else "pass", evidence)


@check(needs_tables=True)
def near_duplicates(facts: Facts, parameters: Mapping[str, Any]) -> Finding:
    """Rows that are nearly the same, worst where they stand in two parts."""
    found = _leakage(facts)
    if found is None:
        return UNKNOWN
    count = sum(one.near_duplicate_row_count for one in found)
    leaked = sum(one.near_leaked_row_count for one in found)
    rows = sum(table.row_count for table in facts.tables)
    evidence = {"count": count, "leaked": leaked}
    return Finding("fail" if leaked or count > parameters["most_share"] * rows else "pass", evidence)


def _leakage(facts: Facts) -> list[formats.Leakage] | None:
    """None where an older converter did not look for it."""
    found = [table.leakage for table in facts.tables if table.leakage]
    return found or None


def _has_splits(facts: Facts) -> bool:
    return any(len(table.split_counts) > 1 for table in facts.tables)


def _says_none(facts: Facts, role: str) -> bool:
    return any(one.kind == role and not one.column for one in facts.choices)
