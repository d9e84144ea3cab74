"""Background work of the room: sending, asking, following the record."""

from __future__ import annotations

import datetime as dt

from tsunagu.core import events, jobs
from tsunagu.data.depositing import delivering, services


@events.subscribe(services.WANTED)
@jobs.every(dt.timedelta(minutes=1))
@jobs.job(priority=-30)
def deliver_due() -> None:
    """Send what is wanted in repositories and ask for what lies there; what does not get through waits."""
    delivering.deliver_due()


@events.subscribe("publication.recorded")
@jobs.job(priority=-30)
def follow_record(publication: str) -> None:
    """Bring deposits in step with a public record."""
    services.follow(publication)
