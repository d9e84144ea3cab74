"""Who may do what: roles on projects and datasets, and what the rules say."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router, Status

from tsunagu.core.errors import InvalidInputError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.sharing import api as sharing
from tsunagu.doors.rest import schemas
from tsunagu.doors.who import actor_of, require_actor
from tsunagu.experiment.instruments import api as instruments
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy

router = Router(tags=["sharing"])


def member_rows(members: list[policy.Member]) -> list[dict[str, Any]]:
    """Members with the names that people know."""
    people = identity.people(member.subject_id for member in members)
    machines = instruments.names(
        member.subject_id for member in members if member.subject_kind == "instrument"
    )
    return [
        {
            "kind": member.subject_kind,
            "id": member.subject_id,
            "name": people[member.subject_id].name
            if member.subject_id in people
            else machines.get(member.subject_id, member.subject_id),
            "role": str(member.role),
            "expires_at": member.expires_at,
        }
        for member in members
    ]


def _members(scope: sharing.Scope) -> dict[str, Any]:
    return {"members": member_rows(policy.members(scope.resource))}


def _give(actor: Actor, scope: sharing.Scope, body: schemas.NewMember) -> dict[str, Any]:
    sharing.share(
        actor, scope, role=body.role, email=body.email, instrument=body.instrument, until=body.until
    )
    return _members(scope)


@router.get("/projects/{project}/members", response=schemas.MemberList)
def list_members(request: HttpRequest, project: str) -> Any:
    """Everybody with a role on the project."""
    return _members(datasets.get_project(actor_of(request), project))


@router.put("/projects/{project}/members", response=schemas.MemberList)
def put_member(request: HttpRequest, project: str, body: schemas.NewMember) -> Any:
    """Give somebody a role on the project, replacing the one before."""
    actor = require_actor(request)
    return _give(actor, datasets.get_project(actor, project), body)


@router.delete("/projects/{project}/members/{member}", response=schemas.MemberList)
def delete_member(request: HttpRequest, project: str, member: str) -> Any:
    """Take somebody's role (by ULID or address) on the project away."""
    actor = require_actor(request)
    card = datasets.get_project(actor, project)
    sharing.unshare(actor, card, member)
    return _members(card)


@router.get("/datasets/{project}/{dataset}/members", response=schemas.MemberList)
def list_dataset_members(request: HttpRequest, project: str, dataset: str) -> Any:
    """Everybody with a role on this dataset alone; for those who may see the draft."""
    actor = actor_of(request)
    card = datasets.get_dataset(actor, project, dataset)
    policy.require(actor, "dataset.read_draft", card.resource)
    return _members(card)


@router.put("/datasets/{project}/{dataset}/members", response=schemas.MemberList)
def put_dataset_member(request: HttpRequest, project: str, dataset: str, body: schemas.NewMember) -> Any:
    """Give somebody a role on this dataset alone, replacing the one before."""
    actor = require_actor(request)
    return _give(actor, datasets.get_dataset(actor, project, dataset), body)


@router.delete("/datasets/{project}/{dataset}/members/{member}", response=schemas.MemberList)
def delete_dataset_member(request: HttpRequest, project: str, dataset: str, member: str) -> Any:
    """Take somebody's role (by ULID or address) on this dataset away."""
    actor = require_actor(request)
    card = datasets.get_dataset(actor, project, dataset)
    sharing.unshare(actor, card, member)
    return _members(card) if policy.decide(actor, "dataset.read_draft", card.resource) else {"members": []}


@router.get("/decide", response=schemas.DecisionAnswer)
def decide(
    request: HttpRequest, action: str, place: str, about: Annotated[str, Query(alias="as")] = ""
) -> Any:
    """What the rules say to an action on PROJECT/DATASET or PROJECT; ``as`` asks about somebody else (by address)."""
    actor = actor_of(request)
    project, _, dataset = place.partition("/")
    scope: sharing.Scope
    scope = datasets.get_dataset(actor, project, dataset) if dataset else datasets.get_project(actor, project)
    found = sharing.explain(actor, scope, action, email=about)
    return {
        "action": found.action,
        "place": place,
        "about": found.person.id if found.person else "",
        "answer": found.decision.effect,
        "reasons": list(found.decision.reasons),
        "basis": found.decision.basis,
        "remedy": found.decision.remedy,
    }


def _request_row(card: sharing.RequestCard) -> dict[str, Any]:
    return {
        "id": card.id,
        "place": card.place,
        "asker": card.asker.name if card.asker else "",
        "email": card.asker.email if card.asker else "",
        "role": card.role,
        "reason": card.reason,
        "asked_at": card.asked_at,
        "state": card.state,
        "answer": card.answer,
    }


def _requests(actor: Actor) -> dict[str, Any]:
    return {
        "waiting": [_request_row(card) for card in sharing.to_answer(actor, limit=200)],
        "own": [_request_row(card) for card in sharing.own(actor, limit=200)],
    }


@router.get("/requests", response=schemas.RequestList)
def list_requests(request: HttpRequest) -> Any:
    """Requests for access that wait for one's answer, and one's own."""
    return _requests(require_actor(request))


@router.post("/requests", response={201: schemas.RequestRow})
def ask(request: HttpRequest, body: schemas.NewRequest) -> Any:
    """Ask the owners of a dataset for a role; the answer is the same whether there is such a dataset or not."""
    project, _, dataset = body.place.partition("/")
    card = sharing.ask(require_actor(request), project, dataset, reason=body.reason, role=body.role)
    return Status(201, _request_row(card))


@router.post("/requests/{asked}", response=schemas.RequestList)
def answer_request(request: HttpRequest, asked: str, body: schemas.RequestAnswer) -> Any:
    """Approve or decline a request, or withdraw one's own."""
    actor = require_actor(request)
    if body.answer == "approve":
        sharing.approve(actor, asked, role=body.role, until=body.until, words=body.words)
    elif body.answer == "decline":
        sharing.decline(actor, asked, words=body.words)
    elif body.answer == "withdraw":
        sharing.withdraw(actor, asked)
    else:
        raise InvalidInputError(f"{body.answer!r} is no answer.", remedy="Use approve, decline or withdraw.")
    return _requests(actor)


def _labels(card: datasets.DatasetCard) -> dict[str, Any]:
    return {
        "labels": [
            {
                "name": one.name,
                "value": one.value,
                "level": one.level,
                "levels": list(one.levels),
                "run": one.run_id if card.sees_draft else "",
            }
            for one in datasets.labels(card)
        ]
    }


@router.get("/datasets/{project}/{dataset}/labels", response=schemas.LabelList)
def list_labels(request: HttpRequest, project: str, dataset: str) -> Any:
    """What the dataset must be treated as."""
    actor = actor_of(request)
    card = datasets.get_dataset(actor, project, dataset)
    policy.require(actor, "dataset.read", card.resource)
    return _labels(card)


@router.put("/datasets/{project}/{dataset}/labels", response=schemas.LabelList)
def put_label(request: HttpRequest, project: str, dataset: str, body: schemas.NewLabel) -> Any:
    """Put a label on the dataset; making it less strict needs an owner and a reason."""
    actor = require_actor(request)
    card = datasets.get_dataset(actor, project, dataset)
    datasets.set_label(actor, card, body.name, body.value, reason=body.reason)
    return _labels(card)


@router.get("/policy/{layer}", response=schemas.PolicyText)
def show_policy(request: HttpRequest, layer: str) -> Any:
    """The text of a layer (law, funder, institution); the base layer is what the program came with."""
    require_actor(request)
    found = policy.history(layer, limit=1)
    text = policy.base_text() if layer == "base" else found[0].text if found else ""
    return {"layer": layer, "text": text, "note": found[0].note if found else ""}


@router.put("/policy/{layer}", response=schemas.PolicyText)
def write_policy(request: HttpRequest, layer: str, body: schemas.NewPolicyText) -> Any:
    """Put another text of a layer in force; refused when a rule permits or cannot become a filter of lists."""
    sharing.write_rules(require_actor(request), layer, body.text, note=body.note)
    return {"layer": layer, "text": body.text, "note": body.note}


@router.post("/policy/{layer}/try", response=schemas.EffectList)
def try_policy(request: HttpRequest, layer: str, body: schemas.NewPolicyText) -> Any:
    """Who would gain, who would lose with another text of a layer; changes nothing."""
    return {"effects": [asdict(one) for one in sharing.try_rules(require_actor(request), layer, body.text)]}
