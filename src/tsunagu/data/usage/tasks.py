"""What the room listens to, and what it does now and then."""

from __future__ import annotations

import datetime as dt

from tsunagu.core import events, jobs
from tsunagu.data.usage import citing, counts
from tsunagu.data.usage.models import Citation, UsageCount, UsageHit, UsageInstitution

_PART = 500


@jobs.every(dt.timedelta(minutes=1))
@jobs.job(priority=-30)
def count_new() -> None:
    """The numbers of what happened since the last time."""
    counts.count_new()


@jobs.every(dt.timedelta(hours=6))
@jobs.job(priority=-40)
def close_months() -> None:
    """Months whose numbers stand lose their hits; days that are over lose what hid their users."""
    counts.close_months()


@events.subscribe("harvesting.changed")
@jobs.job(priority=-40)
def look_for_citations(ids: list[int]) -> None:
    """Records of other repositories came, changed or went."""
    citing.look(ids)


@events.subscribe("publication.changed")
@jobs.job(priority=-40)
def look_at_own(publication: str, **_more: object) -> None:
    """A publication of this node came, changed or went."""
    citing.look_at_own(publication)


@jobs.every(dt.timedelta(days=1))
@jobs.job(priority=-45)
def look_at_all_own() -> None:
    """Names of publications here that agencies have confirmed since."""
    citing.look_at_all_own()


@jobs.every(dt.timedelta(days=7))
@jobs.job(priority=-45)
def look_again() -> None:
    """Ask every record anew: a dataset may have been published after what cites it."""
    look_on.enqueue(after=0)


@jobs.job(priority=-45)
def look_on(after: int) -> None:
    """A part of the records, and then the next."""
    ids = citing.look_after(after, limit=_PART)
    if ids:
        look_on.enqueue(after=ids[-1])


@events.subscribe("datasets.removed")
@jobs.job(priority=-20)
def forget(dataset_id: str) -> None:
    """A dataset that is gone has no use any more."""
    for table in (UsageHit, UsageCount, UsageInstitution, Citation):
        table.objects.filter(dataset_id=dataset_id).delete()
