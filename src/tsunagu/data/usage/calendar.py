"""Days, hours and months of the node's own time zone: what people there call a day."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from collections.abc import Iterator

from tsunagu.core import clock, settings
from tsunagu.data.usage.errors import BadMonthError

# A month takes late hits for so long; then its numbers stand.
OPEN_FOR = dt.timedelta(days=3)
_MOST_MONTHS = 120
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


def local(moment: dt.datetime) -> dt.datetime:
    """The same moment by the clock on the wall."""
    return moment.astimezone(zoneinfo.ZoneInfo(settings.current().time_zone))


def day_of(moment: dt.datetime) -> dt.date:
    """The day in which a moment lies."""
    return local(moment).date()


def second_of(moment: dt.datetime) -> int:
    """Whole seconds since midnight."""
    found = local(moment)
    return found.hour * 3600 + found.minute * 60 + found.second


def today() -> dt.date:
    """This day."""
    return day_of(clock.now())


def month_of(day: dt.date) -> str:
    """``2027-03``."""
    return f"{day:%Y-%m}"


def first_open_day() -> dt.date:
    """The first day of the earliest month whose numbers may still change."""
    return (today() - OPEN_FOR).replace(day=1)


def is_open(day: dt.date) -> bool:
    """Whether the numbers of a day may still change."""
    return day >= first_open_day()


def first_day(month: str) -> dt.date:
    """The first day of a month.

    Raises:
        BadMonthError: it is written otherwise than ``2027-03``.
    """
    if not _MONTH.fullmatch(month) or month < "0001":
        raise BadMonthError(month=month[:20])
    return dt.date.fromisoformat(f"{month}-01")


def last_day(month: str) -> dt.date:
    """The last day of a month. Raises the same."""
    first = first_day(month)
    if first.year == dt.MAXYEAR:
        raise BadMonthError(month=month)
    return (first.replace(day=28) + dt.timedelta(days=4)).replace(day=1) - dt.timedelta(days=1)


def months(first: str, last: str) -> Iterator[str]:
    """Every month from one to another.

    Raises:
        BadMonthError: they are written otherwise, in the wrong order, or more than ten years apart.
    """
    begin, end = first_day(first), last_day(last)
    count = (end.year - begin.year) * 12 + end.month - begin.month + 1
    if not 1 <= count <= _MOST_MONTHS:
        raise BadMonthError(first=first, last=last)
    for number in range(count):
        years, months_more = divmod(begin.month - 1 + number, 12)
        yield f"{begin.year + years:04}-{months_more + 1:02}"


def before(month: str, count: int) -> str:
    """The month so many months before."""
    day = first_day(month)
    years, number = divmod(day.year * 12 + day.month - 1 - count, 12)
    return f"{years:04}-{number + 1:02}"
