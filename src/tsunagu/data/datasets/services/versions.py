"""Freezing the draft into an immutable version."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence

from django.db import connection, transaction

from tsunagu.core import bulk, clock, events
from tsunagu.data.datasets import frozen, selectors, tree
from tsunagu.data.datasets.errors import NothingToFreezeError
from tsunagu.data.datasets.models import LIVE, Dataset, Version
from tsunagu.data.datasets.resources import resource_of
from tsunagu.data.datasets.types import VersionRef
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.ledger import api as ledger
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

_WALK_BELOW = 20  # files per changed bucket: below that one walk over all rows beats many look-ups


@transaction.atomic
def freeze_version(actor: Actor, dataset_id: str, *, note: str = "") -> VersionRef:
    """Make the draft of a dataset an immutable version.

    Costs what changed since the last version, not what the dataset holds.

    Raises:
        ActionDeniedError: the actor may not freeze the dataset.
        NothingToFreezeError: the draft equals the last version.
    """
    dataset = selectors.locked_row(dataset_id)
    policy.require(actor, "dataset.freeze", resource_of(dataset))
    number = dataset.draft_number
    buckets = _changed_buckets(dataset.pk, number)
    if not buckets and not dataset.is_description_changed and not (number == 1 and dataset.live_count == 0):
        raise NothingToFreezeError
    root = _update_tree(dataset, buckets)
    record = _record(dataset, root)
    version_hash = hashlib.sha256(record.encode()).hexdigest()
    run_id = runs.record(
        actor,
        "freeze",
        dataset_id=dataset.uid,
        parameters={"number": number, "note": note[:1000]},
        links=[
            runs.Link("in", "dataset", dataset.uid),
            runs.Link("out", "version", version_hash, f"v{number}"),
        ],
    )
    version = Version.objects.create(
        dataset=dataset,
        number=number,
        version_hash=version_hash,
        record=record,
        root=root.hex(),
        file_count=dataset.live_count,
        byte_count=dataset.live_bytes,
        described=dataset.described,
        note=note,
        run_id=run_id,
        frozen_by=actor.id,
        frozen_at=clock.now(),
        is_released=not dataset.releases_by_publication,
    )
    ledger.append("version", {"version": version_hash, "record": record, "run": run_id})
    dataset.draft_number, dataset.has_frozen, dataset.is_description_changed = number + 1, True, False
    if version.is_released:
        dataset.last_released = number
    else:
        dataset.has_unreleased = True
    dataset.updated_at = clock.now()
    dataset.save(
        update_fields=[
            "draft_number", "has_frozen", "is_description_changed", "last_released", "has_unreleased", "updated_at",
        ]
    )  # fmt: skip
    events.record("datasets.frozen", dataset_id=dataset.uid, number=number)
    return frozen.version_ref(version)


def _record(dataset: Dataset, root: bytes) -> str:
    """The canonical record whose SHA-256 is the version's name (docs/reference/wire.md)."""
    previous = Version.objects.filter(dataset=dataset, number=dataset.draft_number - 1).first()
    described = hashlib.sha256(ledger.canonical(dataset.described).encode()).hexdigest()
    return ledger.canonical(
        {
            "bytes": dataset.live_bytes,
            "count": dataset.live_count,
            "dataset": dataset.uid,
            "format": "tsunagu-version-1",
            "metadata": described,
            "number": dataset.draft_number,
            "previous": previous.version_hash if previous else None,
            "root": root.hex(),
        }
    )


def _changed_buckets(dataset_row: int, draft: int) -> list[int]:
    # ``until`` stands as a literal where a partial index needs it; both parts run along datasets_file_interval.
    with connection.cursor() as cursor:
        cursor.execute(
            f"select bucket from datasets_filerow where dataset_id = %s and until = {LIVE} and since = %s "  # noqa: S608
            "union select bucket from datasets_filerow where dataset_id = %s and until = %s",
            [dataset_row, draft, dataset_row, draft],
        )
        return [row[0] for row in cursor.fetchall()]


def _update_tree(dataset: Dataset, buckets: list[int]) -> bytes:
    """Recompute the changed buckets and carry them up; returns the root."""
    hashes = dict.fromkeys(buckets) | _bucket_hashes(dataset, buckets)

    def load(nodes: Sequence[int]) -> Mapping[int, bytes]:
        rows = bulk.select_in(
            "select node, kids from datasets_treenode where dataset_id = %s and node in ({values})",
            nodes,
            dataset.pk,
        )
        return {row[0]: bytes(row[1]) for row in rows}

    if not buckets:
        root = load([0])
        return tree.node_hash(root[0]) if root else tree.EMPTY_ROOT
    written, digest = tree.update(hashes, load)
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into datasets_treenode (dataset_id, node, kids) values (%s, %s, %s) "
            "on conflict (dataset_id, node) do update set kids = excluded.kids",
            [(dataset.pk, node, kids) for node, kids in written.items() if kids is not None],
        )
        cursor.executemany(
            "delete from datasets_treenode where dataset_id = %s and node = %s",
            [(dataset.pk, node) for node, kids in written.items() if kids is None],
        )
    return digest


def _bucket_hashes(dataset: Dataset, buckets: list[int]) -> dict[int, bytes]:
    select = f"select bucket, path, byte_count, sha256 from datasets_filerow where dataset_id = %s and until = {LIVE}"  # noqa: S608
    if dataset.live_count <= _WALK_BELOW * len(buckets):
        with connection.cursor() as cursor:
            cursor.execute(select, [dataset.pk])
            rows = cursor.fetchall()
    else:
        rows = bulk.select_in(f"{select} and bucket in ({{values}})", buckets, dataset.pk)
    files: dict[int, list[tuple[str, int, bytes]]] = defaultdict(list)
    for bucket, path, size, sha256 in rows:
        files[bucket].append((path, size, bytes(sha256)))
    wanted = set(buckets)
    return {bucket: tree.bucket_hash(sorted(found)) for bucket, found in files.items() if bucket in wanted}
