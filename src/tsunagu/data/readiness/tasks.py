"""Background work of the room: conversions, and forgetting destroyed datasets."""

from __future__ import annotations

import datetime as dt

from django.db.models import Q

from tsunagu.core import events, jobs
from tsunagu.core.errors import NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.data.readiness import conversion
from tsunagu.data.readiness.models import Attestation, Choice, Preparation
from tsunagu.foundation.identity.api import SYSTEM

_AGAIN_AFTER = dt.timedelta(seconds=2)


@jobs.job(priority=-25)
def prepare(run_id: str) -> None:
    """Make one version AI-ready, once its files have been read."""
    row = Preparation.objects.filter(run_id=run_id).exclude(state__in=("done", "failed")).first()
    if row is None:
        return
    try:
        card = datasets.get_dataset_by_id(SYSTEM, row.dataset_id)
    except NotFoundError:
        return  # destroyed since
    if description.progress(card).is_running or not conversion.claim(row):
        jobs.enqueue_later(prepare, _AGAIN_AFTER, run_id=run_id)
        return
    conversion.run(row)


@jobs.every(dt.timedelta(hours=1))
@jobs.job(priority=-50)
def settle() -> None:
    """End preparations whose job is gone for good."""
    for row in Preparation.objects.filter(state__in=("waiting", "working")):
        if not jobs.waiting(prepare, run_id=row.run_id):
            conversion.give_up(row)


@events.subscribe("datasets.removed")
@jobs.job(priority=0)
def forget(dataset_id: str) -> None:
    """Forget what was asked, attested and chosen about a destroyed dataset."""
    Preparation.objects.filter(Q(dataset_id=dataset_id) | Q(derived_id=dataset_id)).delete()
    Attestation.objects.filter(dataset_id=dataset_id).delete()
    Choice.objects.filter(dataset_id=dataset_id).delete()
