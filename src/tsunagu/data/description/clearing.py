"""Forgetting what was said of a dataset that was destroyed: values, proposals, readings, previews."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from tsunagu.core.errors import NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description.models import Extraction, Fact, PreviewContent, Proposal, Value
from tsunagu.foundation.identity.api import SYSTEM
from tsunagu.foundation.storage import api as storage

_PART = 500


def is_there(dataset_id: str) -> bool:
    """Whether the dataset has not been destroyed."""
    try:
        datasets.get_dataset_by_id(SYSTEM, dataset_id)
    except NotFoundError:
        return False
    return True


def clear(dataset_id: str) -> None:
    """Delete every row about a destroyed dataset, and the pictures that no other dataset shows; repeatable."""
    if is_there(dataset_id):
        return
    while True:
        with transaction.atomic():
            keys = list(Extraction.objects.filter(dataset_id=dataset_id).values_list("pk", flat=True)[:_PART])
            shown = PreviewContent.objects.filter(extraction_id__in=keys).values_list("sha256", flat=True)
            hashes = {bytes(sha256) for sha256 in shown}
            Fact.objects.filter(extraction_id__in=keys).delete()
            Extraction.objects.filter(pk__in=keys).delete()
            storage.discard(hashes)
        if len(keys) < _PART:
            break
    Value.objects.filter(dataset_id=dataset_id).delete()
    Proposal.objects.filter(dataset_id=dataset_id).delete()


@storage.needs
def _shown(hashes: Iterable[bytes]) -> set[bytes]:
    """Those of the contents that a preview shows."""
    rows = PreviewContent.objects.filter(sha256__in=list(hashes)).values_list("sha256", flat=True)
    return {bytes(sha256) for sha256 in rows}
