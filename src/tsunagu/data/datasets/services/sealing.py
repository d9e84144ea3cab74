"""Sealing a dataset, moving what it holds into its key domain, and destroying the key."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from django.db import connection, transaction

from tsunagu.core import bulk, clock, events
from tsunagu.core.ids import new_id
from tsunagu.data.datasets.errors import (
    LockedBytesError,
    NotConfirmedError,
    NotSealedError,
    StillSealingError,
)
from tsunagu.data.datasets.models import Dataset, Overwritten, Sealing, content_key
from tsunagu.data.datasets.resources import resource_of
from tsunagu.data.datasets.types import SealingCard
from tsunagu.foundation.identity.api import SYSTEM, Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs
from tsunagu.foundation.storage import api as storage

_BATCH = 2000
_BATCH_BYTES = 256 << 20


def seal(actor: Actor, dataset_id: str) -> SealingCard:
    """Seal a dataset: what is pushed from now on is encrypted with its own key, a job moves what is there.

    Sealing what is sealed changes nothing.

    Raises:
        ActionDeniedError: the actor does not manage the dataset.
        KeyDestroyedError: it was sealed before, and shredded.
        LockedBytesError: its bytes are locked in the store, so they would stay plain.
    """
    resource = resource_of(Dataset.objects.get(uid=dataset_id))
    policy.require(actor, "dataset.manage", resource)
    _require_unlocked(Dataset.objects.get(uid=dataset_id))
    # Durable before anything is encrypted with it; a transaction that fails leaves a key that nobody uses.
    fingerprint = storage.key_ring().create(dataset_id)
    with transaction.atomic():
        row = Dataset.objects.select_for_update().select_related("project").get(uid=dataset_id)
        if not row.key_domain:
            count, now = _count(row.pk), clock.now()
            row.key_domain, row.seal_state, row.updated_at = dataset_id, "moving" if count else "sealed", now
            row.save(update_fields=["key_domain", "seal_state", "updated_at"])
            runs.record(
                actor,
                "seal",
                dataset_id=dataset_id,
                parameters={"key_fingerprint": fingerprint},
                links=[runs.Link("out", "dataset", dataset_id, f"{row.project.name}/{row.name}")],
            )
            Sealing.objects.create(
                dataset=row,
                fingerprint=fingerprint,
                run_id=new_id(),
                total_count=2 * count,  # each content is moved, then its plain copy is cleared away
                sealed_at=None if count else now,
            )
            storage.drop_waiting(dataset_id, except_domain=dataset_id)
            if count:
                events.record("datasets.sealing_begun", dataset_id=dataset_id)
    card = sealing_of(dataset_id)
    if card is None:
        raise NotSealedError
    return card


def _require_unlocked(row: Dataset) -> None:
    after = b""
    while not row.key_domain and (batch := _next_contents(row.pk, after)):
        hashes = [sha256 for sha256, _size in batch]
        if storage.are_locked(hashes):
            raise LockedBytesError
        after = hashes[-1]


def sealing_of(dataset_id: str) -> SealingCard | None:
    """How far a dataset is sealed; None when it is not. The caller has asked the rules."""
    row = Sealing.objects.select_related("dataset").filter(dataset__uid=dataset_id).first()
    if row is None:
        return None
    return SealingCard(
        state=row.dataset.seal_state,
        fingerprint=row.fingerprint,
        total_count=max(row.total_count, row.done_count),
        done_count=row.total_count if row.sealed_at else row.done_count,
        damaged_count=row.damaged_count,
        sealed_at=clock.isoformat(row.sealed_at) if row.sealed_at else "",
        shred_run_id=row.shred_run_id,
        shredded_at=clock.isoformat(row.shredded_at) if row.shredded_at else "",
        shredded_by=row.shredded_by,
        reason=row.reason,
    )


def move_some(dataset_id: str) -> bool:
    """Move the next contents of a dataset into its domain; True while more are left. Killed midway, it goes on.

    First everything is encrypted, then what lies plain is removed where no other dataset needs it.
    """
    row = Sealing.objects.select_related("dataset").filter(dataset__uid=dataset_id).first()
    if row is None or row.dataset.seal_state != "moving":
        return False
    runs.start(
        SYSTEM,
        "move_into_seal",
        run_id=row.run_id,
        dataset_id=dataset_id,
        links=[runs.Link("in", "dataset", dataset_id)],
    )
    batch = _next_contents(row.dataset_id, bytes.fromhex(row.after))
    if not batch:
        return _end_phase(row)
    hashes = [sha256 for sha256, _size in batch]
    if row.phase == "move":
        moved = storage.reseal(hashes, row.dataset.key_domain)
        row.moved_bytes += moved.byte_count
        row.damaged_count += len(moved.damaged)
    else:
        there = storage.locate(hashes, (row.dataset.key_domain,))
        # What could not be encrypted stays: damaged bytes may still be worth something to their owner.
        storage.drop_plain(there, needed_plain(row.dataset_id))
    row.after = hashes[-1].hex()
    row.done_count += len(hashes)
    row.save()
    return True


def _end_phase(row: Sealing) -> bool:
    row.after = ""
    if row.phase == "move":
        row.phase = "clear"
        row.save()
        return True
    facts = {"moved_bytes": row.moved_bytes, "damaged_count": row.damaged_count}
    if row.damaged_count:
        # Begun anew by the nightly job; a file that is sent again meanwhile is sealed as it comes.
        runs.finish(row.run_id, runs.Outcome.FAILED, reason="Some bytes are damaged.", parameters=facts)
        row.phase, row.run_id, row.done_count, row.damaged_count = "move", new_id(), 0, row.damaged_count
        row.save()
        return False
    storage.forget_dead(older_than=dt.timedelta(0))  # bytes that were sent twice lie there twice
    with transaction.atomic():
        Dataset.objects.filter(pk=row.dataset_id, seal_state="moving").update(seal_state="sealed")
        row.sealed_at = clock.now()
        row.save()
        runs.finish(row.run_id, runs.Outcome.OK, parameters=facts)
        events.record("datasets.sealed", dataset_id=row.dataset.uid)
    return False


def unfinished() -> list[str]:
    """ULIDs of datasets of which something still has to be moved; their damaged files are looked at again."""
    rows = Sealing.objects.filter(dataset__seal_state="moving")
    rows.filter(phase="move", after="", damaged_count__gt=0).update(damaged_count=0)
    return list(rows.values_list("dataset__uid", flat=True))


def needed_plain(but: int) -> Callable[[Sequence[bytes]], set[bytes]]:
    """Asks which contents some dataset needs plain: one that is not sealed, or whose bytes are still on their way."""

    def ask(hashes: Sequence[bytes]) -> set[bytes]:
        wanted = set(hashes)
        rows = bulk.select_in(
            "select f.sha256 from datasets_filerow f join datasets_dataset d on d.id = f.dataset_id "
            "where d.id <> %s and d.seal_state in ('', 'moving') and f.content_key in ({values})",
            [content_key(sha256) for sha256 in wanted],
            but,
        )
        kept = Overwritten.objects.filter(dataset__seal_state__in=("", "moving"), sha256__in=wanted)
        aside = kept.exclude(dataset_id=but).values_list("sha256", flat=True)
        return wanted & ({bytes(row[0]) for row in rows} | {bytes(sha256) for sha256 in aside})

    return ask


def shred(actor: Actor, dataset_id: str, *, confirm: str, reason: str) -> SealingCard:
    """Destroy the key of a sealed dataset: nobody reads its bytes again, from here or from any copy.

    The record stays: names, hashes, versions, runs. A call that was killed midway is finished by the next one.

    Args:
        actor: Who decides.
        dataset_id: Which dataset.
        confirm: Its name, ``PROJECT/DATASET``, as a person wrote it.
        reason: Why; it goes into the ledger and is told to everybody who asks for the bytes.

    Raises:
        ActionDeniedError: the actor may not destroy, or a retention or hold forbids it.
        NotConfirmedError: another name, or no reason.
        NotSealedError, StillSealingError: plain bytes would stay.
    """
    row = Dataset.objects.select_related("project").get(uid=dataset_id)
    policy.require(actor, "dataset.destroy", resource_of(row))
    if confirm != f"{row.project.name}/{row.name}" or not reason.strip():
        raise NotConfirmedError
    known = sealing_of(dataset_id)
    if known is None:
        raise NotSealedError
    if known.state == "moving":
        raise StillSealingError(damaged=known.damaged_count)
    if known.state == "shredded":
        return known
    facts = {"key_fingerprint": known.fingerprint, "reason": reason.strip()[:1000]}
    run_id = runs.start(
        actor,
        "shred",
        dataset_id=dataset_id,
        parameters=facts,
        links=[runs.Link("in", "dataset", dataset_id, confirm)],
    )
    stone = storage.key_ring().destroy(dataset_id, by=actor.name, reason=reason.strip()[:1000], run=run_id)
    storage.carrier().renew()  # addresses that carry keys of it open nothing any more
    with transaction.atomic():
        Dataset.objects.filter(pk=row.pk).update(seal_state="shredded", updated_at=clock.now())
        Sealing.objects.filter(dataset=row).update(
            shred_run_id=stone.run,
            shredded_at=stone.destroyed_at,
            shredded_by=stone.by,
            reason=stone.reason,
        )
        destroyed = {"destroyed_at": stone.destroyed_at, "key_fingerprint": stone.fingerprint}
        runs.finish(stone.run, runs.Outcome.OK, reason=stone.reason, parameters=destroyed)
        if stone.run != run_id:
            runs.finish(run_id, runs.Outcome.OK, reason=f"Finished the run {stone.run}.")
        events.record("datasets.shredded", dataset_id=dataset_id)
    card = sealing_of(dataset_id)
    if card is None:
        raise NotSealedError
    return card


def forget_bytes(dataset_id: str) -> int:
    """Remove the objects of a shredded dataset, which are noise by now; returns how many."""
    if not Dataset.objects.filter(uid=dataset_id, seal_state="shredded").exists():
        return 0
    return storage.drop_domain(dataset_id)


_CONTENTS = (
    "select sha256, max(byte_count) from (select sha256, byte_count from datasets_filerow where dataset_id = %s "
    "union all select sha256, byte_count from datasets_overwritten where dataset_id = %s) as one "
    "where sha256 > %s group by sha256 order by sha256 limit %s"
)


def _next_contents(dataset_row: int, after: bytes) -> list[tuple[bytes, int]]:
    with connection.cursor() as cursor:
        cursor.execute(_CONTENTS, [dataset_row, dataset_row, after, _BATCH])
        rows = [(bytes(row[0]), int(row[1])) for row in cursor.fetchall()]
    total = 0
    for number, (_sha256, size) in enumerate(rows, 1):
        total += size
        if total >= _BATCH_BYTES:
            return rows[:number]
    return rows


def _count(dataset_row: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(*) from (select sha256 from datasets_filerow where dataset_id = %s "
            "union select sha256 from datasets_overwritten where dataset_id = %s) as one",
            [dataset_row, dataset_row],
        )
        return int((cursor.fetchone() or (0,))[0])
