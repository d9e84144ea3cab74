"""Sealing a dataset with a key of its own, and destroying that key."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema

from tsunagu.core.errors import NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets.api import DatasetCard, SealingCard
from tsunagu.doors.rest.openapi import Input
from tsunagu.doors.who import actor_of, require_actor
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy

router = Router(tags=["datasets"])


class Shred(Input):
    """The name of the dataset, written out, and why its bytes are to be destroyed for ever."""

    confirm: str
    reason: str


class Seal(Schema):
    """How far a dataset is sealed (``state``: open, moving, sealed or shredded), and what became of its key."""

    dataset: str
    state: str
    fingerprint: str
    total_count: int
    done_count: int
    damaged_count: int
    sealed_at: str
    shred_run_id: str
    shredded_at: str
    shredded_by: str
    reason: str


def _row(card: DatasetCard, sealing: SealingCard | None) -> dict[str, Any]:
    sealing = sealing or SealingCard("open", "", 0, 0, 0, "", "", "", "", "")
    return {"dataset": card.slug, **asdict(sealing)}


def _readable(actor: Actor, project: str, dataset: str) -> DatasetCard:
    card = datasets.get_dataset(actor, project, dataset)
    if not policy.decide(actor, "dataset.read", card.resource):
        raise NotFoundError(f"There is no dataset {project}/{dataset}, or you may not see it.")
    return card


@router.get("/datasets/{project}/{dataset}/seal", response=Seal)
def show_seal(request: HttpRequest, project: str, dataset: str) -> Any:
    """Whether the dataset is sealed, how far its older bytes have been moved, or who destroyed its key and why."""
    card = _readable(actor_of(request), project, dataset)
    return _row(card, datasets.sealing_of(card.id))


@router.post("/datasets/{project}/{dataset}/seal", response=Seal)
def seal(request: HttpRequest, project: str, dataset: str) -> Any:
    """Seal: new bytes are encrypted from now on, a job moves what is there. Again: nothing changes."""
    actor = require_actor(request)
    card = datasets.get_dataset(actor, project, dataset)
    return _row(card, datasets.seal(actor, card.id))


@router.post("/datasets/{project}/{dataset}/shred", response=Seal)
def shred(request: HttpRequest, project: str, dataset: str, body: Shred) -> Any:
    """Destroy the key of a sealed dataset: its bytes are gone from here and from every copy, the record stays."""
    actor = require_actor(request)
    card = datasets.get_dataset(actor, project, dataset)
    return _row(card, datasets.shred(actor, card.id, confirm=body.confirm, reason=body.reason))
