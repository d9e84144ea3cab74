"""The one clock of the project, so that tests can move it."""

from __future__ import annotations

import datetime as dt
import time
import zoneinfo


def now() -> dt.datetime:
    """The present moment, aware, in UTC."""
    return dt.datetime.now(dt.UTC)


def epoch_s() -> float:
    """Seconds since 1970, UTC."""
    return time.time()


def end_of(text: str, zone: str) -> dt.datetime:
    """The moment until which something holds that holds "until" a date or a moment.

    Args:
        text: ``2027-03-31`` (that day is the last one) or an RFC 3339 moment.
        zone: Name of the time zone in which the day ends.

    Raises:
        ValueError: the text is neither.
    """
    if len(text) == len("2027-03-31"):
        day = dt.date.fromisoformat(text) + dt.timedelta(days=1)
        return dt.datetime.combine(day, dt.time(), zoneinfo.ZoneInfo(zone))
    moment = dt.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=zoneinfo.ZoneInfo(zone))


def start_of(text: str, zone: str) -> dt.datetime:
    """The moment from which something holds that holds "from" a date or a moment; like ``end_of`` otherwise.

    Raises:
        ValueError: the text is neither a date nor a moment.
    """
    if len(text) == len("2027-03-31"):
        return dt.datetime.combine(dt.date.fromisoformat(text), dt.time(), zoneinfo.ZoneInfo(zone))
    return end_of(text, zone)


def isoformat(moment: dt.datetime) -> str:
    """RFC 3339 in UTC with milliseconds: ``2026-04-01T05:05:00.000Z``."""
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
