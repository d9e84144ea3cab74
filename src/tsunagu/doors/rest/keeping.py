"""Keeping: retention and legal holds."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from ninja import Router, Status

from tsunagu.data.datasets import api as datasets
from tsunagu.data.keeping import api as keeping
from tsunagu.doors.rest import keeping_schemas as schemas
from tsunagu.doors.who import actor_of, require_actor
from tsunagu.foundation.identity.api import Actor

router = Router(tags=["keeping"])


def _keeping(actor: Actor, card: datasets.DatasetCard) -> dict[str, Any]:
    found = keeping.keeping_of(actor, card)
    return {
        "keep_until": found.keep_until or None,
        "retentions": [asdict(one) for one in found.retentions],
        "is_held": found.is_held,
        "holds": [asdict(one) for one in found.holds],
        "copies": found.copies,
        "read_since": found.read_since or None,
    }


@router.get("/datasets/{project}/{dataset}/keeping", response=schemas.Keeping)
def show(request: HttpRequest, project: str, dataset: str) -> Any:
    """Until when the dataset is kept, what holds it, whether it is copied."""
    actor = actor_of(request)
    return _keeping(actor, datasets.get_dataset(actor, project, dataset))


@router.put("/datasets/{project}/{dataset}/retention", response=schemas.Keeping)
def retain(request: HttpRequest, project: str, dataset: str, body: schemas.NewRetention) -> Any:
    """Keep the dataset or a version through a day; it can be prolonged and never shortened."""
    actor = require_actor(request)
    card = datasets.get_dataset(actor, project, dataset)
    keeping.retain(actor, card, until=body.until, version=body.version, reason=body.reason)
    return _keeping(actor, card)


@router.get("/holds", response=schemas.HoldList)
def list_holds(request: HttpRequest) -> Any:
    """Every legal hold of the node, for its officers."""
    return {"holds": [asdict(one) for one in keeping.list_holds(require_actor(request))]}


@router.post("/holds", response={201: schemas.HoldRow})
def place_hold(request: HttpRequest, body: schemas.NewHold) -> Any:
    """Forbid that a dataset, or anything in a project, is destroyed or loses files."""
    return Status(201, asdict(keeping.place_hold(require_actor(request), body.place, reason=body.reason)))


@router.delete("/holds/{hold}", response=schemas.HoldRow)
def lift_hold(request: HttpRequest, hold: str, body: schemas.Removal) -> Any:
    """Lift a legal hold, with a reason."""
    return asdict(keeping.lift_hold(require_actor(request), hold, reason=body.reason))


def _handover(found: keeping.Handover | None) -> dict[str, Any]:
    if found is None:
        return {"run": "", "projects": 0, "datasets": 0, "guests": 0}
    return {
        "run": found.run_id,
        "projects": len(found.projects),
        "datasets": len(found.datasets),
        "guests": found.guest_count,
    }


@router.post("/accounts/succeed", response=schemas.HandoverRow)
def succeed(request: HttpRequest, body: schemas.Succession) -> Any:
    """Hand over all that somebody owns: projects, datasets, guests, instruments, plans; for administrators."""
    actor = require_actor(request)
    return _handover(keeping.succeed(actor, body.giver, body.successor, reason=body.reason))


@router.post("/accounts/close", response=schemas.HandoverRow)
def close_account(request: HttpRequest, body: schemas.Closing) -> Any:
    """Close an account (an administrator's act, or one's own); who alone owns data needs a successor."""
    actor = require_actor(request)
    return _handover(keeping.close_account(actor, body.email, successor=body.successor, reason=body.reason))


@router.post("/accounts/reopen", response=schemas.Reopened)
def reopen_account(request: HttpRequest, body: schemas.Reopening) -> Any:
    """Open a closed account again; its tokens stay dead. For administrators."""
    keeping.reopen_account(require_actor(request), body.email, reason=body.reason)
    return {"email": body.email}
