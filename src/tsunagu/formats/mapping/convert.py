"""One raw value as the type and unit of its term; ``None`` where the file does not say enough."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from tsunagu.formats.mapping import times, units

if TYPE_CHECKING:
    from collections.abc import Mapping as Map

    from tsunagu.formats.types import FieldValue, Scalar

# A number, its uncertainty in brackets as crystallographers write it, and a unit.
_QUANTITY = re.compile(
    r"^\s*([+-]?(?:\d[\d,]*\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?)(?:\(\d+\))?\s*([^\d\s].{0,30})?$", re.DOTALL
)
_DECIMAL_COMMA = re.compile(r"^[+-]?\d+,\d+$")
_THOUSANDS = re.compile(r"^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$")
_CLOCK = re.compile(r"^(\d+):(\d{2})(?::(\d{2}(?:\.\d+)?))?$")
_YES = {"yes", "y", "true", "t", "on", "1", "はい"}
_NO = {"no", "n", "false", "f", "off", "0", "いいえ"}


def convert(
    value: FieldValue,
    unit: str | None,
    *,
    kind: str,
    to_unit: str | None,
    words: Map[str, str],
    pattern: str | None = None,
    time: str | None = None,
) -> tuple[FieldValue, str | None]:
    """The value and unit in the common form; ``(None, None)`` when it has none and the raw value speaks.

    A number without any unit, for a term that has one, stays raw: guessing units is how probes are lost.
    """
    if kind in {"number", "integer"}:
        return _numbers(value, unit, to_unit, is_integer=kind == "integer")
    if kind == "duration":
        return _duration(value, unit), "s"
    if kind == "boolean":
        return _boolean(value), None
    if kind == "date-time":
        shown = value[0] if isinstance(value, tuple) and value else value
        return times.as_iso(str(shown), pattern=pattern, time=time), None
    if kind == "string" and words and isinstance(value, (str, int)):
        return words.get(str(value).strip().casefold()), None
    return None, None


def _numbers(
    value: FieldValue, unit: str | None, to_unit: str | None, *, is_integer: bool
) -> tuple[FieldValue, str | None]:
    if isinstance(value, tuple):
        each = [_number(item, unit, to_unit, is_integer=is_integer) for item in value]
        if not each or any(number is None for number, _ in each):
            return None, None
        return tuple(number for number, _ in each), each[0][1]
    return _number(value, unit, to_unit, is_integer=is_integer)


def _number(
    value: Scalar, unit: str | None, to_unit: str | None, *, is_integer: bool
) -> tuple[int | float | None, str | None]:
    number, written = quantity(value)
    if number is None:
        return None, None
    unit = written or unit
    if to_unit:
        moved = units.converted(number, unit, to_unit) if unit else None
        if moved is None:
            return None, None
        number, unit = moved, to_unit
    if is_integer:
        return (int(number), unit) if float(number).is_integer() else (None, None)
    return number, unit


def quantity(value: Scalar) -> tuple[int | float | None, str | None]:
    """The number at the beginning of a value and the unit behind it."""
    if isinstance(value, bool) or value is None:
        return None, None
    if isinstance(value, (int, float)):
        return value, None
    match = _QUANTITY.match(value)
    text = _with_point(match.group(1)) if match else None
    if match is None or text is None:
        return None, None
    number = float(text.lower().replace("d", "e"))
    if not math.isfinite(number):
        return None, None
    unit = match.group(2)
    is_whole = number.is_integer() and "." not in text and "e" not in text.lower()
    return (int(number) if is_whole else number), unit.strip() if unit else None


def _with_point(text: str) -> str | None:
    """Decimal commas and thousands' commas settled; "1,234" reads two ways and is left alone."""
    if "," not in text:
        return text
    if _THOUSANDS.match(text):
        return text.replace(",", "") if text.count(",") > 1 or "." in text else None
    return text.replace(",", ".") if _DECIMAL_COMMA.match(text) else None


def _duration(value: FieldValue, unit: str | None) -> float | None:
    if isinstance(value, tuple):
        return None
    if isinstance(value, str) and (match := _CLOCK.match(value.strip())):
        hours, minutes, seconds = match.group(1), match.group(2), match.group(3)
        if seconds is None:
            # "12:30" may be minutes and seconds or hours and minutes.
            return None
        return float(hours) * 3600 + float(minutes) * 60 + float(seconds)
    number, written = quantity(value)
    known = written or unit
    return units.converted(number, known, "s") if number is not None and known else None


def _boolean(value: FieldValue) -> bool | None:
    if isinstance(value, bool):
        return value
    word = str(value).strip().casefold()
    return True if word in _YES else False if word in _NO else None
