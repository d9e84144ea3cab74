"""Background work of the room."""

from __future__ import annotations

import datetime as dt

from tsunagu.core import jobs, settings
from tsunagu.foundation.storage import services


@jobs.every(dt.timedelta(hours=6))
@jobs.job(priority=-50)
def sweep() -> None:
    """Remove objects that no row names, and finished jobs of last week."""
    services.sweep(settings.current().sweep_age_s)
    jobs.forget_finished()
