"""The description of a dataset: values with origin, proposals, what the files say."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tsunagu.data.datasets.api import DatasetCard
from tsunagu.data.description import api as description
from tsunagu.doors.web import words
from tsunagu.doors.web.templatetags.tsunagu import value_text
from tsunagu.doors.web.views.dataset_frame import asked_card, frame, reading_progress
from tsunagu.doors.web.views.frame import done, page
from tsunagu.foundation.identity.api import Actor

_WRITTEN = ("title", "description", "keywords", "creators", "licence")
_SURE = 0.9  # what the button of the page says


@page
def metadata(request: HttpRequest, actor: Actor, *, project: str, dataset: str) -> HttpResponse:
    """The description with the origin of each value, proposals, and what readers found over all files."""
    card, version = asked_card(request, actor, project, dataset)
    if request.method == "POST":
        return _change(request, actor, card)
    context = frame(actor, card, "metadata", version)
    values = context["values"]
    shown = list(dict.fromkeys([*_wanted(values), *sorted(values)]))
    context |= {
        "written": [{"name": name, "value": values.get(name)} for name in shown],
        "proposals": description.proposals(actor, card) if card.sees_draft else [],
        "facts": description.facts(actor, card),
        "edit": request.GET.get("edit", ""),
        "history_of": request.GET.get("history", ""),
    }
    if card.sees_draft:
        context |= reading_progress(card)
        if context["history_of"]:
            context["history"] = description.history(actor, card, context["history_of"])
    return render(request, "web/metadata.html", context)


@page
def negative(request: HttpRequest, actor: Actor, *, project: str, dataset: str) -> HttpResponse:
    """Tell what was tried and failed; the form stands on the page of the dataset."""
    card, _version = asked_card(request, actor, project, dataset)
    if request.method != "POST":
        return redirect("dataset", project=project, dataset=dataset)
    told = {name: request.POST[name] for name in description.FAILURE if name in request.POST}
    description.tell_failure(actor, card.id, told)
    return done(
        request,
        _("What was tried and failed is told, and can be found."),
        "dataset",
        project=project,
        dataset=dataset,
    )


def _wanted(values: dict[str, Any]) -> list[str]:
    """The names that a description should have; title and description also in the other language."""
    names: list[str] = []
    for name in _WRITTEN:
        names.append(name)
        if name in {"title", "description"} and name in values:
            other = "en" if words.language_of(str(values[name].value)) == "ja" else "ja"
            names.append(f"{name}_{other}")
    return names


def _change(request: HttpRequest, actor: Actor, card: DatasetCard) -> HttpResponse:
    posted = request.POST
    if "again" in posted:
        description.start_reading_again(actor, card)
        message = _("All files are being read again. What people wrote stays as it is.")
    elif "proposal" in posted:
        message = _decide(request, actor, card)
    elif "accept_sure" in posted:
        sure = [p for p in description.proposals(actor, card) if p.confidence >= _SURE]
        for proposal in sure:
            description.decide_proposal(actor, card.id, proposal.id, "accept")
        message = ngettext(
            "%(count)s proposal was accepted.", "%(count)s proposals were accepted.", len(sure)
        ) % {"count": len(sure)}
    else:
        name = (posted.get("name", "") or posted.get("new_name", "")).strip()
        text = posted.get("value", "").replace("\r\n", "\n").strip()
        description.set_value(actor, card.id, name, text, unit=posted.get("unit", "").strip())
        message = _("The value was saved.") if text else _("The value was removed.")
    return done(request, message, "metadata", project=card.project, dataset=card.name)


def _decide(request: HttpRequest, actor: Actor, card: DatasetCard) -> str:
    posted = request.POST
    verdict = "reject" if posted.get("verdict") == "reject" else "accept"
    original = {p.id: p for p in description.proposals(actor, card)}.get(posted["proposal"])
    edited = posted.get("value", "").replace("\r\n", "\n")
    is_edited = verdict == "accept" and original is not None and edited != value_text(original.value)
    description.decide_proposal(
        actor, card.id, posted["proposal"], verdict, value=edited if is_edited else None
    )
    if verdict == "reject":
        return _("The proposal was rejected.")
    return _("The edited proposal was accepted.") if is_edited else _("The proposal was accepted.")
