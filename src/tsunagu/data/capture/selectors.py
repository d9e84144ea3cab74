"""Reading pushes and receipts."""

from __future__ import annotations

import json
import zlib

from tsunagu.core import clock
from tsunagu.core.errors import NotFoundError
from tsunagu.data.capture.errors import NoSuchPushError
from tsunagu.data.capture.models import Push, Unit
from tsunagu.data.capture.services import summary
from tsunagu.data.capture.types import PushCard, Receipt
from tsunagu.data.datasets import api as datasets
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy


def receipt(actor: Actor, run_id: str) -> Receipt:
    """The receipt of a push, naming every file with its hash; for its owner and for those who see the draft.

    Raises:
        NoSuchPushError: unknown, or not for this actor.
    """
    push = Push.objects.filter(run_id=run_id).first()
    if push is None:
        raise NoSuchPushError
    try:
        card = datasets.get_dataset_by_id(actor, push.dataset_id)
    except NotFoundError:
        raise NoSuchPushError from None
    if push.actor_id != actor.id and not policy.decide(actor, "dataset.read_draft", card.resource):
        raise NoSuchPushError
    files = [
        {"path": path, "size": size, "sha256": sha256, "how": how}
        for unit in push.units.order_by("committed_at", "uid")
        for path, size, sha256, how in _listing(unit)
    ]
    return {**summary(push), "dataset": card.slug, "files": files}


def unit_files(unit_id: str) -> list[tuple[str, int, bytes]]:
    """(path, byte count, sha256) of the files in a unit; for rooms above, which ask the rules themselves."""
    unit = Unit.objects.filter(uid=unit_id).first()
    return [(path, size, bytes.fromhex(sha256)) for path, size, sha256, _ in _listing(unit)] if unit else []


def open_pushes(actor: Actor, *, limit: int = 20) -> list[PushCard]:
    """Uploads of the actor that have not ended, newest first."""
    rows = Push.objects.filter(actor_id=actor.id, closed_at=None).order_by("-opened_at")[:limit]
    return [_card(row) for row in rows]


def pushes_of_dataset(dataset_id: str, *, limit: int = 20) -> list[PushCard]:
    """Uploads into a dataset, newest first; the caller has asked the rules."""
    return [_card(row) for row in Push.objects.filter(dataset_id=dataset_id).order_by("-opened_at")[:limit]]


def _card(row: Push) -> PushCard:
    closed = clock.isoformat(row.closed_at) if row.closed_at else None
    opened = clock.isoformat(row.opened_at)
    return PushCard(
        row.run_id, row.dataset_id, row.file_count, row.byte_count, opened, closed, row.actor_name
    )


def _listing(unit: Unit) -> list[tuple[str, int, str, str]]:
    listing: list[tuple[str, int, str, str]] = json.loads(zlib.decompress(bytes(unit.listing)))
    return listing
