"""Objects that arrived whole before anybody said at which path they belong.

Clients of git-lfs and of the Hub send bytes first and name them in a later commit. Until then an object waits here for
the one person and dataset it was sent for: nobody else can learn of it or name it, and no content refers to it. What
nobody names in time is forgotten, and the sweep takes the object.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction

from tsunagu.core import bulk, clock, settings
from tsunagu.foundation.storage.keys import key_ring
from tsunagu.foundation.storage.models import WaitingObject
from tsunagu.foundation.storage.selectors import Location, carrier, missing, signer
from tsunagu.foundation.storage.services import NewObject, drop_unnamed, register

KEPT_WAITING = dt.timedelta(days=7)  # as long as an upload that nobody ended


@dataclass(frozen=True, slots=True)
class Sender:
    """Whom waiting objects belong to: a person or service, and the dataset that they were sent for."""

    dataset_id: str
    actor_id: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """An object that waits; ``object.byte_count`` as it lies, ``byte_count`` in plain bytes."""

    object: NewObject
    sha256: bytes
    byte_count: int


def stage_capability(
    purpose: str, sender: Sender, *, who: Sequence[str], domain: str, lifetime_s: float = 0, **claims: object
) -> str:
    """A signed permission to send bytes that will wait; whoever calls has asked the rules.

    Args:
        purpose: ``stage`` for one object, ``xet`` for whatever a Xet client sends.
        sender: Whom they will belong to.
        who: Kind, id and token of the actor, for control to ask the rules again when they have arrived.
        domain: The key domain of the dataset; empty: it is not sealed.
        lifetime_s: How long it works; 0: as long as any signed address.
        claims: What the purpose needs besides.

    Raises:
        KeyDestroyedError, KeyMissingError: the dataset is sealed and its key is gone.
    """
    sealed = {}
    if domain:
        hidden = carrier().hide(key_ring().data_key(domain), f"stage {sender.dataset_id} {domain}")
        sealed = {"dom": domain, "dk": hidden}
    lifetime_s = lifetime_s or settings.current().capability_lifetime_s
    return signer().sign(
        purpose, lifetime_s=lifetime_s, ds=sender.dataset_id, who=list(who), **sealed, **claims
    )


def await_name(new: NewObject, sha256: bytes, byte_count: int, sender: Sender) -> str:
    """Let an object wait; returns the key of the object that waits for this unit, which was sent before perhaps."""
    row, _ = WaitingObject.objects.get_or_create(
        unit=new.unit,
        defaults={
            "key": new.key,
            "byte_count": new.byte_count,
            "domain": new.domain,
            "sha256": sha256,
            "plain_count": byte_count,
            "dataset_id": sender.dataset_id,
            "actor_id": sender.actor_id,
            "arrived_at": clock.now(),
        },
    )
    return row.key


def waiting(sender: Sender, hashes: Iterable[bytes], domain: str) -> dict[bytes, Waiting]:
    """Those of the contents that wait for a sender in a key domain and whose object is there, by SHA-256."""
    rows = bulk.select_in(
        "select sha256, key, byte_count, unit, plain_count from storage_waitingobject "
        "where dataset_id = %s and actor_id = %s and domain = %s and sha256 in ({values})",
        list(set(hashes)),
        sender.dataset_id,
        sender.actor_id,
        domain,
    )
    # After a restore a row may speak of an object that no backup had.
    gone = missing(Location(b"", key, 0, size) for _, key, size, _, _ in rows)
    found = {}
    for sha256, key, size, unit, plain in rows:
        if key not in gone:
            new = NewObject(key, size, "file", unit, domain)
            found[bytes(sha256)] = Waiting(new, bytes(sha256), plain)
    return found


def admit(objects: Iterable[Waiting]) -> None:
    """Make contents of objects that waited, in the running transaction, which names them in a dataset."""
    for one in objects:
        if WaitingObject.objects.filter(unit=one.object.unit).delete()[0]:
            register(one.object, [(one.sha256, one.byte_count, 0)])


def forget_waiting(*, older_than: dt.timedelta = KEPT_WAITING) -> int:
    """Forget what nobody named in time; the sweep takes the objects."""
    return WaitingObject.objects.filter(arrived_at__lt=clock.now() - older_than).delete()[0]


def drop_waiting(dataset_id: str, *, except_domain: str = "") -> None:
    """Remove what waits for a dataset, unless it lies in a key domain, as soon as the running transaction is through.

    A dataset that is sealed must not leave plain bytes behind, and nothing is named in one that is gone.
    """
    rows = WaitingObject.objects.filter(dataset_id=dataset_id)
    if except_domain:
        rows = rows.exclude(domain=except_domain)
    keys = list(rows.values_list("key", flat=True))
    rows.delete()
    transaction.on_commit(lambda: drop_unnamed(keys))
