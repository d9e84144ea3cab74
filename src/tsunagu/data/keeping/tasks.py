"""Background work of the room: taking destroyed datasets apart, locks, copies, reading everything again."""

from __future__ import annotations

import datetime as dt
import logging

from tsunagu.core import events, jobs, settings
from tsunagu.core.errors import NotFoundError, TsunaguError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.keeping import destroying, retention, scrubbing, succession
from tsunagu.foundation.identity.api import SYSTEM
from tsunagu.foundation.storage import api as storage

logger = logging.getLogger(__name__)
TAKEN_APART = "keeping.taken_apart"
_PART = 4 << 30


@events.subscribe("datasets.removed")
@jobs.job(priority=5)
def take_apart(dataset_id: str) -> None:
    """Delete what is left of a destroyed dataset. Whoever keeps more about it hears ``keeping.taken_apart``."""
    destroying.take_apart(dataset_id)
    events.record(TAKEN_APART, dataset_id=dataset_id)


@jobs.every(dt.timedelta(days=1))
@jobs.job(priority=-50)
def finish_removals() -> None:
    """Take up removals that got stuck, and packs that could not be written anew."""
    for dataset_id in datasets.remains():
        jobs.enqueue_once(take_apart, dataset_id=dataset_id)
    storage.flag_gaps()
    storage.rewrite_waiting()
    storage.drop_leaving()


@events.subscribe(retention.RETAINED)
@jobs.job(priority=-10)
def lock_objects(dataset_id: str) -> None:
    """Have the stores refuse to give up what is retained."""
    retention.lock_objects(dataset_id)


@events.subscribe("datasets.frozen")
@jobs.job(priority=-10)
def lock_after_freeze(dataset_id: str, number: int) -> None:
    """The same for a version that was frozen under a retention."""
    del number
    retention.lock_objects(dataset_id)


@events.subscribe("datasets.created")
@jobs.job(priority=10)
def hold_new(dataset_id: str) -> None:
    """Put the hold of a project on a dataset that came later."""
    try:
        card = datasets.get_dataset_by_id(SYSTEM, dataset_id)
    except NotFoundError:
        return
    retention.place_holds(card.project_id)


@jobs.every(dt.timedelta(hours=1))
@jobs.job(priority=-50)
def adopt() -> None:
    """Give what guests whose stay ended owned alone to who answered for them."""
    succession.adopt()


@events.subscribe("capture.files_arrived")
@jobs.job(priority=-15)
def copy_soon(dataset_id: str, unit: str) -> None:
    """Copy what arrived to the second store; many arrivals in a row share one job."""
    del dataset_id, unit
    if settings.current().replica_url:
        jobs.enqueue_once(copy_waiting)


@jobs.every(dt.timedelta(hours=1))
@jobs.job(priority=-15)
def copy_waiting() -> None:
    """Copy what has no copy; a second store that is down is asked again within the hour."""
    try:
        count, _ = storage.copy_waiting(most_bytes=_PART)
    except (TsunaguError, OSError):
        logger.warning("replica_failed", exc_info=True)
        return
    if count and storage.behind().waiting_count:
        jobs.enqueue_once(copy_waiting)


@jobs.every(dt.timedelta(days=1))
@jobs.job(priority=-50)
def scrub_share() -> None:
    """Read a share of the objects again, and sweep the second store."""
    for _ in scrubbing.scrub(most_bytes=scrubbing.nightly_share()):
        pass
    try:
        storage.sweep_replica(older_than_s=86400)
    except (TsunaguError, OSError):
        logger.warning("replica_failed", exc_info=True)
