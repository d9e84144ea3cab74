"""Background work of the room."""

from __future__ import annotations

from tsunagu.compute.jobs import logs
from tsunagu.core import events, jobs


@events.subscribe("datasets.removed")
@events.subscribe("datasets.shredded")
@jobs.job(priority=5)
def drop_logs(dataset_id: str) -> None:
    """A log may quote the data that was destroyed."""
    logs.drop(dataset_id)
