"""Previews and readings are made of a dataset's bytes: they are sealed with them, and go when they are destroyed."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction

from tsunagu.core.errors import NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description.models import Extraction, Fact, PreviewContent, Proposal
from tsunagu.foundation.identity.api import SYSTEM
from tsunagu.foundation.storage import api as storage

_MARK = b"sealed\0"  # no zlib stream begins so
_BATCH = 200


def hide(row: Extraction, domain: str) -> Extraction:
    """Seal what a row says of the content: text of the file stands in it."""
    if not domain or bytes(row.outcome).startswith(_MARK):
        return row
    subject = bytes(row.sha256)
    previews = storage.seal_note(domain, json.dumps(row.previews).encode(), subject + b"previews")
    row.previews = [{"sealed": base64.b64encode(previews).decode(), "domain": domain}] if row.previews else []
    row.outcome = _MARK + domain.encode() + storage.seal_note(domain, bytes(row.outcome), subject)
    return row


def shown_outcome(row: Extraction) -> bytes:
    """The compressed outcome in a row.

    Raises:
        NotFoundError: it is sealed, and its key is gone.
    """
    stored = bytes(row.outcome)
    if not stored.startswith(_MARK):
        return stored
    domain, sealed = stored[len(_MARK) :][:26].decode(), stored[len(_MARK) + 26 :]
    try:
        return storage.open_note(domain, sealed, bytes(row.sha256))
    except (storage.KeyDestroyedError, storage.KeyMissingError) as error:
        raise NotFoundError(error.message) from None


def shown_previews(row: Extraction) -> list[dict[str, Any]]:
    """The previews in a row; none when they are sealed and their key is gone."""
    found: list[dict[str, Any]] = row.previews
    if not found or "sealed" not in found[0]:
        return found
    sealed = base64.b64decode(found[0]["sealed"])
    try:
        found = json.loads(storage.open_note(found[0]["domain"], sealed, bytes(row.sha256) + b"previews"))
    except (storage.KeyDestroyedError, storage.KeyMissingError):
        return []
    return found


def seal_readings(dataset_id: str) -> int:
    """Bring readings and previews of a sealed dataset into its key domain; returns how many pictures were moved."""
    card = datasets.get_dataset_by_id(SYSTEM, dataset_id)
    if card.seal_state != "sealed":
        return 0
    mine = Extraction.objects.filter(dataset_id=dataset_id)
    hashes = _pictures(mine)
    moved = storage.reseal(hashes, card.key_domain)
    there = storage.locate(hashes, (card.key_domain,))
    # A picture that another dataset shows must stay.
    others = PreviewContent.objects.exclude(extraction__dataset_id=dataset_id)
    shown = {bytes(row) for row in others.filter(sha256__in=list(there)).values_list("sha256", flat=True)}
    needed = datasets.needed_plain(card.row_id)

    def still_needed(asked: Sequence[bytes]) -> set[bytes]:
        return needed(asked) | (shown & set(asked))

    storage.drop_plain(there, still_needed)
    keys = list(mine.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(keys), _BATCH):
        rows = [hide(row, card.key_domain) for row in mine.filter(pk__in=keys[start : start + _BATCH])]
        with transaction.atomic():
            Extraction.objects.bulk_update(rows, ["outcome", "previews"])
            PreviewContent.objects.filter(extraction__in=rows).delete()
    return moved.count


@transaction.atomic
def forget_derived(dataset_id: str) -> int:
    """Remove what was read out of bytes that were destroyed; what people said stays. Returns how many readings went."""
    Fact.objects.filter(dataset_id=dataset_id).delete()
    Proposal.objects.filter(dataset_id=dataset_id).delete()
    count, _ = Extraction.objects.filter(dataset_id=dataset_id).delete()
    return count


def _pictures(rows: Any) -> set[bytes]:
    several: Iterable[Extraction] = rows.exclude(previews=[]).defer("outcome").iterator(chunk_size=500)
    return {
        bytes.fromhex(preview["sha256"])
        for row in several
        for preview in shown_previews(row)
        if preview.get("sha256")
    }
