"""The checks: from the profile of the tables and what is said of the dataset to a verdict with evidence. Pure.

What nobody can know yet is unknown, never met. Words are data (``rules/``); evidence fills them in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tsunagu.data.readiness.types import GroupScore, Result, Rule, RuleSet, Verdict
from tsunagu.data.readiness.wording import Words, in_words
from tsunagu.formats import api as formats

_LISTED = 20
_FEW_ROWS = 20


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a version.

    Attributes:
        profile: The document ``profile.json`` of what was made of it; None while nothing was.
        tables: Its tables.
        said: The description: name -> text or list.
        personal: Word of the label ``personal``; ``undecided`` while nobody decided.
        has_ai_terms: Whether the owners, or those of the sources, said what AI may do.
        run_count: How many runs say where the data come from.
        choices: By which the tables were made.
    """

    profile: Mapping[str, Any] | None
    tables: Sequence[formats.TableProfile]
    said: Mapping[str, Any]
    personal: str
    has_ai_terms: bool
    run_count: int
    choices: Sequence[formats.Choice] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict with what it rests on.

    Attributes:
        words: Which text of the rule says it, where not the one of the verdict.
        is_decided: A machine decides now, for a person said what it needs to know; no word of a person stands against it.
    """

    verdict: Verdict
    evidence: Mapping[str, Any] = field(default_factory=dict)
    words: str = ""
    is_decided: bool = False


UNKNOWN = Finding("unknown")
DOES_NOT_APPLY = Finding("not_applicable")
Check = Callable[[Facts, Mapping[str, Any]], Finding]
CHECKS: dict[str, Check] = {}
_OF_ARRAYS_TOO = ("tables", "readable", "units_agree")


def check(*, needs_tables: bool) -> Callable[[Check], Check]:
    """Register a check under its name; those of the data are unknown without a profile and idle without tables."""

    def register(function: Check) -> Check:
        def guarded(facts: Facts, parameters: Mapping[str, Any]) -> Finding:
            if needs_tables and facts.profile is None:
                return UNKNOWN
            if needs_tables and not facts.tables and function.__name__ not in _OF_ARRAYS_TOO:
                return DOES_NOT_APPLY
            return function(facts, parameters)

        CHECKS[function.__name__] = guarded
        return function

    return register


def judge(rules: RuleSet, facts: Facts, attested: Mapping[str, Mapping[str, str]]) -> tuple[GroupScore, ...]:
    """Every criterion, by group. ``attested``: rule -> {answer, note, by, at, version}."""
    results = [_result(rule, facts, attested.get(rule.id, {}), rules.words) for rule in rules.rules]
    groups = []
    for key, title in rules.groups.items():
        mine = tuple(one for one in results if one.rule.group == key)
        groups.append(GroupScore(key, title, score(mine), mine))
    return tuple(groups)


def score(results: Iterable[Result]) -> int | None:
    """Share of the weights that are met, 0 to 100, rounded down; None where nothing applies."""
    weighed = [(one.rule.weight, one.verdict) for one in results if one.verdict != "not_applicable"]
    whole = sum(weight for weight, _ in weighed)
    met = sum(weight for weight, verdict in weighed if verdict == "pass")
    return int(100 * met / whole) if whole else None


def _result(rule: Rule, facts: Facts, attested: Mapping[str, str], words: Words) -> Result:
    finding = CHECKS[rule.check](facts, rule.parameters) if rule.check else UNKNOWN
    if attested and rule.decided_by != "machine" and not finding.is_decided:
        verdict: Verdict = "pass" if attested["answer"] == "yes" else "fail"
        if not rule.check:
            finding = Finding(verdict, {"by": attested["by"], "note": attested["note"]})
        elif verdict != finding.verdict:
            # What the machine saw stays to be read; the person's word counts.
            return Result(rule, verdict, _filled(rule, finding, words), finding.evidence, attested)
    return Result(rule, finding.verdict, _filled(rule, finding, words), finding.evidence, attested)


def _filled(rule: Rule, finding: Finding, words: Words) -> dict[str, str]:
    return in_words(rule.says.get(finding.words) or rule.says[finding.verdict], finding.evidence, words)


# --- Structure


@check(needs_tables=True)
def tables(facts: Facts, parameters: Mapping[str, Any]) -> Finding:
    """Whether there are tables, or arrays, at all."""
    del parameters
    assert facts.profile is not None
    stores = facts.profile.get("stores", ())
    arrays = {"stores": len(stores), "arrays": sum(len(store["arrays"]) for store in stores)}
    if not facts.tables:
        return Finding("pass", arrays, words="arrays") if stores else Finding("fail")
    rows = sum(table.row_count for table in facts.tables)
    found = {"tables": len(facts.tables), "rows": rows}
    return Finding("pass", {**found, **arrays}, words="both") if stores else Finding("pass", found)


@check(needs_tables=False)
def readable(facts: Facts, parameters: Mapping[str, Any]) -> Finding:
    """Files that could not be read."""
    del parameters
    if facts.profile is None:
        return UNKNOWN
    problems = facts.profile["problems"]
    if not problems:
        return Finding("pass")
    # A code for the words of each language, and the reader's own words for what exactly it met.
    shown = [
        {"path": one["path"], "code": one["code"], "reason": one["reason"]} for one in problems[:_LISTED]
    ]
    return Finding("fail", {"count": len(problems), "example": problems[0]["path"], "files": shown})


@check(needs_tables=True)
def one_schema(facts: Facts, parameters: Mapping[str, Any]) -> Finding:
    """How many sets of columns the files of one reader have."""
    del parameters
    assert facts.profile is not None
    several = {reader: count for reader, count in facts.profile["schemas"].items() if count > 1}
    if not several:
        return Finding("pass")
    reader = max(several, key=lambda name: several[name])
    return Finding("fail", {"reader": reader, "count": several[reader]})


@check(needs_tables=True)
def stable_types(facts: Facts, parameters: Mapping[str, Any]) -> Finding:
    """Columns that became wider because a cell did not fit."""
    del parameters
    assert facts.profile is not None
    changes = [change for table in facts.profile["tables"] for change in table["changes"]]
    if not changes:
        return Finding("pass")
    columns = list(dict.fromkeys(change["column"] for change in changes))
    where = changes[:_LISTED]
    return Finding(
        "fail", {"count": len(columns), "column": columns[0], "columns": columns, "changes": where}
    )


@check(needs_tables=True)
def whole_rows(facts: Facts, parameters: Mapping[str, Any]) -> Finding:
    """Lines that were passed over."""
    del parameters
    skipped = Counter[str]()
    for table in facts.tables:
        skipped.update(table.skipped_rows)
    if not skipped:
        return Finding("pass")
    files = [f"{path}: {count:,}" for path, count in skipped.most_common(_LISTED)]
    return Finding("fail", {"count": skipped.total(), "example": next(iter(skipped)), "files": files})


@check(needs_tables=True)
def text_encoding(facts: Facts, parameters: Mapping[str, Any]) -> Finding:
    """Texts in a wrong encoding."""
    del parameters
    return _none_of(facts, lambda column: column.garbled_count)


@check(needs_tables=True)
def dates(facts: Facts, parameters: Mapping[str, Any]) -> Finding:
    """Dates that read two ways."""
    del parameters
    return _none_of(facts, lambda column: column.ambiguous_date_count)


# --- Meaning and units


@check(needs_tables=True)
def units(facts: Facts, parameters: Mapping[str, Any]) -> Finding:
    """Units of columns of numbers that came out of the files; whole numbers are often counts or codes."""
    numbers = [
        (table, column)
        for table, column in columns_of(facts)
        if column.kind == "number" and not column.is_of_file
    ]
    if not numbers:
        return DOES_NOT_APPLY
    bare = [name_of(facts, table, column) for table, column in numbers if not column.unit]
    evidence = {"total": len(numbers), "count": len(numbers) - len(bare), "columns": bare}
    return Finding(
        "pass" if evidence["count"] >= parameters["least_share"] * len(numbers) else "fail", evidence
    )


@check(needs_tables=True)
def units_agree(facts: Facts, parameters: Mapping[str, Any]) -> Finding:
    """Units that differ between files."""
    del parameters
    assert facts.profile is not None
    conflicts = [
        *facts.profile["conflicts"],
        *(
            {"column": one["array"], "units": one["values"]}
            for one in facts.profile.get("array_conflicts", ())
            if one["what"] == "unit"
        ),
    ]
    if not conflicts:
        return Finding("pass")
    files_by_unit = {unit or "no_unit": count for unit, count in conflicts[0]["units"]}
    columns = [one["column"] for one in conflicts]
    return Finding("fail", {"column": columns[0], "units": files_by_unit, "columns": columns})


@check(needs_tables=True)
def column_words(facts: Facts, parameters: Mapping[str, Any]) -> Finding:
    """Words that explain the columns."""
    columns = [column for _, column in columns_of(facts)]
    count = sum(bool(column.description) for column in columns)
    evidence = {"total": len(columns), "count": count}
    return Finding("pass" if count >= parameters["least_share"] * len(columns) else "fail", evidence)


# --- Quality


@check(needs_tables=True)
def missing(facts: Facts, parameters: Mapping[str, Any]) -> Finding:
    """Shares of empty cells."""
    most = parameters["most_share"]
    shares = {
        name_of(facts, table, column): (column.null_count + column.nan_count) / table.row_count
        for table, column in columns_of(facts)
        if table.row_count
    }
    highest = max(shares.values(), default=0.0)
    over = [name for name, share in shares.items() if share > most]
    evidence = {"percent": percent(highest), "limit": percent(most), "columns": over}
    return Finding("fail" if over else "pass", evidence)


@check(needs_tables=True)
def finite(facts: Facts, parameters: Mapping[str, Any]) -> Finding:
    """Infinite values."""
    del parameters
    return _none_of(facts, lambda column: column.infinite_count)


@check(needs_tables=True)
def ranges(facts: Facts, parameters: Mapping[str, Any]) -> Finding:
    """Shares of values far from the others; what is right may lie there."""
    shares = {
        name_of(facts, table, column): column.outlier_share
        for table, column in columns_of(facts)
        if column.outlier_share is not None and not column.is_of_file
    }
    if not shares:
        return DOES_NOT_APPLY
    over = [name for name, share in shares.items() if share > parameters["most_share"]]
    evidence = {"percent": percent(max(shares.values())), "columns": over}
    return Finding("fail" if over else "pass", evidence)


@check(needs_tables=True)
def constant(facts: Facts, parameters: Mapping[str, Any]) -> Finding:
    """Columns that never change."""
    del parameters
    # A single scan in each file is no fault of the data, nor is one condition for a whole series.
    alone = [
        name_of(facts, table, column)
        for table, column in columns_of(facts)
        if column.distinct_count is not None
        and column.distinct_count <= 1
        and table.row_count > _FEW_ROWS
        and not column.is_of_file
        and column.name != formats.SCAN_COLUMN
    ]
    return Finding("fail" if alone else "pass", {"columns": alone})


@check(needs_tables=True)
def duplicates(facts: Facts, parameters: Mapping[str, Any]) -> Finding:
    """Rows and files that say the same."""
    count = sum(table.duplicate_row_count for table in facts.tables)
    looked_at = sum(table.hashed_rows for table in facts.tables)
    twins = [pair for table in facts.tables for pair in table.twin_files]
    evidence = {"count": count, "twins": len(twins), "files": [" = ".join(pair) for pair in twins[:20]]}
    is_much = count > parameters["most_share"] * looked_at
    return Finding("fail" if is_much or twins else "pass", evidence)


# --- People


@check(needs_tables=True)
def personal(facts: Facts, parameters: Mapping[str, Any]) -> Finding:
    """What the recognisers found."""
    del parameters
    hits = {
        name_of(facts, table, column): column.personal
        for table, column in columns_of(facts)
        if column.personal
    }
    if not hits:
        return Finding("pass")
    kinds = Counter[str]()
    for found in hits.values():
        kinds.update(found)
    evidence = {"columns": list(hits), "count": kinds.total(), "kinds": dict(kinds.most_common())}
    return Finding("fail", evidence)


@check(needs_tables=False)
def personal_label(facts: Facts, parameters: Mapping[str, Any]) -> Finding:
    """Whether somebody decided the label."""
    del parameters
    if facts.personal == "undecided":
        return Finding("fail")
    return Finding("pass", {"level": facts.personal})


# --- Rights and provenance


@check(needs_tables=False)
def licence(facts: Facts, parameters: Mapping[str, Any]) -> Finding:
    """The licence in the description."""
    del parameters
    named = str(facts.said.get("licence") or "").strip()
    return Finding("pass", {"licence": named}) if named else Finding("fail")


@check(needs_tables=False)
def ai_terms(facts: Facts, parameters: Mapping[str, Any]) -> Finding:
    """Terms for AI that somebody set here or at a source."""
    del parameters
    return Finding("pass" if facts.has_ai_terms else "fail")


@check(needs_tables=False)
def documentation(facts: Facts, parameters: Mapping[str, Any]) -> Finding:
    """What a reader needs first."""
    del parameters
    wanted = {
        "title": ("title", "title_ja", "title_en"),
        "description": ("description", "description_ja", "description_en"),
        "creators": ("creators",),
    }
    gaps = [name for name, any_of in wanted.items() if not any(facts.said.get(one) for one in any_of)]
    return Finding("fail" if gaps else "pass", {"missing": gaps})


@check(needs_tables=False)
def provenance(facts: Facts, parameters: Mapping[str, Any]) -> Finding:
    """Runs that brought the data here."""
    del parameters
    return Finding("pass" if facts.run_count else "fail", {"count": facts.run_count})


# --- What several of them ask


def columns_of(facts: Facts) -> list[tuple[formats.TableProfile, formats.ColumnProfile]]:
    """Every column with its table."""
    return [(table, column) for table in facts.tables for column in table.columns]


def name_of(facts: Facts, table: formats.TableProfile, column: formats.ColumnProfile) -> str:
    """What a column is called where there are several tables."""
    return column.name if len(facts.tables) == 1 else f"{table.name}.{column.name}"


def _none_of(facts: Facts, count: Callable[[formats.ColumnProfile], int]) -> Finding:
    hits = {name_of(facts, table, column): n for table, column in columns_of(facts) if (n := count(column))}
    return Finding("fail" if hits else "pass", {"columns": list(hits), "count": sum(hits.values())})


def percent(share: float) -> str:
    """A share with three digits."""
    return f"{100 * share:.3g}"
