"""Hits become the numbers of their days; the numbers stay when the hits go.

The numbers of a day are always made of all its hits, never added to: made once or bit by bit, they are the same.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections import defaultdict

from django.db import OperationalError, transaction

from tsunagu.core import clock
from tsunagu.data.usage import calendar, gathering
from tsunagu.data.usage.counting import Hit, count
from tsunagu.data.usage.models import UsageCount, UsageHit, UsageInstitution

logger = logging.getLogger(__name__)

_COLUMNS = ("at_s", "version", "is_request", "channel", "method", "target", "who", "is_job")


def count_new() -> int:
    """Make the numbers of every day that has hits which are not in them yet; returns how many days of datasets.

    A day that cannot be counted keeps no other waiting; it is tried again the next time.
    """
    count = 0
    for dataset_id, day in _new_days():
        try:
            _count(dataset_id, day)
            count += 1
        except OperationalError:
            raise  # the database is away
        except Exception:
            logger.exception("use_not_counted", extra={"dataset": dataset_id, "day": day.isoformat()})
    return count


def _new_days() -> list[tuple[str, dt.date]]:
    new = UsageHit.objects.filter(is_counted=False).values_list("dataset_id", "day").distinct()
    return sorted(new)


def rebuild() -> int:
    """Make all numbers of the open months anew from their hits; returns how many days of datasets."""
    with transaction.atomic():
        first = calendar.first_open_day()
        UsageCount.objects.filter(day__gte=first).delete()
        UsageInstitution.objects.filter(month__gte=calendar.month_of(first)).delete()
        UsageHit.objects.update(is_counted=False)
        found = _new_days()
        for dataset_id, day in found:
            _count(dataset_id, day)
        return len(found)


@transaction.atomic
def _count(dataset_id: str, day: dt.date) -> None:
    _hold(dataset_id, day)
    hits = UsageHit.objects.filter(dataset_id=dataset_id, day=day)
    # Marked before they are read: what comes meanwhile stays unmarked, and the day is made once more.
    hits.filter(is_counted=False).update(is_counted=True)
    counts = count(Hit(*row) for row in hits.values_list(*_COLUMNS))
    UsageCount.objects.bulk_create(
        [
            UsageCount(dataset_id=dataset_id, day=day, count=number, **key._asdict())
            for key, number in counts.items()
        ],
        update_conflicts=True,
        unique_fields=["dataset_id", "day", "version", "metric", "method", "channel"],
        update_fields=["count"],
    )
    _count_institutions(dataset_id, day)


def _hold(dataset_id: str, day: dt.date) -> None:
    """Let one worker at a time count a month of a dataset: a slower one would write what it read before."""
    last = calendar.last_day(calendar.month_of(day))
    hits = UsageHit.objects.filter(dataset_id=dataset_id, day__range=(day.replace(day=1), last))
    hits.select_for_update().order_by("pk").values_list("pk").first()


def _count_institutions(dataset_id: str, day: dt.date) -> None:
    first = day.replace(day=1)
    rows = UsageHit.objects.filter(dataset_id=dataset_id, day__gte=first, is_request=True)
    rows = rows.filter(day__lte=calendar.last_day(calendar.month_of(day))).exclude(institution="")
    people: defaultdict[str, set[str]] = defaultdict(set)
    requests: defaultdict[str, set[tuple[dt.date, str, str, int]]] = defaultdict(set)
    for institution, person, when, target, second in rows.values_list(
        "institution", "person", "day", "target", "at_s"
    ):
        people[institution].add(person)
        requests[institution].add((when, person, target, second // 3600))
    UsageInstitution.objects.bulk_create(
        [
            UsageInstitution(
                dataset_id=dataset_id,
                month=calendar.month_of(day),
                institution=name,
                people=len(several),
                requests=len(requests[name]),
            )
            for name, several in people.items()
        ],
        update_conflicts=True,
        unique_fields=["dataset_id", "month", "institution"],
        update_fields=["people", "requests"],
    )


def close_months() -> int:
    """Take away the hits of months whose numbers stand, and what hid users; returns how many hits."""
    count_new()
    gathering.forget_salts(clock.now())
    over = UsageHit.objects.filter(day__lt=calendar.first_open_day())
    # What could not be counted yet is counted with all the others of its month, or its numbers would shrink.
    waiting = over.filter(is_counted=False).values("dataset_id")
    return over.exclude(dataset_id__in=waiting).delete()[0]
