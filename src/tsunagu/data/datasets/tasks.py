"""Background work of the room: moving bytes into their key domain, removing those of a shredded dataset."""

from __future__ import annotations

import datetime as dt

from tsunagu.core import events, jobs
from tsunagu.data.datasets.services import sealing


@events.subscribe("datasets.sealing_begun")
@jobs.job(priority=-15)
def move_into_seal(dataset_id: str) -> None:
    """Move a batch, then queue the next: a killed worker loses no more than one."""
    if sealing.move_some(dataset_id):
        jobs.enqueue_once(move_into_seal, dataset_id=dataset_id)


@events.subscribe("datasets.shredded")
@jobs.job(priority=-15)
def forget_bytes(dataset_id: str) -> None:
    """Remove the objects of a shredded dataset."""
    sealing.forget_bytes(dataset_id)


@jobs.every(dt.timedelta(hours=6))
@jobs.job(priority=-40)
def go_on_sealing() -> None:
    """Take up what lost its job, and files that were damaged and may have been sent again."""
    for dataset_id in sealing.unfinished():
        jobs.enqueue_once(move_into_seal, dataset_id=dataset_id)
