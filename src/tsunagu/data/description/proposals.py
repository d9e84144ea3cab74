"""What machines propose for a dataset, made from what its readers said."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.db import transaction

from tsunagu.core import clock
from tsunagu.data.description.extraction import outcome_of
from tsunagu.data.description.models import Extraction, Proposal, Value
from tsunagu.formats import api as formats

_MOST_FILES = 2000


@transaction.atomic
def refresh(dataset_id: str) -> int:
    """Replace the open proposals of a dataset; what a person set or rejected is not proposed again.

    Returns:
        How many proposals are open afterwards.
    """
    rows = Extraction.objects.filter(dataset_id=dataset_id, is_current=True).order_by("pk")[:_MOST_FILES]
    outcomes = [(row.path, formats.Outcome.from_json(outcome_of(row))) for row in rows]
    settled = set(Value.objects.filter(dataset_id=dataset_id, is_current=True).values_list("name", flat=True))
    rejected = [
        (row.name, row.value) for row in Proposal.objects.filter(dataset_id=dataset_id, state="rejected")
    ]
    Proposal.objects.filter(dataset_id=dataset_id, state="open").delete()
    fresh = [
        Proposal(
            dataset_id=dataset_id,
            name=found.key,
            value=_as_json(found.value),
            unit=found.unit or "",
            confidence=found.confidence,
            rule=found.rule,
            evidence=[asdict(item) for item in found.evidence[:20]],
            made_at=clock.now(),
        )
        for found in formats.propose(outcomes)
        if found.key not in settled and (found.key, _as_json(found.value)) not in rejected
    ]
    Proposal.objects.bulk_create(fresh)
    return len(fresh)


def _as_json(value: Any) -> Any:
    """As the database gives it back, so that a rejected list is known again."""
    return list(value) if isinstance(value, tuple) else value
