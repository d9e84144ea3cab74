"""Words of the pages about how ready data are for AI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy as pgettext

from tsunagu.data.readiness.api import Repair, Result
from tsunagu.doors.web.words import reason_word

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
# What people may choose of a table beside what the card offers, in the order of the form.
CHANGES = {
    "unit": pgettext("repair", "Set the unit"),
    "missing": pgettext("repair", "Set the code for missing values"),
    "rename": pgettext("repair", "Rename the column"),
    "encode": pgettext("repair", "Turn words into numbers"),
    "drop": pgettext("repair", "Leave the column out"),
    "pseudonymise": pgettext("repair", "Replace by pseudonyms"),
    "split": pgettext("repair", "Split into train, validation and test by it"),
    "split_by_time": pgettext("repair", "Split into train, validation and test in its order"),
    "group": pgettext("repair", "Rows of one value belong together"),
    "time": pgettext("repair", "It is the time"),
    "target": pgettext("repair", "It is what is to be predicted"),
}
# Said by the room itself when a conversion ends otherwise than by an error of its own.
FAILURES = (
    _("The node lost it."),
    _("The node made a mistake; its log says more."),
    _("The account of whoever asked for this was closed."),
)
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


def evidence_rows(result: Result) -> list[dict[str, str]]:
    """What a sentence has no room for: files with reasons, cells that changed a type, columns.

    Each row has a text in the language of the page and, where a reader said it exactly, its own words.
    """
    if result.verdict not in {"fail", "pass"} or result.rule.decided_by == "attested":
        return []
    for name in _LISTED:
        rows = result.evidence.get(name) or ()
        if rows and (name != "columns" or len(rows) > _LEAST_COLUMNS):
            return [_row(row) for row in rows]
    return []


def _row(row: Any) -> dict[str, str]:
    if not isinstance(row, Mapping):
        return {"text": str(row)}
    detail = str(row["reason"])
    if "column" in row:
        text = f"{row['column']}: {kind_word(row['before'])} → {kind_word(row['now'])} ({row['path']})"
    else:
        text = f"{row['path']}: {reason_word(row['code'])}"
    return {"text": text, "detail": "" if text.endswith(detail) else detail}


def failure_word(reason: str) -> str:
    """Why tables were not made: the node's own sentences in the language of the page, others as they are."""
    return gettext(reason)


def offers_of(repairs: Sequence[Repair], rule: str) -> list[Repair]:
    """The repairs that serve a criterion."""
    return [one for one in repairs if one.rule == rule]
