"""The Japanese common metadata items of a dataset: the form, proposals to accept, and the table to hand in."""

from __future__ import annotations

import csv
from collections.abc import Iterable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tsunagu.core.errors import TsunaguError
from tsunagu.data.common_items import api as common_items
from tsunagu.data.datasets import api as datasets
from tsunagu.doors.web.views.dataset_frame import asked_card, frame
from tsunagu.doors.web.views.frame import done, page, problem_context
from tsunagu.foundation.identity.api import Actor

_INPUT, _OFFER = "item-", "offer-"


@page
def items(request: HttpRequest, actor: Actor, *, project: str, dataset: str) -> HttpResponse:
    """Every item with its value, where that comes from, and what is missing."""
    card, version = asked_card(request, actor, project, dataset)
    problem: dict[str, object] = {}
    status = 200
    if request.method == "POST":
        try:
            message = _change(request, actor, card)
            return done(request, message, "common_items", project=project, dataset=dataset)
        except TsunaguError as error:
            problem, status = problem_context(error), error.status
    sheet = common_items.sheet_of(actor, card, version=version)
    if request.GET.get("form") == "csv":
        return _csv([sheet], f"{card.name}-common-items.csv")
    context = frame(actor, card, "metadata", version)
    context |= problem
    context |= {
        "sheet": sheet,
        "groups": [
            (words, [one for one in sheet.items if one.item.group == key])
            for key, words in common_items.GROUPS.items()
        ],
        "typed": _typed(request, _INPUT),
    }
    return render(request, "web/common_items.html", context, status=status)


def _change(request: HttpRequest, actor: Actor, card: datasets.DatasetCard) -> str:
    """What was typed is kept in any case; a button beside a proposal takes that one, the other button all."""
    posted = request.POST
    typed, offers = _typed(request, _INPUT), _typed(request, _OFFER)
    wanted = offers if "accept_all" in posted else {}
    if posted.get("accept", "") in offers:
        wanted = {posted["accept"]: offers[posted["accept"]]}
    # Whoever typed a value and then accepted another one below it meant the typed one.
    wanted = {name: value for name, value in wanted.items() if not typed.get(name, "").strip()}
    changed = common_items.write(
        actor, card, {key: value for key, value in typed.items() if key not in wanted}
    )
    changed += common_items.accept(actor, card, wanted)
    if not changed:
        return _("Nothing was changed.")
    return ngettext("%(count)s value was saved.", "%(count)s values were saved.", changed) % {
        "count": changed
    }


def _typed(request: HttpRequest, prefix: str) -> dict[str, str]:
    """Inputs of the form by the names of their items."""
    return {
        name.removeprefix(prefix): str(value)
        for name, value in request.POST.items()
        if name.startswith(prefix)
    }


@page
def of_project(request: HttpRequest, actor: Actor, *, project: str) -> HttpResponse:
    """The items of every dataset of a project that one works on, as a table."""
    del request
    card = datasets.get_project(actor, project)
    return _csv(common_items.sheets_of(actor, card), f"{card.name}-common-items.csv")


def _csv(sheets: Iterable[common_items.Sheet], name: str) -> HttpResponse:
    """A table with the official names, which spreadsheets open without running anything."""
    made = HttpResponse(content_type="text/csv; charset=utf-8")
    made["Content-Disposition"] = f'attachment; filename="{name}"'
    made.write("\ufeff")  # Excel takes UTF-8 for something else without it
    writer = csv.writer(made)
    writer.writerow(common_items.header())
    writer.writerows(common_items.rows(sheets))
    return made
