"""Reading what is left of destroyed datasets."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from tsunagu.core import clock
from tsunagu.core.errors import NotFoundError
from tsunagu.data.datasets.errors import DatasetRemovedError
from tsunagu.data.datasets.models import BuriedVersion, Tombstone
from tsunagu.data.datasets.resources import resource_of
from tsunagu.data.datasets.types import BuriedRef, TombstoneCard
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy


def get_tombstone(actor: Actor, dataset_id: str) -> TombstoneCard:
    """What is left of a destroyed dataset, for those who might read it.

    Raises:
        NotFoundError: there is none, or the actor could not have read the dataset.
    """
    row = Tombstone.objects.select_related("project").filter(pk=dataset_id).first()
    if row is None or not policy.decide(actor, "dataset.read", resource_of(row)):
        raise NotFoundError
    return _card(row)


def refuse_removed(actor: Actor, **named: Any) -> None:
    """Say that a dataset was destroyed, to those who might read it.

    Args:
        actor: Who asks.
        named: Filters of a tombstone: ``pk``, or ``project__name`` and ``name``.

    Raises:
        DatasetRemovedError: it was.
    """
    row = Tombstone.objects.select_related("project").filter(**named).first()
    if row is not None and policy.decide(actor, "dataset.read", resource_of(row)):
        raise DatasetRemovedError(
            f"{row.project.name}/{row.name} was removed by {row.removed_by_name} on "
            f"{clock.isoformat(row.removed_at)[:10]}: {row.reason}",
            dataset_id=row.uid,
        )


def visible_names(actor: Actor, ids: Iterable[str]) -> dict[str, str]:
    """ULID -> ``PROJECT/DATASET`` of those of the destroyed datasets that the actor might read."""
    rows = Tombstone.objects.filter(policy.visible(actor, "dataset").q, pk__in=list(ids))
    return {
        uid: f"{project}/{name}" for uid, project, name in rows.values_list("pk", "project__name", "name")
    }


def list_tombstones(actor: Actor, project_id: str, *, limit: int = 100) -> list[TombstoneCard]:
    """The destroyed datasets of a project that the actor might read, the last first."""
    rows = Tombstone.objects.filter(policy.visible(actor, "dataset").q, project_id=project_id)
    return [_card(row) for row in rows.select_related("project").order_by("-removed_at", "pk")[:limit]]


def check_tombstones() -> tuple[int, list[str]]:
    """How many there are, and the versions whose record does not hash to its name, in words."""
    wrong = [
        f"The record of version {row.number} of the removed dataset {row.tombstone_id} was changed."
        for row in BuriedVersion.objects.iterator(chunk_size=1000)
        if hashlib.sha256(row.record.encode()).hexdigest() != row.version_hash
    ]
    return Tombstone.objects.count(), wrong


def _card(row: Tombstone) -> TombstoneCard:
    return TombstoneCard(
        id=row.uid,
        project_id=row.project_id,
        project=row.project.name,
        name=row.name,
        title=row.title,
        file_count=row.file_count,
        byte_count=row.byte_count,
        created_at=clock.isoformat(row.created_at),
        removed_by=row.removed_by_name,
        removed_at=clock.isoformat(row.removed_at),
        reason=row.reason,
        run_id=row.run_id,
        is_gone=row.remains_row is None,
        versions=tuple(
            BuriedRef(one.number, one.version_hash, one.record, clock.isoformat(one.frozen_at))
            for one in row.versions.order_by("-number")
        ),
    )
