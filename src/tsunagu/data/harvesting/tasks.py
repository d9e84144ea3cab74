"""Background work of the room: rounds that are due, a few pages at a time."""

from __future__ import annotations

import datetime as dt

from tsunagu.core import clock, jobs
from tsunagu.data.harvesting import rounds
from tsunagu.data.harvesting.models import Source


@jobs.job(priority=-40)
def go_on(name: str) -> None:
    """Ask one source for some pages, and come back for more."""
    source = Source.objects.filter(name=name).first()
    if source is None or source.state == "paused" or (source.state != "waiting" and not source.run_id):
        return
    rounds.begin(source)
    wait = rounds.go_on(source)
    if wait is not None:
        jobs.enqueue_later(go_on, wait, name=name)


@jobs.every(dt.timedelta(minutes=1))
@jobs.job(priority=-40)
def look() -> None:
    """Begin what is due, and take up what lost its job."""
    due = Source.objects.exclude(state="paused").filter(due_at__lte=clock.now())
    for source in due:
        if source.state != "waiting":
            Source.objects.filter(pk=source.pk, state=source.state).update(state="waiting")
        if not jobs.waiting(go_on, name=source.name):
            go_on.enqueue(name=source.name)


def soon(name: str) -> None:
    """Do not wait for the next look."""
    if not jobs.waiting(go_on, name=name):
        go_on.enqueue(name=name)
