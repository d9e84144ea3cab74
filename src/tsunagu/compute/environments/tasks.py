"""Background work of the room: environments that nobody uses go."""

from __future__ import annotations

import datetime as dt

from tsunagu.compute.environments.services import remove_unused
from tsunagu.core import jobs


@jobs.every(dt.timedelta(hours=12))
@jobs.job(priority=-50)
def tidy() -> None:
    """Remove what no job got for a long time."""
    remove_unused()
