"""What is said of a dataset: values with origin, proposals, readings."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router

from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.doors import counting
from tsunagu.doors.rest import schemas_metadata as schemas
from tsunagu.doors.who import actor_of, require_actor
from tsunagu.foundation.identity.api import Actor

router = Router(tags=["metadata"])


@router.get("/datasets/{project}/{dataset}/metadata", response=schemas.ValueList)
def list_values(
    request: HttpRequest,
    project: str,
    dataset: str,
    version: int | None = None,
    after: str = "",
    limit: int = 50,
) -> Any:
    """The dataset's own values first, then every field of every file, file by file."""
    actor = actor_of(request)
    card = datasets.get_dataset(actor, project, dataset)
    found: list[dict[str, Any]] = []
    if not after:
        found = [
            {
                "key": v.name,
                "name": v.name,
                "value": v.value,
                "unit": v.unit or None,
                "origin": dict(v.origin),
            }
            for v in description.values(actor, card)
        ]
    rows, more = description.file_values(
        actor, card, version=version, after=after, limit=max(1, min(limit, 200))
    )
    counting.viewed(request, actor, card.slug, version or 0)
    return {"values": found + rows, "next": more or None}


@router.put("/datasets/{project}/{dataset}/metadata/{name}", response=schemas.ValueList)
def set_value(request: HttpRequest, project: str, dataset: str, name: str, body: schemas.NewValue) -> Any:
    """Set a value; a person's word, which no machine overwrites."""
    actor = require_actor(request)
    card = datasets.get_dataset(actor, project, dataset)
    description.set_value(actor, card.id, name, body.value, unit=body.unit or "")
    found = [
        {"key": v.name, "name": v.name, "value": v.value, "unit": v.unit or None, "origin": dict(v.origin)}
        for v in description.values(actor, card)
    ]
    return {"values": found, "next": None}


@router.get("/datasets/{project}/{dataset}/negative-result", response=schemas.NegativeResult)
def negative_result(request: HttpRequest, project: str, dataset: str) -> Any:
    """What was tried and failed."""
    actor = actor_of(request)
    return _failure(actor, datasets.get_dataset(actor, project, dataset))


@router.put("/datasets/{project}/{dataset}/negative-result", response=schemas.NegativeResult)
def tell_negative_result(
    request: HttpRequest, project: str, dataset: str, body: schemas.NewNegativeResult
) -> Any:
    """Tell what was tried and failed; versions that are frozen from now on hold it."""
    actor = require_actor(request)
    card = datasets.get_dataset(actor, project, dataset)
    told = {f"negative_{name}": text for name, text in body.dict().items() if text is not None}
    description.tell_failure(actor, card.id, told)
    return _failure(actor, card)


def _failure(actor: Actor, card: datasets.DatasetCard) -> dict[str, str]:
    said = {value.name: value.value for value in description.values(actor, card)}
    return {name.removeprefix("negative_"): str(value) for name, value in description.failure_of(said)}


@router.get("/datasets/{project}/{dataset}/proposals", response=schemas.ProposalList)
def list_proposals(request: HttpRequest, project: str, dataset: str) -> Any:
    """What machines propose, surest first."""
    actor = actor_of(request)
    card = datasets.get_dataset(actor, project, dataset)
    return {"proposals": [_proposal(row) for row in description.proposals(actor, card)], "next": None}


def _proposal(row: description.ProposalCard) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "value": row.value,
        "unit": row.unit or None,
        "confidence": row.confidence,
        "state": row.state,
        "evidence": [dict(item) for item in row.evidence],
    }


@router.post("/datasets/{project}/{dataset}/proposals/{proposal}/{verdict}", response=schemas.ProposalList)
def decide(
    request: HttpRequest,
    project: str,
    dataset: str,
    proposal: str,
    verdict: str,
    body: schemas.Decide | None = None,
) -> Any:
    """Accept (as it is or edited) or reject a proposal."""
    from tsunagu.core.errors import InvalidInputError

    if verdict not in {"accept", "reject"}:
        raise InvalidInputError("A proposal is accepted or rejected.", verdict=verdict)
    actor = require_actor(request)
    card = datasets.get_dataset(actor, project, dataset)
    edited = body or schemas.Decide()
    description.decide_proposal(actor, card.id, proposal, verdict, value=edited.value, unit=edited.unit)
    return {"proposals": [_proposal(row) for row in description.proposals(actor, card)], "next": None}


@router.get("/datasets/{project}/{dataset}/reading")
def show_reading(
    request: HttpRequest, project: str, dataset: str, path: str, version: int | None = None
) -> Any:
    """What the reader said of one file: fields, tables, arrays, warnings."""
    actor = actor_of(request)
    card = datasets.get_dataset(actor, project, dataset)
    found, outcome = description.reading(actor, card, path, version=version)
    return {**outcome, "run": found.run_id, "made_at": found.made_at}


@router.post("/datasets/{project}/{dataset}/read-again")
def read_again(request: HttpRequest, project: str, dataset: str) -> Any:
    """Read all files of the draft again with today's readers and mapping."""
    actor = require_actor(request)
    return {"run": description.start_reading_again(actor, datasets.get_dataset(actor, project, dataset))}
