"""How ready a version is for AI: the button that makes it so, the card, what is in its tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets.api import DatasetCard
from tsunagu.data.readiness import api as readiness
from tsunagu.doors.web.ready_words import CHANGES, VERDICTS
from tsunagu.doors.web.views.dataset_frame import asked_card, frame, next_delay_s
from tsunagu.doors.web.views.frame import done, page
from tsunagu.foundation.identity.api import Actor

_SHOWN_TABLES = 20
_SHOWN_COLUMNS = 100
_BAR_WIDTH, _PLOT_HEIGHT = 6, 40
_LONGEST_WAIT = 6
_MOST_NAMED = 500


@page
def ready(request: HttpRequest, actor: Actor, *, project: str, dataset: str) -> HttpResponse:
    """The card of a frozen version; forms make it AI-ready and attest."""
    card, asked = asked_card(request, actor, project, dataset)
    if request.method == "POST":
        return _act(request, actor, card, asked)
    context = frame(actor, card, "ready", asked)
    if card.last_version and asked != card.draft_number:
        found = readiness.card(actor, card, version=asked)
        context |= {
            "readiness": found,
            "state": found.preparation.state if found.preparation else "",
            "derived_url": _address(found.preparation),
            "counts": [(one, found.counts[one]) for one in VERDICTS if one in found.counts],
            "groups": [_group(one) for one in found.groups],
            "tables": [_table(one) for one in found.profile.get("tables", ())[:_SHOWN_TABLES]],
            "stores": [_store(one) for one in found.profile.get("stores", ())[:_SHOWN_TABLES]],
            "array_conflicts": found.profile.get("array_conflicts", ())[:_SHOWN_TABLES],
            "left_count": sum(found.profile.get("left", {}).get("counts", {}).values()),
            "columns": _columns(actor, card, found),
            "changes": list(CHANGES.items()),
            "watched": 0,
            "delay": next_delay_s(0),
        }
    return render(request, "web/ready.html", context)


@page
def ready_progress(request: HttpRequest, actor: Actor, *, project: str, dataset: str) -> HttpResponse:
    """The part of the page that asks for itself while tables are made."""
    card, asked = asked_card(request, actor, project, dataset)
    text = request.GET.get("watched", "0")
    watched = int(text) if text.isdecimal() and len(text) < _LONGEST_WAIT else 0
    delay = next_delay_s(watched)
    found = readiness.card(actor, card, version=asked)
    state = found.preparation.state if found.preparation else ""
    context = {
        "dataset": card,
        "asked": asked,
        "readiness": found,
        "state": state,
        "was_running": True,
        "watched": watched + delay,
        "delay": delay,
    }
    return render(request, "web/parts/ready_progress.html", context)


def _act(request: HttpRequest, actor: Actor, card: DatasetCard, asked: int | None) -> HttpResponse:
    form = request.POST
    parts = {"project": card.project, "dataset": card.name}
    if "rule" in form:
        note = form.get("note", "").strip()
        readiness.attest(actor, card, form["rule"], form.get("answer", ""), note=note)
        return done(request, _("Your answer was recorded."), "ready", **parts)
    if "repair" in form:
        column, value = form.get("column", ""), form.get("value", "")
        readiness.repair(actor, card, form["repair"], column=column, value=value)
        return done(request, _("It was noted. Make the tables again when you are through."), "ready", **parts)
    if "take_back" in form:
        readiness.take_back(actor, card, form["take_back"])
        return done(
            request, _("It was taken back. Make the tables again when you are through."), "ready", **parts
        )
    version = None if asked == card.draft_number else asked
    readiness.start(actor, datasets.get_dataset_by_id(actor, card.id), version=version)
    return done(request, _("The tables are being made."), "ready", **parts)


def _columns(actor: Actor, card: DatasetCard, found: readiness.ReadinessCard) -> tuple[str, ...]:
    """What a change may name, for those who may change: nothing where tables were made of another dataset."""
    is_source = found.preparation is not None and found.is_prepared
    return readiness.repaired_columns(actor, card)[:_MOST_NAMED] if is_source else ()


def _address(preparation: readiness.PreparationCard | None) -> str:
    if preparation is None or not preparation.derived:
        return ""
    project, _slash, name = preparation.derived.partition("/")
    address = reverse("dataset", kwargs={"project": project, "dataset": name})
    return f"{address}?version={preparation.derived_number}"


def _group(found: readiness.GroupScore) -> dict[str, Any]:
    """A group with what is to be done apart from what is settled."""
    is_open = ("fail", "unknown")
    return {
        "title": found.title,
        "score": found.score,
        "open": [one for one in found.results if one.verdict in is_open],
        "settled": [one for one in found.results if one.verdict not in is_open],
    }


def _table(found: Mapping[str, Any]) -> dict[str, Any]:
    """A table of the profile with what its columns look like."""
    return {
        **found,
        "columns": [_column(one, found["row_count"]) for one in found["columns"][:_SHOWN_COLUMNS]],
        "more_columns": max(0, len(found["columns"]) - _SHOWN_COLUMNS),
    }


def _store(found: Mapping[str, Any]) -> dict[str, Any]:
    """A store of the profile; its arrays with their axes in words."""
    arrays = [
        {**one, "axes": list(zip(one["dimensions"], one["shape"], strict=True))}
        for one in found["arrays"][:_SHOWN_COLUMNS]
    ]
    return {**found, "arrays": arrays, "more_arrays": max(0, len(found["arrays"]) - _SHOWN_COLUMNS)}


def _column(found: Mapping[str, Any], rows: int) -> dict[str, Any]:
    gaps = found["null_count"] + found["nan_count"]
    return {
        **found,
        "gap_percent": f"{100 * gaps / rows:.3g}" if rows else "0",
        "bars": _bars(found["histogram"]),
        "plot_width": _BAR_WIDTH * len(found["histogram"]),
        "plot_height": _PLOT_HEIGHT,
        "few": found["common"][:3],
    }


def _bars(counts: Sequence[int]) -> list[dict[str, int]]:
    """Rectangles of a histogram; a bin that is not empty shows at least a line."""
    highest = max(counts, default=0)
    return [
        {"x": place * _BAR_WIDTH, "y": _PLOT_HEIGHT - tall, "height": tall, "width": _BAR_WIDTH - 1}
        for place, count in enumerate(counts)
        if count and (tall := max(1, round(_PLOT_HEIGHT * count / highest)))
    ]
