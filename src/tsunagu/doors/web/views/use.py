"""How a dataset was used, for its owners: numbers, a picture of them, and the same as CSV."""

from __future__ import annotations

import csv

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tsunagu.core.cells import safe_cell
from tsunagu.data.usage import api as usage
from tsunagu.doors.web.use_drawing import use_svg
from tsunagu.doors.web.views.dataset_frame import asked_card, frame
from tsunagu.doors.web.views.frame import page
from tsunagu.foundation.identity.api import Actor


@page
def use(request: HttpRequest, actor: Actor, *, project: str, dataset: str) -> HttpResponse:
    """Views, downloads, loads, runs, trainings, uses by AI and citations, month by month."""
    asked = request.GET
    card, version = asked_card(request, actor, project, dataset)
    found = usage.use_of(
        actor, card, first=asked.get("from", ""), last=asked.get("to", ""), version=version or 0
    )
    if asked.get("form") == "csv":
        return _csv(found, f"{card.name}-use.csv")
    context = frame(actor, card, "use")
    context |= {
        "use": found,
        "chart": use_svg(found.months),
        "months": found.months[::-1],
        "first": found.months[0].month,
        "last": found.months[-1].month,
        "frozen": range(card.last_version, 0, -1)[:200],
    }
    return render(request, "web/use.html", context)


def _csv(found: usage.Use, name: str) -> HttpResponse:
    """One line for each month, in a file that spreadsheets open without running anything."""
    made = HttpResponse(content_type="text/csv; charset=utf-8")
    made["Content-Disposition"] = f'attachment; filename="{name}"'
    made.write("\ufeff")  # Excel takes UTF-8 for something else without it
    writer = csv.writer(made)
    writer.writerow(["dataset", "version", "month", *found.total.as_row()])
    version = found.version or ""
    writer.writerows(
        [safe_cell(found.place), version, one.month, *one.as_row().values()] for one in found.months
    )
    return made
