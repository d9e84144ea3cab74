"""What the federation does in the background."""

from __future__ import annotations

import datetime as dt

from tsunagu.core import jobs
from tsunagu.foundation.identity.federation import feeds


@jobs.every(dt.timedelta(hours=1))
@jobs.job(priority=-20)
def refresh_feeds() -> None:
    """Look at every feed; most of the time nothing changed and nothing is verified anew."""
    feeds.refresh_all()


def request_refresh() -> None:
    """Have a worker look at the feeds now."""
    jobs.enqueue_once(refresh_feeds)
