"""Use of data by AI: terms of datasets, the register of services, the checklist, checks and answers."""

from __future__ import annotations

from typing import Any, Literal

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from tsunagu.core.errors import InvalidInputError
from tsunagu.data.ai_use import api as ai_use
from tsunagu.data.datasets import api as datasets
from tsunagu.doors.rest.openapi import Input
from tsunagu.doors.who import actor_of, require_actor
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy

router = Router(tags=["ai use"])


class NewTerms(Input):
    """Terms that somebody sets; a use that is left out is ``ask``. ``release``: uses to free from the sources."""

    uses: dict[str, str] = Field(default_factory=dict)
    limits: list[str] = Field(default_factory=list)
    countries: list[str] | None = None
    until: str | None = None
    reason: str = ""
    release: list[str] = Field(default_factory=list)


class TermsAnswer(Schema):
    """Terms that hold, what was set here, and which sources are stricter."""

    uses: dict[str, str]
    limits: list[str]
    countries: list[str] | None
    until: str | None
    own: dict[str, Any]
    is_default: bool
    inherited: dict[str, list[str]]


class Use(Input):
    """A use by a service; kind: inference, training, release_weights or index; version 0: the newest state."""

    service: str = "local"
    purpose: str
    kind: str = "inference"
    version: int = Field(default=0, ge=0, lt=2**31)


class NewAnswer(Use):
    """An answer of a person to an item about a use."""

    item: str
    answer: Literal["yes", "no"]
    note: str = ""


class ItemRow(Schema):
    """An item of the checklist and how it came out."""

    id: str
    ask: dict[str, str]
    found: str
    answer: str
    by: str
    basis: dict[str, str]
    remedy: dict[str, str]
    who: list[str]
    may_answer: bool
    note: str
    answered_until: str


class VerdictAnswer(Schema):
    """allow, needs or deny, with everything that it rests on."""

    answer: str
    reasons: list[str]
    basis: str
    remedies: list[str]
    items: list[ItemRow]
    facts_hash: str
    checklist: str
    run: str


class CheckRow(Schema):
    """A check of the past."""

    run: str
    service: str
    kind: str
    purpose: str
    answer: str
    asked_by: str
    asked_at: str


class CheckList(Schema):
    """Checks, newest first."""

    checks: list[CheckRow]


class NewService(Input):
    """Facts about an AI service; what is left out is unknown."""

    title: str = ""
    operator: str = ""
    countries: list[str] = Field(default_factory=list)
    law: str = ""
    keeps: str = "unknown"
    retention_days: int | None = None
    trains: str = "unknown"
    human_review: str = "unknown"
    sub_processors: str = "unknown"
    contract: str = ""
    erasable: str = "unknown"
    valid_until: str


class ServiceRow(Schema):
    """A service with the facts in force."""

    name: str
    title: str
    operator: str
    is_local: bool
    revision: int
    countries: list[str]
    law: str
    keeps: str
    retention_days: int | None
    trains: str
    human_review: str
    sub_processors: str
    contract: str
    erasable: str
    valid_until: str | None
    written_at: str


class ServiceList(Schema):
    """The register."""

    services: list[ServiceRow]


class ChecklistText(Input):
    """A checklist as YAML."""

    text: str
    note: str = ""


class ChecklistAnswer(Schema):
    """The checklist in force."""

    version: str
    source: str
    dated: str
    items: list[str]
    text: str


def _card(request: HttpRequest, project: str, dataset: str) -> tuple[Actor, datasets.DatasetCard]:
    actor = require_actor(request)
    card = datasets.get_dataset(actor, project, dataset)
    policy.require(actor, "dataset.ai_use", card.resource)
    return actor, card


def _terms_row(actor: Actor, card: datasets.DatasetCard, found: ai_use.TermsCard) -> dict[str, Any]:
    return {
        **ai_use.as_json(found.terms),
        "own": ai_use.as_json(found.own),
        "is_default": found.is_default,
        "inherited": {use: names for use, names in ai_use.source_names(actor, card, found).items() if names},
    }


@router.get("/datasets/{project}/{dataset}/ai-terms", response=TermsAnswer)
def get_terms(request: HttpRequest, project: str, dataset: str, version: int | None = None) -> Any:
    """What AI may do with the dataset; with ``version`` the terms that stood when it was frozen."""
    actor = actor_of(request)
    card = datasets.get_dataset(actor, project, dataset)
    policy.require(actor, "dataset.ai_use", card.resource)
    if version is None:
        return _terms_row(actor, card, ai_use.terms_of(card))
    stood = ai_use.terms_of_version(card, version)
    return _terms_row(actor, card, ai_use.TermsCard(stood, stood, is_default=False))


@router.put("/datasets/{project}/{dataset}/ai-terms", response=TermsAnswer)
def put_terms(request: HttpRequest, project: str, dataset: str, body: NewTerms) -> Any:
    """Set what AI may do with the dataset; looser than its sources needs a reason."""
    actor, card = _card(request, project, dataset)
    terms = ai_use.parse(body.dict(exclude={"reason", "release"}))
    return _terms_row(
        actor, card, ai_use.set_terms(actor, card, terms, reason=body.reason, release=body.release)
    )


@router.get("/datasets/{project}/{dataset}/ai-terms/croissant")
def get_croissant(request: HttpRequest, project: str, dataset: str) -> Any:
    """The terms as DUO codes and an ODRL offer in a fragment of Croissant 1.1."""
    actor = actor_of(request)
    card = datasets.get_dataset(actor, project, dataset)
    policy.require(actor, "dataset.ai_use", card.resource)
    return {**ai_use.to_croissant(ai_use.terms_of(card).terms), "name": card.slug}


class Description(Input):
    """A Croissant description, as JSON."""

    croissant: dict[str, Any]
    reason: str = ""


@router.put("/datasets/{project}/{dataset}/ai-terms/croissant", response=TermsAnswer)
def put_croissant(request: HttpRequest, project: str, dataset: str, body: Description) -> Any:
    """Set the terms from the ``usageInfo`` of a Croissant description; what it does not say is ``ask``."""
    actor, card = _card(request, project, dataset)
    terms = ai_use.from_croissant(body.croissant)
    return _terms_row(actor, card, ai_use.set_terms(actor, card, terms, reason=body.reason))


def _verdict_row(verdict: ai_use.Verdict) -> dict[str, Any]:
    return {
        "answer": verdict.answer,
        "reasons": list(verdict.reasons),
        "basis": verdict.basis,
        "remedies": list(verdict.remedies),
        "facts_hash": verdict.facts_hash,
        "checklist": verdict.checklist,
        "run": verdict.run_id,
        "items": [
            {
                "id": one.item.id,
                "ask": dict(one.item.ask),
                "found": one.found,
                "answer": one.answer,
                "by": one.by,
                "basis": dict(one.item.basis),
                "remedy": dict(one.item.remedy),
                "who": list(one.item.who),
                "may_answer": one.may_answer,
                "note": one.person.note if one.person else "",
                "answered_until": one.person.until if one.person else "",
            }
            for one in verdict.items
        ],
    }


@router.post("/datasets/{project}/{dataset}/ai-use", response=VerdictAnswer)
def check_use(request: HttpRequest, project: str, dataset: str, body: Use) -> Any:
    """Whether a service may use the dataset: allow, needs or deny, kept as a run with its evidence."""
    actor, card = _card(request, project, dataset)
    return _verdict_row(ai_use.check_use(actor, card, **body.dict()))


@router.post("/datasets/{project}/{dataset}/ai-use/answers", response=VerdictAnswer)
def answer(request: HttpRequest, project: str, dataset: str, body: NewAnswer) -> Any:
    """Answer an item that the machine cannot, then check again."""
    actor, card = _card(request, project, dataset)
    use = body.dict(include={"service", "purpose", "kind", "version"})
    ai_use.answer_item(actor, card, item=body.item, is_yes=body.answer == "yes", note=body.note, **use)
    return _verdict_row(ai_use.check_use(actor, card, **use))


@router.get("/datasets/{project}/{dataset}/ai-use", response=CheckList)
def list_checks(request: HttpRequest, project: str, dataset: str, limit: int = 50) -> Any:
    """Checks of the dataset, newest first; for those who may see the draft."""
    actor = require_actor(request)
    card = datasets.get_dataset(actor, project, dataset)
    policy.require(actor, "dataset.read_draft", card.resource)
    if not 1 <= limit <= _MOST_CHECKS:
        raise InvalidInputError(f"limit is 1 to {_MOST_CHECKS}.", remedy="Ask for fewer.")
    return {
        "checks": [
            {
                "run": one.run_id,
                "service": one.service,
                "kind": one.kind,
                "purpose": one.purpose,
                "answer": one.answer,
                "asked_by": one.asked_by,
                "asked_at": one.asked_at,
            }
            for one in ai_use.history(card, limit=limit)
        ]
    }


_MOST_CHECKS = 200


def _service_row(service: ai_use.Service) -> dict[str, Any]:
    shown = {name: getattr(service, name) for name in ServiceRow.model_fields}
    shown["countries"] = list(service.countries)
    shown["valid_until"] = service.valid_until.isoformat() if service.valid_until else None
    return shown


@router.get("/ai-services", response=ServiceList)
def list_services(request: HttpRequest) -> Any:
    """The register of AI services."""
    require_actor(request)
    return {"services": [_service_row(one) for one in ai_use.services()]}


@router.put("/ai-services/{name}", response=ServiceRow)
def put_service(request: HttpRequest, name: str, body: NewService) -> Any:
    """Enter a service, or new facts about it; for officers."""
    facts = body.dict(exclude={"valid_until"})
    return _service_row(
        ai_use.write_service(require_actor(request), name, facts, valid_until=body.valid_until)
    )


def _checklist() -> dict[str, Any]:
    found = ai_use.current_checklist()
    return {
        "version": found.version,
        "source": found.source,
        "dated": found.dated,
        "items": [item.id for item in found.items],
        "text": ai_use.current_text(),
    }


@router.get("/ai-checklist", response=ChecklistAnswer)
def get_checklist(request: HttpRequest) -> Any:
    """The checklist in force."""
    require_actor(request)
    return _checklist()


@router.put("/ai-checklist", response=ChecklistAnswer)
def put_checklist(request: HttpRequest, body: ChecklistText) -> Any:
    """Put another checklist in force; for officers."""
    ai_use.write_checklist(require_actor(request), body.text, note=body.note)
    return _checklist()
