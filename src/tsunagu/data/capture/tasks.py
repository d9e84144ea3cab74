"""Background work of the room."""

from __future__ import annotations

import datetime as dt

from tsunagu.core import jobs
from tsunagu.data.capture import services


@jobs.every(dt.timedelta(hours=1))
@jobs.job(priority=-50)
def settle() -> None:
    """End pushes that fell silent."""
    services.settle_abandoned()
