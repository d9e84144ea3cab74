"""The one clock of the project, so that tests can move it."""

from __future__ import annotations

import datetime as dt
import time


def now() -> dt.datetime:
    """The present moment, aware, in UTC."""
    return dt.datetime.now(dt.UTC)


def epoch_s() -> float:
    """Seconds since 1970, UTC."""
    return time.time()


def isoformat(moment: dt.datetime) -> str:
    """RFC 3339 in UTC with milliseconds: ``2026-04-01T05:05:00.000Z``."""
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
