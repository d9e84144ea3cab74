"""Destroying a dataset, and what a page says of how one is kept."""

from __future__ import annotations

import datetime as dt
import time

from django.db import OperationalError, transaction

from tsunagu.core import clock
from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets.api import DatasetCard, TombstoneCard
from tsunagu.data.keeping import legal_holds, retention
from tsunagu.data.keeping.errors import HeldError, NoReasonError, RetainedError
from tsunagu.data.keeping.types import KeepingCard
from tsunagu.foundation.identity.api import SYSTEM, Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.storage import api as storage

_PATIENCE = 5


@transaction.atomic
def destroy(actor: Actor, card: DatasetCard, *, reason: str) -> TombstoneCard:
    """Remove a dataset for good; a tombstone stays, and the ledger keeps what happened.

    Raises:
        ActionDeniedError: the actor may not, or the rules hold it.
        RetainedError: it must be kept until a date.
        HeldError: a legal hold lies on it.
        NoReasonError: no reason was given.
    """
    policy.require(actor, "dataset.destroy", card.resource)
    if not reason.strip():
        raise NoReasonError
    # Asked again here, of the rows themselves: a hold of the rules that went missing opens nothing.
    ends = retention.keep_until(card.id)
    if ends is not None:
        raise RetainedError(f"{card.slug} must be kept through {retention.last_day(ends)}.")
    if retention.is_held(card.id, card.project_id):
        raise HeldError
    run_id = datasets.remove_dataset(actor, card, reason=reason.strip()[:4000])
    if card.key_domain:
        # Not before the rows are written: a key that is gone brings nothing back.
        transaction.on_commit(lambda: _destroy_key(card.id, by=actor.name, reason=reason, run_id=run_id))
    return datasets.get_tombstone(actor, card.id)


def _destroy_key(domain: str, *, by: str, reason: str, run_id: str) -> None:
    storage.key_ring().destroy(domain, by=by, reason=reason.strip()[:1000], run=run_id)
    storage.carrier().renew()  # addresses that carry keys of it open nothing any more


def take_apart(dataset_id: str) -> None:
    """Delete the rows of a destroyed dataset and the bytes that nothing else needs; repeatable at any point."""
    if dataset_id in set(storage.key_ring().domains()):  # whoever was to destroy the key was killed before
        _destroy_key(dataset_id, by=SYSTEM.name, reason="The dataset was destroyed.", run_id="")
    failures = 0
    while True:
        try:
            with transaction.atomic():
                hashes = datasets.take_apart(dataset_id)
                if hashes is None:
                    break
                storage.discard(hashes)
        except (
            OperationalError
        ):  # PostgreSQL ended one of two that waited for each other; nothing was changed
            failures += 1
            if failures > _PATIENCE:
                raise
            time.sleep(0.1 * failures)
    storage.drop_domain(dataset_id)
    storage.rewrite_waiting()
    storage.drop_leaving()  # what a process that was killed before had still to remove


def keeping_of(actor: Actor, card: DatasetCard) -> KeepingCard:
    """How a dataset is kept.

    The reasons of holds are for those who manage the dataset.

    Raises:
        NotFoundError: the actor may not read the dataset.
    """
    policy.require(actor, "dataset.read", card.resource)
    ends = retention.keep_until(card.id)
    manages = bool(policy.decide(actor, "dataset.manage", card.resource))
    stands = storage.behind()
    oldest = dt.datetime.fromisoformat(stands.waiting_since) if stands.waiting_since else None
    changed = dt.datetime.fromisoformat(card.updated_at)
    copies = "off" if not stands.is_set else "waiting" if oldest and oldest <= changed else "all"
    return KeepingCard(
        keep_until=clock.isoformat(ends) if ends else "",
        retentions=retention.retentions(card.id),
        is_held=retention.is_held(card.id, card.project_id),
        holds=legal_holds.holds_on(card.id, card.project_id) if manages else (),
        copies=copies,
        read_since=storage.checkup().read_since,
    )
