"""Text in CSV files that people open in a spreadsheet: what would be taken for a formula is made text again."""

from __future__ import annotations

from typing import Any

_STARTS = ("=", "+", "-", "@", "\t", "\r")


def safe_cell(value: Any) -> Any:
    """Text that begins like a formula gets an apostrophe before it; numbers and everything else stay.

    https://owasp.org/www-community/attacks/CSV_Injection
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(_STARTS) else value
