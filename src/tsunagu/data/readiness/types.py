"""What the room hands out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Verdict = Literal["pass", "fail", "unknown", "not_applicable"]
State = Literal["waiting", "working", "done", "failed"]


@dataclass(frozen=True, slots=True)
class PreparationCard:
    """How far a version is with being made AI-ready.

    Attributes:
        derived: ``PROJECT/DATASET`` of what was made; empty while there is none.
        derived_number: Its version.
        reason: Why it failed, in words.
    """

    run_id: str
    dataset_id: str
    number: int
    state: State
    reason: str
    done_bytes: int
    total_bytes: int
    derived_id: str
    derived: str
    derived_number: int
    asked_at: str
    ended_at: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One criterion of a rule set; texts are {ja, en}.

    Attributes:
        check: The function of ``judging`` that decides; empty where only people do.
        decided_by: ``machine``, ``proposed`` (a machine proposes, a person signs) or ``attested`` (people alone).
        weight: In the score; 0 counts nothing.
        says: Verdict -> what the card says, with places for the evidence.
        page: The page of the dataset on which it is repaired; empty where that is done to the files.
        parameters: What the check needs to know, such as a limit.
    """

    id: str
    group: str
    check: str
    decided_by: Literal["machine", "proposed", "attested"]
    weight: float
    title: Mapping[str, str]
    repair: Mapping[str, str]
    source: str
    says: Mapping[str, Mapping[str, str]]
    page: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Criteria with the date they are from; ``version`` is the hash of the text.

    ``words`` translates words of the evidence.
    """

    id: str
    dated: str
    version: str
    title: Mapping[str, str]
    source: str
    groups: Mapping[str, Mapping[str, str]]
    words: Mapping[str, Mapping[str, str]]
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """How one criterion came out.

    Attributes:
        says: Why, as {ja, en}.
        evidence: What it rests on: numbers, names of columns and files; never a value that may be personal.
        attested: Who attested it and when; empty for what machines decided.
    """

    rule: Rule
    verdict: Verdict
    says: Mapping[str, str]
    evidence: Mapping[str, Any] = field(default_factory=dict)
    attested: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GroupScore:
    """A group of criteria. ``score`` runs from 0 to 100; None where nothing in it applies."""

    id: str
    title: Mapping[str, str]
    score: int | None
    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class ChoiceCard:
    """What somebody chose about the tables.

    Attributes:
        name: ``KIND:COLUMN=VALUE``, as it is given to the command line.
        says: What it does, as {ja, en}.
        is_applied: Whether the tables that the card shows were made by it.
    """

    id: str
    name: str
    kind: str
    column: str
    value: str
    says: Mapping[str, str]
    note: str
    by: str
    chosen_at: str
    run_id: str
    is_applied: bool


@dataclass(frozen=True, slots=True)
class Repair:
    """Something that a click repairs; texts are {ja, en}.

    Attributes:
        name: ``KIND:COLUMN=VALUE``, as it is given to the command line.
        rule: The criterion that it serves.
        title: What it does.
        changes: What will be different, with numbers.
        is_open: Whether a person has to fill in the value; ``value`` is then a suggestion.
    """

    name: str
    kind: str
    column: str
    value: str
    rule: str
    title: Mapping[str, str]
    changes: Mapping[str, str]
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class ReadinessCard:
    """What a version still lacks for AI to use it.

    Attributes:
        score: Of all criteria that apply, 0 to 100; what is unknown counts as not met.
        is_prepared: Whether the tables were made; without them what is in the data is unknown.
        profile: The tables as the conversion saw them (the file ``profile.json`` of what was made).
        repairs: What a click repairs, for those who may describe the dataset; the criteria in their order.
        choices: What was chosen about the tables and is in force.
        is_outdated: Whether tables made now would be made otherwise: by other choices, or by a newer converter.
    """

    dataset: str
    number: int
    version_hash: str
    rules_id: str
    rules_dated: str
    rules_version: str
    score: int
    counts: Mapping[str, int]
    groups: tuple[GroupScore, ...]
    is_prepared: bool
    preparation: PreparationCard | None
    profile: Mapping[str, Any] = field(default_factory=dict)
    repairs: tuple[Repair, ...] = ()
    choices: tuple[ChoiceCard, ...] = ()
    is_outdated: bool = False
