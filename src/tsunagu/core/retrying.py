"""When a service is asked again that did not answer, or was busy: when it wishes, else later each time."""

from __future__ import annotations

import random
from email.utils import parsedate_to_datetime

from tsunagu.core import clock

FIRST_S, LONGEST_S = 5.0, 900.0
_LONGEST_ASKED_S = 86_400.0


def wait_s(tries: int, after: str = "") -> float:
    """Seconds until the next try.

    Args:
        tries: How often it was tried already; the longest wait doubles with each, up to a quarter of an hour.
        after: The answer's header ``Retry-After``, seconds or a date; kept up to a day.
    """
    asked = asked_s(after)
    if asked is not None:
        return min(max(asked, 1.0), _LONGEST_ASKED_S)
    most = min(LONGEST_S, FIRST_S * 2 ** min(max(tries - 1, 0), 20))
    return random.uniform(FIRST_S, most)  # noqa: S311 - spreads requests


def asked_s(after: str) -> float | None:
    """Seconds that a header ``Retry-After`` asks for, less than nothing where its date is past; None where it says nothing."""
    try:
        if after.isascii() and after.isdigit():
            return float(after)
        return (parsedate_to_datetime(after) - clock.now()).total_seconds() if after else None
    except (TypeError, ValueError):  # no date, or one without a time zone
        return None
