"""Background work of the room: telling agencies, lifting embargoes, following what happens to datasets."""

from __future__ import annotations

import datetime as dt

from tsunagu.core import events, jobs
from tsunagu.data.publication import mailing, outbox, promises, publishing, ready, steps


@events.subscribe(outbox.WANTED)
@jobs.every(dt.timedelta(minutes=1))
@jobs.job(priority=-10)
def deliver_due() -> None:
    """Send what outside services are to know; what does not get through is tried again later."""
    outbox.deliver_due()


@events.subscribe(outbox.SETTLED)
@jobs.job(priority=-10)
def follow_registration(doi: str, state: str) -> None:
    """Show a DOI from now on, as its agency has confirmed it."""
    publishing.settle(doi, state)


@jobs.every(dt.timedelta(minutes=10))
@jobs.job(priority=-20)
def lift_embargoes() -> None:
    """Bring records of embargoed data in step with the clock."""
    publishing.lift_embargoes()


@jobs.every(dt.timedelta(minutes=10))
@jobs.job(priority=-30)
def renew() -> None:
    """Write records anew that stand in an older form of harvesting."""
    while ready.renew():
        pass


@jobs.every(dt.timedelta(hours=1))
@jobs.job(priority=-20)
def remind() -> None:
    """Tell curators what they promised to have decided by tomorrow."""
    promises.remind()


@events.subscribe(steps.CHANGED)
@jobs.job(priority=-20)
def mail(publication: str, state: str, entry: int) -> None:
    """Tell people by mail what happened to a publication."""
    del publication, state
    mailing.tell(entry)


@events.subscribe("datasets.access_changed")
@jobs.job(priority=-20)
def follow_access(dataset_id: str) -> None:
    """Bring the public records of a dataset in step with who may read it."""
    publishing.refresh(dataset_id)


@events.subscribe("datasets.removed")
@jobs.job(priority=-20)
def follow_removal(dataset_id: str) -> None:
    """Withdraw what was public of a dataset that was destroyed."""
    publishing.end_of_removed(dataset_id)
