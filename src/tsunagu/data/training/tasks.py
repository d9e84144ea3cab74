"""Background work of the room."""

from __future__ import annotations

import datetime as dt

from tsunagu.core import jobs
from tsunagu.data.training import services


@jobs.every(dt.timedelta(hours=6))
@jobs.job(priority=-50)
def settle() -> None:
    """End uses of which nothing was heard."""
    services.settle_silent()
