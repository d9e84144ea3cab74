"""Previews and readings are made of a dataset's bytes: they are sealed with them, and go when they are destroyed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction

from tsunagu.data.datasets import api as datasets
from tsunagu.data.description.models import Extraction, Fact, Proposal
from tsunagu.foundation.identity.api import SYSTEM
from tsunagu.foundation.storage import api as storage


def seal_previews(dataset_id: str) -> int:
    """Move the previews of a sealed dataset into its key domain; returns how many contents were moved."""
    card = datasets.get_dataset_by_id(SYSTEM, dataset_id)
    if card.seal_state != "sealed":
        return 0
    mine = Extraction.objects.filter(dataset_id=dataset_id).exclude(previews=[])
    hashes = _pictures(mine.values_list("previews", flat=True).iterator(chunk_size=500))
    moved = storage.reseal(hashes, card.key_domain)
    there = storage.locate(hashes, (card.key_domain,))
    # A rare act may cost one walk over all previews; a picture that another dataset shows must stay.
    others = Extraction.objects.exclude(dataset_id=dataset_id).exclude(previews=[])
    shown = _pictures(others.values_list("previews", flat=True).iterator(chunk_size=500)) & set(there)
    needed = datasets.needed_plain(card.row_id)

    def still_needed(asked: Sequence[bytes]) -> set[bytes]:
        return needed(asked) | (shown & set(asked))

    storage.drop_plain(there, still_needed)
    return moved.count


@transaction.atomic
def forget_derived(dataset_id: str) -> int:
    """Remove what was read out of bytes that were destroyed; what people said stays. Returns how many readings went."""
    Fact.objects.filter(dataset_id=dataset_id).delete()
    Proposal.objects.filter(dataset_id=dataset_id).delete()
    count, _ = Extraction.objects.filter(dataset_id=dataset_id).delete()
    return count


def _pictures(several: Iterable[Sequence[dict[str, Any]]]) -> set[bytes]:
    return {
        bytes.fromhex(preview["sha256"])
        for previews in several
        for preview in previews
        if preview.get("sha256")
    }
