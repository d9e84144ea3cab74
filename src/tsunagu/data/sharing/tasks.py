"""Background work of the room."""

from __future__ import annotations

import datetime as dt

from tsunagu.core import events, jobs
from tsunagu.data.sharing import requests, services


@jobs.every(dt.timedelta(minutes=10))
@jobs.job(priority=-50)
def end_roles() -> None:
    """Record the end of roles that are over; the rules stopped counting them at their moment."""
    services.end_roles()


@jobs.every(dt.timedelta(days=1))
@jobs.job(priority=-50)
def expire_requests() -> None:
    """End requests that nobody answered."""
    requests.expire()


@events.subscribe("datasets.removed")
@jobs.job(priority=-20)
def end_requests(dataset_id: str) -> None:
    """Decline what was asked about a dataset that was destroyed."""
    requests.end_of_removed(dataset_id)
