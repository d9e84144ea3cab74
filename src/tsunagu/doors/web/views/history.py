"""How a dataset came to be: provenance, runs, versions, freezing."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from tsunagu.core.errors import NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets.api import DatasetCard
from tsunagu.doors.web import provenance
from tsunagu.doors.web.drawing import provenance_svg
from tsunagu.doors.web.templatetags.tsunagu import value_text
from tsunagu.doors.web.views.dataset_frame import asked_card, frame
from tsunagu.doors.web.views.frame import done, member, page
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

_RUNS_SHOWN, _RUNS_DRAWN = 50, 24
_MISSED = ("description", "creators", "licence")  # what readers of a version look for first


@page
def history(request: HttpRequest, actor: Actor, *, project: str, dataset: str) -> HttpResponse:
    """Provenance as a drawing and as a list."""
    card, version = asked_card(request, actor, project, dataset)
    context = frame(actor, card, "provenance", version)
    before = request.GET.get("before", "")
    if card.sees_draft:
        found = runs.of_dataset(card.id, before=before, limit=_RUNS_SHOWN + 1)
    else:
        made_it = {v.run_id for v in datasets.list_versions(card)}
        found = [run for run in runs.of_dataset(card.id, limit=500, kinds=("freeze",)) if run.id in made_it]
    shown = found[:_RUNS_SHOWN]
    nodes, edges = provenance.graph(card, shown[:_RUNS_DRAWN], title=context["title"])
    context |= {
        "runs": shown,
        "is_first": not before,
        "before": shown[-1].id if len(found) > len(shown) else "",
        "drawing": provenance_svg(nodes, edges),
    }
    return render(request, "web/provenance.html", context)


@page
def run(request: HttpRequest, actor: Actor, *, project: str, dataset: str, run: str) -> HttpResponse:
    """One run: who, when, what went in and came out, how it ended."""
    card, version = asked_card(request, actor, project, dataset)
    found = runs.get(run)
    if found is None or found.dataset_id != card.id or not card.sees_draft:
        raise NotFoundError
    context = frame(actor, card, "provenance", version)
    (shown,) = datasets.visible_links(actor, card, [found])
    context |= {"run": shown, "has_receipt": found.kind == "capture"}
    return render(request, "web/run.html", context)


@page
def versions(request: HttpRequest, actor: Actor, *, project: str, dataset: str) -> HttpResponse:
    """Versions, and what differs between two."""
    card, version = asked_card(request, actor, project, dataset)
    if request.method == "POST":
        return _release(request, actor, card)
    context = frame(actor, card, "versions", version)
    found = datasets.list_versions(card, limit=100)
    has_draft = card.sees_draft and card.state != "frozen"
    newest = card.draft_number if has_draft else card.last_version
    new = _number(request, "to", newest)
    old = _number(request, "from", max((v.number for v in found if v.number < new), default=new))
    people = identity.people(v.frozen_by for v in found)
    context |= {
        "versions": [{"version": v, "by": people.get(v.frozen_by)} for v in found],
        "choices": [*([card.draft_number] if has_draft else []), *(v.number for v in found)],
        "old": old,
        "new": new,
        "is_new_draft": new == card.draft_number,
        "shows_release": not all(v.is_released for v in found)
        or (context["may"]["manage"] and card.access != policy.Access.CLOSED and card.has_frozen),
    }
    if found and old != new and new >= 1:
        after = request.GET.get("after", "")
        changes, more = datasets.list_diff(actor, card, old, new, after=after)
        context |= {
            "counts": datasets.diff_counts(actor, card, old, new),
            "changes": changes,
            "after": more,
            "described": _described_changes(card, context["values"], old, new) if not after else [],
        }
    return render(request, "web/versions.html", context)


def _release(request: HttpRequest, actor: Actor, card: DatasetCard) -> HttpResponse:
    """Show a version to others, or to members only."""
    shows = "release" in request.POST
    text = request.POST.get("release" if shows else "take_back", "")
    number = int(text) if text.isdecimal() and len(text) < 10 else 0  # noqa: PLR2004 - the column's size
    if shows:
        datasets.release(actor, card.id, number)
        message = _("Version %(number)s is seen by all who may read the dataset.")
    else:
        datasets.take_back(actor, card.id, number)
        message = _("Version %(number)s is seen by members only.")
    return done(request, message % {"number": number}, "versions", project=card.project, dataset=card.name)


def _number(request: HttpRequest, name: str, otherwise: int) -> int:
    text = request.GET.get(name, "")
    return int(text) if text.isdigit() and len(text) < 10 else otherwise  # noqa: PLR2004 - the column's size


def _described_changes(card: DatasetCard, values: dict[str, Any], old: int, new: int) -> list[dict[str, str]]:
    """What the descriptions of two versions say differently."""

    def said(number: int) -> dict[str, str]:
        if number == card.draft_number:
            return {name: f"{value_text(v.value)} {v.unit}".strip() for name, v in values.items()}
        described = datasets.get_version(card, number).described
        return {name: f"{value_text(v['value'])} {v['unit']}".strip() for name, v in described.items()}

    before, now = said(old), said(new)
    return [
        {"name": name, "before": before.get(name, ""), "now": now.get(name, "")}
        for name in sorted({*before, *now})
        if before.get(name, "") != now.get(name, "")
    ]


@member
def freeze(request: HttpRequest, actor: Actor, *, project: str, dataset: str) -> HttpResponse:
    """Make the draft a version."""
    card = datasets.get_dataset(actor, project, dataset)
    if request.method == "POST":
        version = datasets.freeze_version(actor, card.id, note=request.POST.get("note", "").strip())
        message = _("Version %(number)s is frozen and will never change.") % {"number": version.number}
        return done(request, message, "versions", project=project, dataset=dataset)
    context = frame(actor, card, "versions")
    context["missing"] = [name for name in _MISSED if name not in context["values"]]
    if card.has_frozen:
        context["counts"] = datasets.diff_counts(actor, card, card.last_version, card.draft_number)
    return render(request, "web/freeze.html", context)
