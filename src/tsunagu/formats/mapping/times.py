"""Points in time as instruments write them, as ISO 8601. What can be read two ways is not read at all."""

from __future__ import annotations

import datetime as dt
import re

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_YEAR_FIRST = re.compile(r"^(\d{4})\s*[-/.:年]\s*(\d{1,2})\s*[-/.:月]\s*(\d{1,2})日?(?!\d)")
_COMPACT = re.compile(r"^(\d{4})(\d{2})(\d{2})(?=\D|$|\d{4,6}(\D|$))")
_DAY_MONTH_WORD = re.compile(
    r"^(?:[A-Za-z]{3,9},?\s+)?(\d{1,2})[-/ .]([A-Za-z]{3,9})\.?[-/ .,]+(\d{4}|\d{2})(?!\d)"
)
_MONTH_WORD_DAY = re.compile(
    r"^(?:[A-Za-z]{3,9},?\s+)?([A-Za-z]{3,9})\.?\s+(\d{1,2}),?\s+(?:(.*?)\s+)?(\d{4})$"
)
_YEAR_WORD_DAY = re.compile(r"^(\d{4})[-/ ]([A-Za-z]{3,9})[-/ ](\d{1,2})(?!\d)")
_TWO_AND_TWO = re.compile(r"^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})(?!\d)")
_TIME = re.compile(
    r"^[T\s,_/-]*(\d{1,2})[:時]?(\d{2})(?:[:分]?(\d{2})(?:[.,:](\d{1,9}))?秒?)?\s*([AaPp][Mm])?\s*"
    r"(Z|UTC|GMT|[+-]\d{2}:?\d{2})?\s*$"
)
_MOST_MONTHS = 12
_NOON = 12
_THIS_CENTURY = 70


def as_iso(text: str, *, pattern: str | None = None, time: str | None = None) -> str | None:
    """The time as ISO 8601, with the zone only if the file names one; ``None`` for what is unclear.

    Args:
        text: A date, or a date with a time.
        pattern: A ``strptime`` pattern that settles the order of day and month; other forms are taken too.
        time: The time of day, where it stands under a key of its own.
    """
    text = " ".join(text.split())
    split = (_by_pattern(text, pattern) if pattern else None) or _date(text)
    if split is None:
        return None
    day, rest = split
    # A time beside the date that makes no sense leaves the date standing; behind it, all is doubtful.
    clock = _clock(rest) if rest.strip() else _clock(time or "") or ""
    if clock is None:
        return None
    return f"{day.isoformat()}T{clock}" if clock else day.isoformat()


def _by_pattern(text: str, pattern: str) -> tuple[dt.date, str] | None:
    try:
        found = dt.datetime.strptime(text, pattern)  # noqa: DTZ007 - files rarely name a zone
    except ValueError:
        return None
    has_time = any(code in pattern for code in ("%H", "%I", "%X", "%c"))
    return found.date(), found.time().isoformat() if has_time else ""


def _date(text: str) -> tuple[dt.date, str] | None:
    """The date and the text behind it."""
    try:
        for form in (_year_first, _with_word, _two_and_two):
            if found := form(text):
                return found
    except ValueError:
        # 31 February.
        return None
    return None


def _year_first(text: str) -> tuple[dt.date, str] | None:
    match = _YEAR_FIRST.match(text) or _COMPACT.match(text)
    if match is None:
        return None
    return dt.date(*(int(match.group(n)) for n in (1, 2, 3))), text[match.end() :]


def _with_word(text: str) -> tuple[dt.date, str] | None:
    if match := _DAY_MONTH_WORD.match(text):
        year, word, day, rest = (
            _full_year(match.group(3)),
            match.group(2),
            match.group(1),
            text[match.end() :],
        )
    elif match := _MONTH_WORD_DAY.match(text):
        year, word, day, rest = int(match.group(4)), match.group(1), match.group(2), match.group(3) or ""
    elif match := _YEAR_WORD_DAY.match(text):
        year, word, day, rest = int(match.group(1)), match.group(2), match.group(3), text[match.end() :]
    else:
        return None
    month = _MONTHS.get(word[:3].lower())
    return (dt.date(year, month, int(day)), rest) if month else None


def _two_and_two(text: str) -> tuple[dt.date, str] | None:
    """03/04/2000 is March in one country and April in another; only a number above 12 tells."""
    match = _TWO_AND_TWO.match(text)
    if match is None:
        return None
    first, second, year = (int(match.group(n)) for n in (1, 2, 3))
    if first > _MOST_MONTHS >= second:
        return dt.date(year, second, first), text[match.end() :]
    if second > _MOST_MONTHS >= first:
        return dt.date(year, first, second), text[match.end() :]
    return None


def _full_year(text: str) -> int:
    year = int(text)
    if len(text) == 4:  # noqa: PLR2004 - a year in full
        return year
    return year + (1900 if year >= _THIS_CENTURY else 2000)


def _clock(text: str) -> str | None:
    """Hours, minutes, seconds and zone; ``None`` when the text is no time of day."""
    match = _TIME.match(text.strip())
    if match is None:
        return None
    hour, minute, second = int(match.group(1)), int(match.group(2)), int(match.group(3) or 0)
    if match.group(5):
        hour = hour % _NOON + (_NOON if match.group(5).lower() == "pm" else 0)
    zone = match.group(6) or ""
    zone = (
        "Z" if zone in {"Z", "UTC", "GMT"} else zone if ":" in zone or not zone else f"{zone[:3]}:{zone[3:]}"
    )
    try:
        bare = dt.time(hour, minute, second).isoformat()
    except ValueError:
        return None
    fraction = (match.group(4) or "")[:6].rstrip("0")
    return f"{bare}{'.' + fraction if fraction else ''}{zone}"
