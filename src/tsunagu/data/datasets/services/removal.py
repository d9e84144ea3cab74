"""Destroying a dataset: at once a tombstone, then its rows part by part.

In one transaction the row of the dataset gives up its name, its ULID and its project: it moves into the project
without a name, in which nobody has a role, so no list, count or search can show it and no filter has to know of it.
What hangs on the row is taken apart afterwards, in parts that a killed worker repeats.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection, transaction

from tsunagu.core import bulk, clock, events
from tsunagu.core.ids import new_id
from tsunagu.data.datasets.models import (
    BuriedVersion,
    Dataset,
    FileRow,
    Folder,
    Interval,
    Overwritten,
    Project,
    Sealing,
    Tombstone,
    TreeNode,
    Version,
    content_key,
)
from tsunagu.data.datasets.resources import resource_of
from tsunagu.data.datasets.types import DatasetCard
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs
from tsunagu.foundation.storage import api as storage

REMOVED = "datasets.removed"


@transaction.atomic
def remove_dataset(actor: Actor, card: DatasetCard, *, reason: str) -> str:
    """Put a tombstone in the place of a dataset; ``take_apart`` does the rest.

    Returns:
        The id of the run.

    Raises:
        ActionDeniedError: the actor may not destroy it, or something is held.
    """
    dataset = Dataset.objects.select_for_update().select_related("project").get(uid=card.id)
    policy.require(actor, "dataset.destroy", resource_of(dataset))
    versions = list(Version.objects.filter(dataset=dataset).order_by("number"))
    run_id = runs.record(
        actor,
        "destroy",
        dataset_id=card.id,
        parameters={
            "name": card.slug,
            "file_count": dataset.live_count,
            "byte_count": dataset.live_bytes,
            "version_count": len(versions),
        },
        links=[
            runs.Link("in", "dataset", card.id, card.slug),
            *(runs.Link("in", "version", one.version_hash, f"v{one.number}") for one in versions[-50:]),
        ],
        reason=reason,
    )
    stone = _raise_stone(actor, dataset, versions, reason=reason, run_id=run_id)
    BuriedVersion.objects.bulk_create(
        BuriedVersion(
            tombstone=stone,
            number=one.number,
            version_hash=one.version_hash,
            record=one.record,
            run_id=one.run_id,
            frozen_at=one.frozen_at,
        )
        for one in versions
    )
    dataset.project = Project.objects.get_or_create(name="", defaults={"created_at": clock.now()})[0]
    dataset.uid = dataset.name = new_id()
    dataset.title, dataset.described, dataset.access, dataset.has_frozen = "", {}, "closed", False
    dataset.save()
    storage.drop_waiting(card.id)
    events.record(REMOVED, dataset_id=card.id)
    return run_id


def _raise_stone(
    actor: Actor, dataset: Dataset, versions: list[Version], *, reason: str, run_id: str
) -> Tombstone:
    last = versions[-1] if versions else None
    return Tombstone.objects.create(
        uid=dataset.uid,
        project=dataset.project,
        name=dataset.name,
        # Who sees no draft must not learn from the stone what the draft was called.
        title=str(last.described.get("title", {}).get("value", ""))[:300] if last else dataset.title,
        access=dataset.access,
        embargo_until_s=dataset.embargo_until_s,
        has_frozen=dataset.has_frozen,
        file_count=last.file_count if last else dataset.live_count,
        byte_count=last.byte_count if last else dataset.live_bytes,
        created_at=dataset.created_at,
        removed_by=actor.id,
        removed_by_name=actor.name[:200],
        removed_at=clock.now(),
        reason=reason,
        run_id=run_id,
        remains_row=dataset.pk,
    )


def take_apart(dataset_id: str, *, limit: int = 2000) -> list[bytes] | None:
    """Delete the next rows of a destroyed dataset in the running transaction.

    Returns:
        SHA-256 of the contents that they named; None when nothing is left.
    """
    stone = Tombstone.objects.select_for_update().filter(pk=dataset_id).first()
    if stone is None or stone.remains_row is None:
        return None
    key = stone.remains_row
    for table in ("datasets_filerow", "datasets_overwritten"):
        with connection.cursor() as cursor:
            cursor.execute(f"select id, sha256 from {table} where dataset_id = %s limit %s", [key, limit])  # noqa: S608 - constants
            rows = cursor.fetchall()
            cursor.executemany(f"delete from {table} where id = %s", [(row[0],) for row in rows])  # noqa: S608
        if rows:
            return sorted({bytes(row[1]) for row in rows})
    for model in (Interval, Folder, TreeNode, Version, Sealing):
        model._base_manager.filter(dataset_id=key).delete()  # noqa: SLF001 - typed alike for every model
    Dataset.objects.filter(pk=key).delete()
    stone.remains_row = None
    stone.save(update_fields=["remains_row"])
    return None


def remains() -> list[str]:
    """ULIDs of destroyed datasets of which something is left to take apart."""
    return list(Tombstone.objects.filter(remains_row__isnull=False).values_list("pk", flat=True)[:100])


@storage.needs
def _named_by_rows(hashes: Iterable[bytes]) -> set[bytes]:
    """Those of the contents that a file of some version, or a replaced draft file, still names."""
    wanted = set(hashes)
    rows = bulk.select_in(
        # What is sealed names bytes of its own.
        "select distinct f.sha256 from datasets_filerow f join datasets_dataset d on d.id = f.dataset_id "
        "where d.seal_state in ('', 'moving') and f.content_key in ({values})",
        [content_key(sha256) for sha256 in wanted],
    )
    named = wanted & {bytes(row[0]) for row in rows}
    aside = Overwritten.objects.filter(
        dataset__seal_state__in=("", "moving"), sha256__in=list(wanted - named)
    ).values_list("sha256", flat=True)
    return named | {bytes(sha256) for sha256 in aside}


def paths_of(hashes: Iterable[bytes], *, limit: int = 200) -> list[tuple[str, str, bytes]]:
    """(ULID of the dataset, path, SHA-256) of files that hold these contents; the caller answers for the rules."""
    wanted = list(set(hashes))
    rows = FileRow.objects.filter(content_key__in=[content_key(one) for one in wanted[:500]]).values_list(
        "dataset__uid", "path", "sha256"
    )
    found = {(uid, path, bytes(sha256)) for uid, path, sha256 in rows[: limit * 4]}
    return sorted(one for one in found if one[2] in set(wanted))[:limit]
