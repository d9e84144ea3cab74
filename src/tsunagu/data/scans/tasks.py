"""What the room does by itself: it takes up what was left, and follows what becomes of the bytes."""

from __future__ import annotations

import datetime as dt

from tsunagu.core import clock, events, jobs
from tsunagu.data.datasets import api as datasets
from tsunagu.data.scans import keeping, services
from tsunagu.data.scans.models import Scan
from tsunagu.data.scans.reading import OPEN, read_pages
from tsunagu.foundation.identity.api import SYSTEM

_SILENT = dt.timedelta(minutes=10)


@jobs.every(dt.timedelta(minutes=10))
@jobs.job(priority=-50)
def look() -> None:
    """Take up files that lost their job."""
    silent = Scan.objects.filter(state__in=OPEN, changed_at__lt=clock.now() - _SILENT)
    queued = {job["scan"] for job in jobs.waiting(read_pages)}
    # All of them: the first ones may just be waiting for their turn.
    for scan in silent.values_list("uid", flat=True):
        if scan not in queued:
            read_pages.enqueue(scan=scan)


@events.subscribe("datasets.removed")
@events.subscribe("keeping.taken_apart")
@events.subscribe("datasets.shredded")
@jobs.job(priority=0)
def forget(dataset_id: str) -> None:
    """Forget what was read of bytes that are gone."""
    if not keeping.is_there(dataset_id):
        keeping.forget(dataset_id)


@events.subscribe("datasets.sealed")
@jobs.job(priority=-15)
def read_sealed(dataset_id: str) -> None:
    """What was read before lies plain: forget it, and read the same files behind the seal."""
    plain = Scan.objects.filter(dataset_id=dataset_id, pages__domain="").distinct()
    paths = list(plain.values_list("path", flat=True))
    for scan in plain:
        keeping.forget_scan(scan)
    card = datasets.get_dataset_by_id(SYSTEM, dataset_id)
    there = datasets.draft_hashes(card, paths) if paths else {}
    if there:
        services.start(SYSTEM, card, list(there))
