"""Files arrive: open a push, plan it, commit what became durable, close it with a receipt."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import logging
import zlib
from collections.abc import Sequence
from typing import Any, Literal

from django.db import transaction

from tsunagu.core import clock, events, settings
from tsunagu.core.errors import CapabilityRefusedError, NotFoundError
from tsunagu.core.ids import new_id
from tsunagu.data.capture.errors import NoSuchPushError, PushClosedError
from tsunagu.data.capture.models import Push, Unit
from tsunagu.data.capture.types import Arrival, OpenPush, Plan, Receipt
from tsunagu.data.datasets import api as datasets
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs
from tsunagu.foundation.storage import api as storage

logger = logging.getLogger(__name__)

ABANDONED_AFTER = dt.timedelta(days=7)
MOST_PLANNED = 10_000


def open_push(
    actor: Actor,
    project: str,
    dataset: str,
    *,
    create: bool = True,
    kind: str = "push",
    client: str = "",
    note: str = "",
    inputs: Sequence[str] = (),
) -> OpenPush:
    """Begin an upload; its run exists before the first byte.

    Args:
        actor: Who sends.
        project: Name of the project.
        dataset: Name of the dataset.
        create: Make the dataset when it is not there.
        kind: ``push``, ``watch``, ``web`` ...
        client: Name and version of the program that sends.
        note: Goes into the run.
        inputs: ``PROJECT/DATASET`` or ``PROJECT/DATASET@VERSION`` from which the files were derived; their labels
            travel to this dataset.

    Raises:
        NotFoundError: no such project, dataset or input for this actor.
        ActionDeniedError: the actor may not push there.
        KeyDestroyedError, KeyMissingError: the dataset is sealed and its key is gone.
    """
    used = [link for place in inputs for link in datasets.input_links(actor, place)]
    card = _place(actor, project, dataset, create=create)
    policy.require(actor, "dataset.push", card.resource)
    if card.key_domain:
        storage.key_ring().require(card.key_domain)
    links = [*used, runs.Link("out", "dataset", card.id, card.slug)]
    if actor.kind == "instrument":
        links.insert(0, runs.Link("in", "instrument", actor.id, actor.name))
    with transaction.atomic():
        run_id = runs.start(
            actor,
            "capture",
            dataset_id=card.id,
            parameters={"way": kind, "note": note[:1000]},
            software={"client": client[:200]},
            links=links,
        )
        record_push(actor, run_id, card.id)
    return _open(run_id, card)


def record_push(actor: Actor, run_id: str, dataset_id: str) -> Push:
    """Write down that an upload began."""
    now = clock.now()
    return Push.objects.create(
        run_id=run_id,
        dataset_id=dataset_id,
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_name=actor.name,
        token_id=actor.token_id,
        opened_at=now,
        last_unit_at=now,
    )


def _place(actor: Actor, project: str, dataset: str, *, create: bool) -> datasets.DatasetCard:
    """Where a push goes. Looked for before it is made: what one may not see sounds like what is not there."""
    try:
        return datasets.get_dataset(actor, project, dataset)
    except NotFoundError:
        if not create:
            raise
    with contextlib.suppress(datasets.NameTakenError):  # two clients began at once
        datasets.create_dataset(actor, project, dataset)
    return datasets.get_dataset(actor, project, dataset)


def renew(actor: Actor, run_id: str) -> OpenPush:
    """Another capability for an open push, after asking the rules again.

    Raises:
        NoSuchPushError: unknown, or somebody else's.
        PushClosedError: it has ended.
    """
    push = _own_push(actor, run_id)
    card = datasets.get_dataset_by_id(actor, push.dataset_id)
    policy.require(actor, "dataset.push", card.resource)
    if push.token_id != actor.token_id:
        # The same person with another token: the first one may have ended, and what is sent now stands on this one.
        push.token_id = actor.token_id
        push.save(update_fields=["token_id"])
    return _open(run_id, card)


def _open(run_id: str, card: datasets.DatasetCard) -> OpenPush:
    node = settings.current()
    capability = storage.push_capability(run_id, card.id, card.key_domain)
    expires = clock.isoformat(clock.now() + dt.timedelta(seconds=node.capability_lifetime_s))
    return OpenPush(run_id, capability, expires, node.bytes_address, card.id, is_empty=card.file_count == 0)


def plan(actor: Actor, run_id: str, files: Sequence[tuple[str, int, str]], *, replaces: bool = True) -> Plan:
    """Which files must travel: not those that stand in the draft, nor content that the actor may read here already.

    Args:
        actor: Whose push it is.
        run_id: The push.
        files: (path, byte count, sha256 hex) of at most 10,000 files.
        replaces: What needs not travel may take the place of another file.

    Raises:
        NoSuchPushError: unknown, or somebody else's.
        PushClosedError: it has ended.
        BadPathError: a path cannot stand in a dataset.
        PathTakenError: another file stands at a path and is not to be replaced.
    """
    push = _own_push(actor, run_id)
    card = datasets.get_dataset_by_id(identity.SYSTEM, push.dataset_id)
    known = datasets.draft_hashes(card, [path for path, _, _ in files])
    hashes = [bytes.fromhex(sha256) for _, _, sha256 in files]
    stands = [known.get(file[0]) == hashes[number] for number, file in enumerate(files)]
    # A file whose bytes were lost is asked for again, although its row is right.
    there = intact(
        storage.locate((hashes[number] for number, same in enumerate(stands) if same), card.domains)
    )
    rest = [number for number, same in enumerate(stands) if not (same and hashes[number] in there)]
    other = [hashes[number] for number in rest if not stands[number]]
    readable = datasets.readable_contents(actor, other, card.key_domain)
    held = intact(storage.locate(readable, card.domains))
    new = [(*files[number][:2], hashes[number], number) for number in rest]
    linked = _link(push, actor, card, new, held, replaces=replaces)
    return Plan(tuple(number for number in rest if number not in linked), len(files) - len(rest), len(linked))


def intact(places: dict[bytes, storage.Location]) -> dict[bytes, storage.Location]:
    """Those of the places whose object is still there."""
    gone = storage.missing(places.values())
    return {sha256: place for sha256, place in places.items() if place.key not in gone}


def _link(
    push: Push,
    actor: Actor,
    card: datasets.DatasetCard,
    files: Sequence[tuple[str, int, bytes, int]],
    held: dict[bytes, storage.Location],
    *,
    replaces: bool,
) -> set[int]:
    """Put files into the draft whose bytes the actor may read here already; returns their numbers."""
    able = [file for file in files if file[2] in held and held[file[2]].byte_count == file[1]]
    if not able:
        return set()
    with transaction.atomic():
        # From here to the commit nothing of it is discarded, and no other dataset takes its plain bytes away.
        staying = storage.lock(held[file[2]].name for file in able)
        linked = [file for file in able if held[file[2]].name in staying]
        if linked:
            entries = [file[:3] for file in linked]
            unit, domain = new_id(), card.key_domain
            write_unit(push, actor, unit, entries, how="linked", domain=domain, replaces=replaces)
    return {file[3] for file in linked}


def commit_arrival(arrival: Arrival) -> dict[str, Any]:
    """Write down what the byte server made durable; the same unit again returns the first answer.

    Asks the rules again: a role that was taken away, or an account or token that was closed, ends a push midway.

    Raises:
        NoSuchPushError, PushClosedError: the push is unknown or over.
        CapabilityRefusedError: the person's account or token was closed meanwhile.
        ActionDeniedError: the actor may not push here any more.
        SealedMeanwhileError: the dataset was sealed since the capability was given.
        KeyDestroyedError: its key was destroyed since then.
        BadPathError: a path cannot stand in a dataset.
    """
    push = Push.objects.filter(run_id=arrival.run, dataset_id=arrival.dataset_id).first()
    if push is None:
        raise NoSuchPushError
    actor = _actor_of(push)
    entries = [(path, size, bytes.fromhex(sha256)) for path, size, sha256, _ in arrival.files]
    with transaction.atomic():
        known = Unit.objects.filter(uid=arrival.unit, push=push).first()
        if known is not None:
            answer: dict[str, Any] = known.answer
            return answer
        if push.closed_at is not None:
            raise PushClosedError
        if not identity.is_active(actor):
            raise CapabilityRefusedError("The account or access token behind this push was closed.")
        if arrival.domain:
            storage.key_ring().require(arrival.domain)  # it may have been destroyed while the bytes came
        kind: Literal["pack", "file"] = "pack" if arrival.kind == "pack" else "file"
        offsets = [
            (sha256, size, file[3]) for (_, size, sha256), file in zip(entries, arrival.files, strict=True)
        ]
        new = storage.NewObject(arrival.key, arrival.byte_count, kind, arrival.unit, arrival.domain)
        storage.register(new, offsets)
        return write_unit(push, actor, arrival.unit, entries, how="sent", domain=arrival.domain)


def write_unit(
    push: Push,
    actor: Actor,
    unit: str,
    entries: Sequence[tuple[str, int, bytes]],
    *,
    how: str,
    domain: str,
    replaces: bool = True,
) -> dict[str, Any]:
    """Put files into the draft and write down what is acknowledged, in the running transaction."""
    committed = datasets.commit_files(
        actor, push.dataset_id, push.run_id, entries, domain=domain, replaces=replaces
    )
    listing = json.dumps(
        [[path, size, sha256.hex(), how] for path, size, sha256 in entries], ensure_ascii=False
    ).encode()
    now = clock.now()
    answer = {
        "files": len(entries),
        "bytes": committed.byte_count,
        "new_bytes": committed.byte_count,  # what is new to the store would tell about other people's files
        "committed_at": clock.isoformat(now),
        "overwritten": list(committed.overwritten)[:100],
    }
    Unit.objects.create(
        uid=unit,
        push=push,
        answer=answer,
        listing=zlib.compress(listing, 1),
        listing_hash=hashlib.sha256(listing).hexdigest(),
        file_count=len(entries),
        committed_at=now,
    )
    push.file_count += len(entries)
    push.byte_count += committed.byte_count
    push.last_unit_at = now
    push.save(update_fields=["file_count", "byte_count", "last_unit_at"])
    if committed.added or committed.replaced:
        events.record("capture.files_arrived", dataset_id=push.dataset_id, unit=unit)
    return answer


@transaction.atomic
def finish_push(actor: Actor, run_id: str, *, outcome: str = "ok", reason: str = "") -> Receipt:
    """End a push; ending it twice changes nothing.

    Returns:
        The receipt without its list of files.

    Raises:
        NoSuchPushError: unknown, or somebody else's.
    """
    push = Push.objects.select_for_update().filter(run_id=run_id).first()
    if push is None or push.actor_id != actor.id:
        raise NoSuchPushError
    if push.closed_at is None:
        close_push(push, runs.Outcome(outcome), reason)
    return summary(push)


def close_push(push: Push, outcome: runs.Outcome, reason: str = "", links: Sequence[runs.Link] = ()) -> None:
    """End the run of a push with its evidence."""
    units = list(push.units.order_by("committed_at", "uid").values_list("uid", "listing_hash"))
    evidence = hashlib.sha256("".join(f"{uid} {digest}\n" for uid, digest in units).encode()).hexdigest()
    receipt = runs.finish(
        push.run_id,
        outcome,
        reason=reason,
        links=links,
        parameters={"file_count": push.file_count, "byte_count": push.byte_count, "units_sha256": evidence},
    )
    push.closed_at = clock.now()
    if receipt:
        push.ledger_index, push.ledger_size, push.ledger_root = receipt.index, receipt.size, receipt.root
    push.save()


def settle_abandoned() -> int:
    """End pushes that fell silent a week ago: what arrived is kept, the outcome is uncertain."""
    silent = Push.objects.filter(closed_at=None, last_unit_at__lt=clock.now() - ABANDONED_AFTER)
    count = 0
    for push in silent[:1000]:
        with transaction.atomic():
            close_push(push, runs.Outcome.UNCERTAIN, "The client fell silent; what arrived is kept.")
        count += 1
    return count


def summary(push: Push) -> Receipt:
    """The receipt without its list of files."""
    ledger = {"index": push.ledger_index, "size": push.ledger_size, "root": push.ledger_root}
    return {
        "run": push.run_id,
        "dataset_id": push.dataset_id,
        "count": push.file_count,
        "bytes": push.byte_count,
        "opened_at": clock.isoformat(push.opened_at),
        "closed_at": clock.isoformat(push.closed_at) if push.closed_at else None,
        "by": push.actor_name,
        "ledger": ledger if push.ledger_index is not None else None,
    }


def _own_push(actor: Actor, run_id: str) -> Push:
    push = Push.objects.filter(run_id=run_id).first()
    if push is None or (push.actor_kind, push.actor_id) != (actor.kind, actor.id):
        raise NoSuchPushError
    policy.require_verb(actor, "write")
    if push.closed_at is not None:
        raise PushClosedError
    return push


def _actor_of(push: Push) -> Actor:
    kind: Literal["instrument", "person"] = "instrument" if push.actor_kind == "instrument" else "person"
    return identity.actor_of_record(kind, push.actor_id, push.actor_name, push.token_id)
