"""Moments at which a split by time cuts: as people write them, and as numbers to compare with the cells of a column.

Dates are days and times microseconds since 1970; numbers that run with time are what they are. A time without a zone is
read as the column writes its own: in UTC where the column is in UTC, and as it stands where the column says no zone.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

TIMES = frozenset({"date", "timestamp", "timestamp_utc"})
_WHOLE = frozenset({"integer", "wide_integer"})
RUNNING_KINDS = TIMES | _WHOLE | {"number"}
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_DIGITS = re.compile(r"[+-]?\d+", re.ASCII)
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - times without a zone are counted from it, too
_STEP = timedelta(microseconds=1)
_DAY = timedelta(days=1) // _STEP
_MOMENTS = 2
_LEAST, _MOST = -(2**63), 2**63 - 1


def read_moments(text: str, kind: str) -> tuple[int | float, int | float]:
    """Two moments, with ``/`` between, as numbers to compare with cells of a kind of column.

    Raises:
        ValueError: they are none, in the wrong order, or the column cannot be compared with them; says why.
    """
    if kind not in RUNNING_KINDS:
        raise ValueError("The column holds neither times nor numbers.")
    parts = [one.strip() for one in text.split("/")]
    if len(parts) != _MOMENTS:
        raise ValueError("Two moments are needed, with / between them.")
    first, second = (_read(one, kind) for one in parts)
    if first > second:
        raise ValueError("The first moment lies after the second.")
    return first, second


def moments_text(moments: Sequence[int | float], kind: str) -> str:
    """The same as people write them, ``/`` between; times in UTC say so.

    Raises:
        OverflowError: no calendar reaches that far.
    """
    return "/".join(_text(one, kind) for one in moments)


def _read(text: str, kind: str) -> int | float:
    return _read_time(text, kind) if kind in TIMES else _read_number(text, kind)


def _read_number(text: str, kind: str) -> int | float:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text!r} is no number, and the column holds numbers.")
    number: int | float = float(text)
    if math.isfinite(number) and kind in _WHOLE:
        # A whole number lies before 2.5 where it lies before 3. Not by way of a float, which would lose digits.
        number = int(text) if _DIGITS.fullmatch(text) else math.ceil(number)
    if not math.isfinite(number) or (kind in _WHOLE and not _LEAST <= number <= _MOST):
        raise ValueError(f"{text!r} is too large.")
    return number


def _read_time(text: str, kind: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no date and no time as in 2026-03-01 or 2026-03-01T09:30.") from error
    if moment.tzinfo is not None:
        if kind != "timestamp_utc":
            raise ValueError(f"{text!r} has a time zone, and the times of the column have none.")
        try:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
        except OverflowError as error:
            raise ValueError(f"{text!r} lies outside the calendar.") from error
    count = (moment - _EPOCH) // _STEP
    return -(-count // _DAY) if kind == "date" else count  # a day lies before its noon, too


def _text(moment: float, kind: str) -> str:
    if kind == "date":
        return (date(1970, 1, 1) + timedelta(days=moment)).isoformat()
    if kind in TIMES:
        return (_EPOCH + moment * _STEP).isoformat() + ("Z" if kind == "timestamp_utc" else "")
    return repr(moment)
