"""Sealing a dataset and destroying its bytes: the form of the access page, and how far the work is."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets.api import DatasetCard
from tsunagu.doors.web.views.dataset_frame import asked_card, next_delay_s
from tsunagu.doors.web.views.frame import done, page
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy


def sealing_context(actor: Actor, card: DatasetCard, watched_s: int = 0) -> dict[str, Any]:
    """What the sealing part of a page shows."""
    delay = next_delay_s(watched_s)
    context: dict[str, Any] = {
        "sealing": datasets.sealing_of(card.id),
        "may_seal": bool(policy.decide(actor, "dataset.manage", card.resource)),
        "seal_delay": delay,
        "seal_watched": watched_s + delay,
    }
    if card.seal_state == "sealed":
        context["may_shred"] = policy.decide(actor, "dataset.destroy", card.resource)
    return context


@page
def seal(request: HttpRequest, actor: Actor, *, project: str, dataset: str) -> HttpResponse:
    """Do what a form asks; GET: the part that says how far it is, which asks for itself again."""
    card, _version = asked_card(request, actor, project, dataset)
    if request.method == "POST":
        return done(request, _act(request, actor, card), "access", project=project, dataset=dataset)
    policy.require(actor, "dataset.read", card.resource)
    watched = request.GET.get("watched", "0")
    seconds = int(watched) if watched.isdigit() and len(watched) < 9 else 0  # noqa: PLR2004 - years
    context = {"dataset": card, **sealing_context(actor, card, seconds)}
    return render(request, "web/parts/sealing.html", context)


def _act(request: HttpRequest, actor: Actor, card: DatasetCard) -> str:
    if "shred" in request.POST:
        form = request.POST
        confirm, reason = form.get("confirm", "").strip(), form.get("reason", "")
        datasets.shred(actor, card.id, confirm=confirm, reason=reason)
        return _("The bytes were destroyed. The record of it stands in the ledger.")
    datasets.seal(actor, card.id)
    return _("The dataset is sealed from now on.")
