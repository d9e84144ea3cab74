"""Background work of the room: sending what waits, announcing articles."""

from __future__ import annotations

import datetime as dt

from tsunagu.core import events, jobs
from tsunagu.data.notices import offering, sending


@events.subscribe(offering.WANTED)
@jobs.every(dt.timedelta(minutes=1))
@jobs.job(priority=-20)
def deliver_due() -> None:
    """Send what partners are to know; what does not get through is tried again later."""
    sending.deliver_due()


@events.subscribe("publication.recorded")
@jobs.job(priority=-20)
def announce(publication: str) -> None:
    """Tell services of an article that rests on data of theirs."""
    offering.announce(publication)
