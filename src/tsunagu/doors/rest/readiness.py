"""Making a version AI-ready, and the card that says what it still lacks."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from tsunagu.data.datasets import api as datasets
from tsunagu.data.readiness import api as readiness
from tsunagu.doors.rest.openapi import Input
from tsunagu.doors.who import actor_of, require_actor

router = Router(tags=["readiness"])


class NewPreparation(Input):
    """Which frozen version (0: the newest), and whether its pictures are wanted as WebDataset shards, too (null: as the last time)."""

    version: int = Field(default=0, ge=0, lt=2**31)
    shards: bool | None = None


class NewAttestation(Input):
    """A person's word on a criterion."""

    rule: str
    answer: Literal["yes", "no"]
    note: str = ""


class NewRepair(Input):
    """A repair, as the card offers it: what it does, to which column, with which value."""

    kind: str
    column: str = ""
    value: str = ""
    note: str = ""


class PreparationRow(Schema):
    """How far it is; `state`: waiting, working, done or failed. `derived` is the dataset that was made."""

    run: str
    version: int
    state: str
    reason: str
    done_bytes: int
    total_bytes: int
    derived: str
    derived_version: int
    asked_at: str
    ended_at: str


class ResultRow(Schema):
    """How a criterion came out; texts are `{en, ja}`."""

    rule: str
    decided_by: str
    weight: float
    source: str
    title: dict[str, str]
    verdict: str = Field(description="pass, fail, unknown or not_applicable")
    says: dict[str, str]
    repair: dict[str, str]
    evidence: dict[str, Any]
    attested: dict[str, str]


class ReadinessGroup(Schema):
    """A group of criteria; `score` from 0 to 100, null where nothing applies."""

    id: str
    title: dict[str, str]
    score: int | None
    results: list[ResultRow]


class RepairRow(Schema):
    """What a click repairs; texts are `{en, ja}`. `is_open`: a person has to fill in the value."""

    name: str
    kind: str
    column: str
    value: str
    rule: str
    title: dict[str, str]
    changes: dict[str, str]
    is_open: bool


class ChoiceRow(Schema):
    """What somebody chose about the tables; `is_applied`: the tables of this card were made by it."""

    id: str
    name: str
    kind: str
    column: str
    value: str
    says: dict[str, str]
    note: str
    by: str
    chosen_at: str
    run_id: str
    is_applied: bool


class CardAnswer(Schema):
    """The readiness card of a version. `profile` is what the conversion saw in the tables.

    `is_outdated`: made now, the tables would come out otherwise.
    """

    dataset: str
    version: int
    version_hash: str
    rules: dict[str, str]
    score: int
    counts: dict[str, int]
    groups: list[ReadinessGroup]
    is_prepared: bool
    preparation: PreparationRow | None
    profile: dict[str, Any]
    repairs: list[RepairRow]
    choices: list[ChoiceRow]
    is_outdated: bool


class AttestationAnswer(Schema):
    """The run that was recorded."""

    run: str


@router.post("/datasets/{project}/{dataset}/readiness", response=PreparationRow)
def start(request: HttpRequest, project: str, dataset: str, body: NewPreparation) -> Any:
    """Make a frozen version AI-ready; asked again for the same version, the same answer comes back."""
    actor = require_actor(request)
    card = datasets.get_dataset(actor, project, dataset)
    return _preparation(readiness.start(actor, card, version=body.version or None, shards=body.shards))


@router.get("/datasets/{project}/{dataset}/readiness", response=CardAnswer)
def get_card(request: HttpRequest, project: str, dataset: str, version: int = 0) -> Any:
    """The readiness card of a frozen version, the newest without a number, judged now."""
    actor = actor_of(request)
    found = readiness.card(actor, datasets.get_dataset(actor, project, dataset), version=version or None)
    return {
        "dataset": found.dataset,
        "version": found.number,
        "version_hash": found.version_hash,
        "rules": {"id": found.rules_id, "dated": found.rules_dated, "version": found.rules_version},
        "score": found.score,
        "counts": dict(found.counts),
        "groups": [
            {
                "id": group.id,
                "title": dict(group.title),
                "score": group.score,
                "results": [_result(one) for one in group.results],
            }
            for group in found.groups
        ],
        "is_prepared": found.is_prepared,
        "preparation": _preparation(found.preparation) if found.preparation else None,
        "profile": found.profile,
        "repairs": [asdict(one) for one in found.repairs],
        "choices": [asdict(one) for one in found.choices],
        "is_outdated": found.is_outdated,
    }


@router.get("/datasets/{project}/{dataset}/readiness/preparation", response=PreparationRow)
def get_preparation(request: HttpRequest, project: str, dataset: str, version: int = 0) -> Any:
    """How far it is, for whoever waits; nothing is judged."""
    actor = actor_of(request)
    card = datasets.get_dataset(actor, project, dataset)
    return _preparation(readiness.preparation(actor, card, version=version or None))


@router.put("/datasets/{project}/{dataset}/readiness/attestations", response=AttestationAnswer)
def attest(request: HttpRequest, project: str, dataset: str, body: NewAttestation) -> Any:
    """Say whether a criterion is met that people decide or may sign; a run."""
    actor = require_actor(request)
    card = datasets.get_dataset(actor, project, dataset)
    return {"run": readiness.attest(actor, card, body.rule, body.answer, note=body.note)}


@router.post("/datasets/{project}/{dataset}/readiness/repairs", response=CardAnswer)
def repair(request: HttpRequest, project: str, dataset: str, body: NewRepair) -> Any:
    """Choose a repair; the next conversion applies it. Answers with the card."""
    actor = require_actor(request)
    card = datasets.get_dataset(actor, project, dataset)
    readiness.repair(actor, card, body.kind, column=body.column, value=body.value, note=body.note)
    return get_card(request, project, dataset)


@router.delete("/datasets/{project}/{dataset}/readiness/choices/{choice}", response=CardAnswer)
def take_back(request: HttpRequest, project: str, dataset: str, choice: str) -> Any:
    """Take a choice back; the next conversion no longer applies it. Answers with the card."""
    actor = require_actor(request)
    readiness.take_back(actor, datasets.get_dataset(actor, project, dataset), choice)
    return get_card(request, project, dataset)


def _preparation(card: readiness.PreparationCard) -> dict[str, Any]:
    found = asdict(card)
    return {
        **found,
        "run": card.run_id,
        "version": card.number,
        "derived_version": card.derived_number,
    }


def _result(one: readiness.Result) -> dict[str, Any]:
    return {
        "rule": one.rule.id,
        "decided_by": one.rule.decided_by,
        "weight": one.rule.weight,
        "source": one.rule.source,
        "title": dict(one.rule.title),
        "verdict": one.verdict,
        "says": dict(one.says),
        "repair": dict(one.rule.repair),
        "evidence": dict(one.evidence),
        "attested": dict(one.attested),
    }
