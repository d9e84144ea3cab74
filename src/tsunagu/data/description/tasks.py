"""Background work of the room: reading files that arrived, proposing, reading again."""

from __future__ import annotations

import contextlib
import datetime as dt

from tsunagu.core import events, jobs
from tsunagu.core.ids import new_id
from tsunagu.data.capture import api as capture
from tsunagu.data.description import clearing, extraction, proposals, sealing
from tsunagu.foundation.identity.api import SYSTEM, Actor
from tsunagu.foundation.runs import api as runs

BATCH = 100
# Together two days: a store that is away longer has more to tell than this.
_TRIES, _FIRST_WAIT, _LONGEST_WAIT = 14, dt.timedelta(minutes=1), dt.timedelta(hours=6)


@events.subscribe("capture.files_arrived")
@jobs.job(priority=-10)
def read_unit(dataset_id: str, unit: str) -> None:
    """Queue the files of a unit for reading, in batches that a killed worker does not lose much of."""
    count = len(capture.unit_files(unit))
    for start in range(0, count, BATCH):
        read_batch.enqueue(dataset_id=dataset_id, unit=unit, start=start, run_id=new_id())


@jobs.job(priority=-20)
def read_batch(dataset_id: str, unit: str, start: int, run_id: str, tries: int = 0) -> None:
    """Read some files of a unit; those whose bytes cannot be had now, some minutes or hours later."""
    files = capture.unit_files(unit)[start : start + BATCH]
    if not clearing.is_there(dataset_id):
        return  # destroyed before its files were read
    try:
        count = extraction.read_files(SYSTEM, run_id, dataset_id, files, gives_up=tries >= _TRIES)
    except extraction.NotNowError as later:
        count, batch = later.count, {"dataset_id": dataset_id, "unit": unit, "start": start}
        wait = min(_FIRST_WAIT * 2**tries, _LONGEST_WAIT)
        jobs.enqueue_later(read_batch, wait, **batch, run_id=new_id(), tries=tries + 1)
    if count:
        jobs.enqueue_once(propose, dataset_id=dataset_id)


@jobs.job(priority=-30)
def propose(dataset_id: str) -> None:
    """Bring the proposals of a dataset up to date."""
    proposals.refresh(dataset_id)


@jobs.job(priority=-20)
def read_again(dataset_id: str, actor_id: str, actor_name: str, after: int, run_id: str) -> None:
    """Read files of the draft again with the mapping and readers of today, a batch at a time."""
    files = extraction.files_of(dataset_id)
    actor = Actor("person", actor_id, actor_name)
    part = files[after : after + BATCH]
    with contextlib.suppress(extraction.NotNowError):  # what was read of them before stands
        extraction.read_files(actor, run_id, dataset_id, part, again=True, gives_up=False)
    if after + BATCH < len(files):
        read_again.enqueue(
            dataset_id=dataset_id,
            actor_id=actor_id,
            actor_name=actor_name,
            after=after + BATCH,
            run_id=new_id(),
        )
    else:
        jobs.enqueue_once(propose, dataset_id=dataset_id)


@events.subscribe("datasets.removed")
@events.subscribe("keeping.taken_apart")
@jobs.job(priority=0)
def clear(dataset_id: str) -> None:
    """Forget what was said of a destroyed dataset; at its end once more, for a reading that was under way."""
    clearing.clear(dataset_id)


@events.subscribe("datasets.sealed")
@jobs.job(priority=-15)
def seal_readings(dataset_id: str) -> None:
    """Seal what was read out of a dataset as its bytes are."""
    sealing.seal_readings(dataset_id)


@events.subscribe("datasets.shredded")
@jobs.job(priority=-5)
def forget_derived(dataset_id: str) -> None:
    """Remove what was read out of bytes that were destroyed."""
    sealing.forget_derived(dataset_id)


@jobs.every(dt.timedelta(hours=1))
@jobs.job(priority=-50)
def settle() -> None:
    """End extraction runs whose workers were lost for good."""
    runs.settle_silent(kind="extract", older_than=dt.timedelta(hours=2))
