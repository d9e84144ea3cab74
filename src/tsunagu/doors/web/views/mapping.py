"""The mapping from raw keys to common names: edit, history, reading again."""

from __future__ import annotations

import difflib
import re
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.doors.web.views.dataset_frame import next_delay_s
from tsunagu.doors.web.views.frame import done, member
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy

_AROUND = 2  # lines before and after a wrong one
_LINE = re.compile(r"\bline (\d+)", re.IGNORECASE)


@member
def mapping(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The YAML text, for data stewards."""
    if "again" in request.POST:
        project, _slash, dataset = request.POST["again"].partition("/")
        description.start_reading_again(actor, datasets.get_dataset(actor, project, dataset))
        return done(
            request, _("All files are being read again. What people wrote stays as it is."), "mapping"
        )
    if request.method == "POST":
        text = request.POST.get("text", "").replace("\r\n", "\n")
        note = request.POST.get("note", "").strip()
        try:
            description.write_mapping(actor, text, note=note)
        except description.BadMappingError as error:
            wrong = {"text": text, "note": note, "error": error, "around": _around(text, error.message)}
            return render(request, "web/mapping.html", {**_context(request, actor), **wrong}, status=422)
        return done(
            request,
            _("The mapping is in force. Read datasets again to apply it to files that are here."),
            "mapping",
        )
    return render(request, "web/mapping.html", _context(request, actor))


def _context(request: HttpRequest, actor: Actor) -> dict[str, Any]:
    current = description.current_mapping()
    history = description.mapping_history(limit=20)
    people = identity.people(card.written_by for card in history)
    cards, _more = datasets.list_datasets(actor, limit=20)
    again: list[dict[str, Any]] = [
        {"card": card, "progress": description.progress(card)}
        for card in cards
        if card.sees_draft and card.file_count and policy.decide(actor, "dataset.describe", card.resource)
    ]
    compared = request.GET.get("compare", "")
    delay = next_delay_s(0)
    return {
        "mapping": current,
        "text": current.text,
        "history": [
            {"card": card, "by": people[card.written_by].name if card.written_by in people else ""}
            for card in history
        ],
        "may_edit": bool(policy.decide(actor, "mapping.edit", policy.NODE)),
        "again": again,
        "is_reading": any(row["progress"].is_running for row in again),
        "delay": delay,
        "watched": delay,
        "compared": compared,
        "changed_lines": _changed_lines(history, compared),
    }


def _changed_lines(history: list[description.MappingCard], version: str) -> list[str] | None:
    """What a version says differently from the one before it; None when no such version is asked for."""
    place = next((number for number, card in enumerate(history) if version and card.version == version), None)
    if place is None:
        return None
    before = history[place + 1].text if place + 1 < len(history) else ""
    lines = difflib.unified_diff(before.splitlines(), history[place].text.splitlines(), lineterm="", n=2)
    return list(lines)[2:2000]


def _around(text: str, message: str) -> list[dict[str, Any]]:
    """The line that the message names, with its neighbours."""
    found = _LINE.search(message)
    if not found:
        return []
    wrong = int(found.group(1))
    lines = text.splitlines()
    first = max(1, wrong - _AROUND)
    return [
        {"number": number, "text": lines[number - 1], "is_wrong": number == wrong}
        for number in range(first, min(len(lines), wrong + _AROUND) + 1)
    ]
