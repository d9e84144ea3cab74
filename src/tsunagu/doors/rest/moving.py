"""Moving published datasets to another node: four operations that `tsunagu move` puts in order."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from ninja import Router, Status

from tsunagu.data.datasets import api as datasets
from tsunagu.data.publication import api as publication
from tsunagu.doors.rest import moving_schemas as schemas
from tsunagu.doors.who import actor_of, require_actor

router = Router(tags=["publication"])


@router.get("/institutions/{institution}/datasets", response=schemas.Collection)
def list_collection(request: HttpRequest, institution: str) -> Any:
    """Datasets of which an institution has published something that stands on this node; everybody may know them."""
    actor_of(request)  # a token that is none is refused here as everywhere
    return {"datasets": publication.collection(institution)}


@router.post("/datasets/{project}/{dataset}/moves", response={201: schemas.Moving})
def pack(request: HttpRequest, project: str, dataset: str) -> Any:
    """Everything about a published dataset that goes along; recorded as an export of every version."""
    actor = require_actor(request)
    card = datasets.get_dataset(actor, project, dataset)
    return Status(201, asdict(publication.pack(actor, card)))


@router.post("/datasets/{project}/{dataset}/moves/versions", response={201: schemas.ArrivedVersion})
def take_version(request: HttpRequest, project: str, dataset: str, body: schemas.ArrivingVersion) -> Any:
    """Freeze what was pushed as the version that it was at the other node; doing it twice changes nothing."""
    actor = require_actor(request)
    card = datasets.get_dataset(actor, project, dataset)
    version = publication.MovingVersion(**body.version.model_dump())
    return Status(201, asdict(publication.take_version(actor, card, body.source, version)))


@router.post("/datasets/{project}/{dataset}/moves/publications", response={201: schemas.Arrived})
def take_publications(
    request: HttpRequest, project: str, dataset: str, body: schemas.ArrivingPublications
) -> Any:
    """Publish them as they were there: same ids, DOIs, dates, history; doing it twice changes nothing."""
    actor = require_actor(request)
    card = datasets.get_dataset(actor, project, dataset)
    several = [_publication(one) for one in body.publications]
    arrived = publication.take_publications(
        actor, card, body.source, _name(body.concept), several, institution=body.institution
    )
    return Status(201, asdict(arrived))


@router.put("/datasets/{project}/{dataset}/moves", response=schemas.Left)
def leave(request: HttpRequest, project: str, dataset: str, body: schemas.Leaving) -> Any:
    """Let every address of the dataset lead to the other node, which is asked first whether the records stand there."""
    actor = require_actor(request)
    card = datasets.get_dataset(actor, project, dataset)
    return {"moved": publication.leave(actor, card, body.to)}


def _name(body: schemas.MovingName | None) -> publication.MovingName | None:
    return publication.MovingName(**body.model_dump()) if body else None


def _publication(body: schemas.MovingPublication) -> publication.MovingPublication:
    plain = body.model_dump()
    return publication.MovingPublication(
        **{
            **plain,
            "name": _name(body.name),
            "data": tuple(body.data),
            "related": tuple(body.related),
            "history": tuple(publication.MovingStep(**one.model_dump()) for one in body.history),
        }
    )
