"""What the room does by itself: scanned pages are read, decisions that lost their worker are carried out."""

from __future__ import annotations

import contextlib
import datetime as dt

from tsunagu.core import clock, events, jobs
from tsunagu.core.errors import NotFoundError, TsunaguError
from tsunagu.data.capture import api as capture
from tsunagu.data.datasets import api as datasets
from tsunagu.data.scans import api as scans
from tsunagu.data.unsorted import carrying, looking
from tsunagu.data.unsorted.models import Decision, Inbox, Left
from tsunagu.foundation.identity.api import SYSTEM
from tsunagu.foundation.runs import api as runs

_AT_ONCE = 200
_SILENT = dt.timedelta(minutes=10)


@events.subscribe("capture.files_arrived")
@jobs.job(priority=-28)
def read_pages(dataset_id: str, unit: str) -> None:
    """Have the pages of files that came into an inbox read."""
    with contextlib.suppress(NotFoundError):  # removed meanwhile
        card = datasets.get_dataset_by_id(SYSTEM, dataset_id)
        if not looking.is_inbox(card):
            return
        paths = [path for path, _, _ in capture.unit_files(unit) if scans.may_have_pages(path)]
        for start in range(0, len(paths), _AT_ONCE):
            # Sorted, removed or destroyed meanwhile: the others are read all the same.
            with contextlib.suppress(TsunaguError):
                if there := datasets.draft_hashes(card, paths[start : start + _AT_ONCE]):
                    scans.start(SYSTEM, card, list(there))


@jobs.every(dt.timedelta(minutes=10))
@jobs.job(priority=-50)
def look() -> None:
    """Take up decisions that lost their job."""
    silent = Decision.objects.filter(state="open", changed_at__lt=clock.now() - _SILENT)
    queued = {job["decision"] for job in jobs.waiting(carrying.carry_out)}
    for uid in silent.values_list("uid", flat=True):
        if uid not in queued:
            carrying.carry_out.enqueue(decision=uid)


@events.subscribe("datasets.removed")
@events.subscribe("keeping.taken_apart")
@jobs.job(priority=0)
def forget(dataset_id: str) -> None:
    """Forget the mark and the notes of an inbox that was removed; what was decided stays on record in its runs."""
    for row in Decision.objects.filter(dataset_id=dataset_id, state="open").defer("files"):
        runs.finish(row.run_id, runs.Outcome.ABORTED, reason="The inbox was removed.")
    Left.objects.filter(dataset_id=dataset_id).delete()
    Inbox.objects.filter(dataset_id=dataset_id).delete()
    Decision.objects.filter(dataset_id=dataset_id).delete()
