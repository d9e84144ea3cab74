"""How bytes, dates and identifiers read: one place for all pages."""

from __future__ import annotations

import datetime as dt
import json
import unicodedata
from typing import Any

from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def bytes_text(count: int | str | None) -> str:
    """Decimal units, as disks and quotas are sold: 1,500,000 -> ``1.5 MB``; nothing for nothing."""
    if count is None or count == "":  # templates give the empty text for what is missing
        return ""
    value, unit = float(count), 0
    while value >= 999.5 and unit < len(_UNITS) - 1:  # noqa: PLR2004 - three digits are shown
        value, unit = value / 1000, unit + 1
    digits = 0 if unit == 0 or value >= 100 else 1  # noqa: PLR2004
    return f"{number_format(round(value, digits), digits, force_grouping=True)}\u202f{_UNITS[unit]}"


_JOINERS = "\u200c\u200d"  # Persian and Indic words and some emoji need them


def name_shown(name: str) -> str:
    """A file's name in which signs that nobody sees, or that turn text around, are written out: ``‹U+202E›``.

    Source: Unicode Technical Report 36, section 2.
    """
    if name.isprintable():
        return name
    return "".join(
        f"\u2039U+{ord(sign):04X}\u203a"
        if unicodedata.category(sign) in {"Cf", "Zl", "Zp"} and sign not in _JOINERS
        else sign
        for sign in name
    )


def exact_bytes(count: int) -> str:
    """Every byte, grouped: ``1,500,000 B``."""
    return f"{number_text(count)}\u202fB"


def number_text(value: float | str | None) -> str:
    """A count with groups of three; a measured number with the digits it has."""
    if value is None or value == "":
        return ""
    if isinstance(value, int):
        return number_format(value, force_grouping=True)
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def moment_html(text: str | None) -> SafeString | str:
    """``<time>`` in the viewer's zone: ``2026-04-01 14:05``."""
    if not text:
        return ""
    moment = dt.datetime.fromisoformat(text)
    local = timezone.localtime(moment)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        text,
        local.strftime("%Y-%m-%d %H:%M:%S %Z"),
        moment_text(text),
    )


def moment_text(text: str) -> str:
    """The same as plain text, for drawings."""
    return timezone.localtime(dt.datetime.fromisoformat(text)).strftime("%Y-%m-%d %H:%M")


def short_hash(text: str) -> str:
    """The first eight characters."""
    return text[:8]


def is_number(value: Any) -> bool:
    """Whether a value of a table is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


# What ends a script element, or a line of one, inside a text of JSON.
_ENDS = str.maketrans({sign: f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"})


def json_ld(document: dict[str, Any]) -> SafeString:
    """Linked data for search engines, in a block that browsers do not run and no text in it can leave."""
    text = json.dumps(document, ensure_ascii=False).translate(_ENDS)
    return format_html('<script type="application/ld+json">{}</script>', SafeString(text))


def cell_text(value: Any) -> str:
    """A value of a table as text: nothing for a missing one, lists and records as JSON."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.10g}"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)
