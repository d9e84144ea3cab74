"""Bytes that arrive before a commit names them: what git-lfs and Xet clients send.

Nobody learns whether the node has a content unless they sent it to this very dataset or may read it in the same key
domain.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from django.db import transaction

from tsunagu.core import clock, settings
from tsunagu.core.capabilities import shelf_epoch
from tsunagu.core.errors import CapabilityRefusedError
from tsunagu.core.ids import new_id
from tsunagu.data.capture.services import intact
from tsunagu.data.capture.types import StagedArrival, Who
from tsunagu.data.datasets import api as datasets
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.storage import api as storage

# Clients ask once for the addresses of hundreds of files and cannot ask again; each takes one content, and the rules are
# asked again when it has come.
_ADDRESS_S = 86_400.0
_PART = 64 << 20
_MOST_PARTS = 1000
_GRAIN = 64 << 10  # parts end where chunks of sealed objects end


def part_size(byte_count: int) -> int:
    """How long the parts are in which a large file may be sent."""
    least = -(-byte_count // _MOST_PARTS)
    return max(_PART, -(-least // _GRAIN) * _GRAIN)


Found = tuple[dict[bytes, storage.Waiting], dict[bytes, storage.Location]]


def find(actor: Actor, dataset: datasets.DatasetCard, hashes: Iterable[bytes]) -> Found:
    """Those of the contents that the actor may name in a dataset: objects that wait for it, and others by their place."""
    wanted = set(hashes)
    held = storage.waiting(sender_of(actor, dataset.id), wanted, dataset.key_domain)
    readable = datasets.readable_contents(actor, wanted - set(held), dataset.key_domain)
    return held, intact(storage.locate(readable, dataset.domains))


def available(actor: Actor, dataset: datasets.DatasetCard, hashes: Iterable[bytes]) -> dict[bytes, int]:
    """Sizes of those contents that need not be sent (again), by SHA-256."""
    held, places = find(actor, dataset, hashes)
    both: tuple[Mapping[bytes, storage.Waiting | storage.Location], ...] = (held, places)
    return {sha256: one.byte_count for part in both for sha256, one in part.items()}


def permit_object(
    actor: Actor, dataset: datasets.DatasetCard, sha256: bytes, byte_count: int, *, in_parts: bool
) -> str:
    """The address on the byte server to which one content may be sent.

    Raises:
        ActionDeniedError: the actor may not push here.
        KeyDestroyedError, KeyMissingError: the dataset is sealed and its key is gone.
    """
    policy.require(actor, "dataset.push", dataset.resource)
    token = storage.stage_capability(
        "stage",
        sender_of(actor, dataset.id),
        who=(actor.kind, actor.id, actor.token_id),
        domain=dataset.key_domain,
        lifetime_s=_ADDRESS_S,
        u=new_id(),
        h=sha256.hex(),
        n=byte_count,
        c=part_size(byte_count) if in_parts else byte_count,
    )
    return f"{settings.current().bytes_address}/lfs/{token}"


@dataclass(frozen=True, slots=True)
class XetAccess:
    """What a Xet client needs to upload: where, with which token, and until when (seconds since 1970)."""

    address: str
    token: str
    expires_at_s: int


def permit_xet(actor: Actor, dataset: datasets.DatasetCard) -> XetAccess:
    """Access to the byte server for a Xet client.

    Clients remember by address which data they have sent, so each sender has an address of their own for each dataset
    and key domain: what was sent for one is never named in an upload to another.

    Raises:
        ActionDeniedError: the actor may not push here.
        KeyDestroyedError, KeyMissingError: the dataset is sealed and its key is gone.
    """
    policy.require(actor, "dataset.push", dataset.resource)
    sender = sender_of(actor, dataset.id)
    epoch = shelf_epoch(settings.current().spool)
    words = f"{sender.dataset_id} {sender.actor_id} {dataset.key_domain} {epoch}"
    scope = hashlib.sha256(words.encode()).hexdigest()[:32]
    who = (actor.kind, actor.id, actor.token_id)
    token = storage.stage_capability("xet", sender, who=who, domain=dataset.key_domain, s=scope)
    node = settings.current()
    expires_at_s = int(clock.epoch_s()) + node.capability_lifetime_s
    return XetAccess(f"{node.bytes_address}/xet/{scope}", token, expires_at_s)


def sender_of(actor: Actor, dataset_id: str) -> storage.Sender:
    """Whom objects wait for."""
    return storage.Sender(dataset_id, actor.id)


def known_to(dataset_id: str, who: Who, domain: str, hashes: Iterable[bytes]) -> dict[bytes, int]:
    """Sizes of those contents that a sender need not send, by SHA-256; asked by the byte server for its client.

    Raises what ``stage_arrival`` raises.
    """
    actor = _actor_of(who)
    return available(actor, _entered(actor, dataset_id, domain), hashes)


def _actor_of(who: Who) -> Actor:
    kind, actor_id, token_id = who
    actor = identity.actor_of_record(cast("identity.ActorKind", kind), actor_id, "", token_id)
    if not identity.is_active(actor):
        raise CapabilityRefusedError("The account or access token behind this upload was closed.")
    return actor


def _entered(actor: Actor, dataset_id: str, domain: str) -> datasets.DatasetCard:
    """The dataset, after asking the rules again."""
    card = datasets.get_dataset_by_id(actor, dataset_id)
    policy.require(actor, "dataset.push", card.resource)
    if card.key_domain != domain:
        raise datasets.SealedMeanwhileError
    if domain:
        storage.key_ring().require(domain)
    return card


@transaction.atomic
def stage_arrival(arrival: StagedArrival) -> str:
    """Let an object wait that the byte server made durable; the same unit again changes nothing.

    Returns:
        The key of the object that waits; another one than that of the arrival may be deleted.

    Raises:
        CapabilityRefusedError: the account or token behind it was closed meanwhile.
        ActionDeniedError, NotFoundError: the actor may not push here any more.
        SealedMeanwhileError: the dataset was sealed since the capability was given.
        KeyDestroyedError: its key was destroyed since then.
    """
    actor = _actor_of(arrival.who)
    datasets.lock_dataset(actor, arrival.dataset_id)
    _entered(actor, arrival.dataset_id, arrival.object.domain)
    return storage.await_name(
        arrival.object, arrival.sha256, arrival.byte_count, sender_of(actor, arrival.dataset_id)
    )
