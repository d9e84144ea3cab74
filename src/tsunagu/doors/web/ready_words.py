"""Words of the pages about how ready data are for AI."""

from __future__ import annotations

from typing import Any

from django.utils.translation import pgettext_lazy as pgettext

from tsunagu.data.readiness.api import Result

VERDICTS = {
    "pass": ("ok", pgettext("criterion", "met")),
    "fail": ("danger", pgettext("criterion", "not met")),
    "unknown": ("warn", pgettext("criterion", "unknown")),
    "not_applicable": ("", pgettext("criterion", "does not apply")),
}
_KINDS = {
    "boolean": pgettext("kind", "yes or no"),
    "integer": pgettext("kind", "whole number"),
    "wide_integer": pgettext("kind", "whole number"),
    "number": pgettext("kind", "number"),
    "date": pgettext("kind", "date"),
    "time": pgettext("kind", "time of day"),
    "timestamp": pgettext("kind", "date and time"),
    "timestamp_utc": pgettext("kind", "date and time (UTC)"),
    "text": pgettext("kind", "text"),
    "binary": pgettext("kind", "bytes"),
    "numbers": pgettext("kind", "list of numbers"),
}
_LISTED = ("files", "changes", "columns")
_LEAST_COLUMNS = 2
_LONGEST = 21


def kind_word(kind: str) -> str:
    """The kind of a column in words."""
    return str(_KINDS.get(kind, kind))


def brief(value: Any) -> str:
    """One end of a range: six digits are enough to look at."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)[:_LONGEST].replace("T", " ")


def evidence_rows(result: Result) -> list[str]:
    """What a sentence has no room for: files with reasons, cells that changed a type, columns."""
    if result.verdict not in {"fail", "pass"} or result.rule.decided_by == "attested":
        return []
    for name in _LISTED:
        rows = result.evidence.get(name) or ()
        if rows and (name != "columns" or len(rows) > _LEAST_COLUMNS):
            return [str(row) for row in rows]
    return []
