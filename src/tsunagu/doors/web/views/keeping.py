"""How a dataset is kept and given up; holds, copies and successions for administrators."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from tsunagu.core.errors import TsunaguError
from tsunagu.data.keeping import api as keeping
from tsunagu.doors.web.views.dataset_frame import asked_card, frame
from tsunagu.doors.web.views.frame import done, member, page, problem_context
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.storage import api as storage


@page
def kept(request: HttpRequest, actor: Actor, *, project: str, dataset: str) -> HttpResponse:
    """Until when a dataset is kept, whether it is copied, how to take it out, and how to give it up."""
    card, version = asked_card(request, actor, project, dataset)
    parts = {"project": project, "dataset": dataset}
    context: dict[str, Any] = {}
    if request.method == "POST":
        form = request.POST
        if "until" in form:
            keeping.retain(actor, card, until=form["until"].strip(), reason=form.get("reason", "").strip())
            return done(request, _("The retention was set."), "keeping", **parts)
        if form.get("typed", "").strip() == card.slug:
            keeping.destroy(actor, card, reason=form.get("reason", ""))
            return done(request, _("The dataset was removed."), "project", project=project)
        context = {"mistyped": True, "reason": form.get("reason", "")}
    found = keeping.keeping_of(actor, card)
    context |= frame(actor, card, "keeping", version)
    context |= {
        "keeping": found,
        "last_day": found.retentions[0].last_day if found.retentions else "",
        "may_destroy": policy.decide(actor, "dataset.destroy", card.resource),
        "is_owner": bool(context["may"]["manage"]),
        "last_version": card.last_version,
    }
    return render(request, "web/keeping.html", context, status=422 if context.get("mistyped") else 200)


@member
def office(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Legal holds, the second store, people who leave: for administrators."""
    policy.require(actor, "node.admin", policy.NODE)
    context: dict[str, Any] = {}
    status = 200
    if request.method == "POST":
        try:
            return done(request, _do(actor, request.POST), "keeping_office")
        except TsunaguError as error:
            status = error.status
            context = {**problem_context(error), "form": request.POST}
    stands = storage.behind()
    context |= {
        "holds": keeping.list_holds(actor),
        "stands": stands,
        "checkup": storage.checkup(),
        "orphans": keeping.orphans(actor),
    }
    return render(request, "web/keeping_office.html", context, status=status)


def _do(actor: Actor, form: Any) -> str:
    """Do what a form of the page asks for; what was done, in words."""
    reason = form.get("reason", "").strip()
    if "place" in form:
        keeping.place_hold(actor, form["place"].strip(), reason=reason)
        return _("The hold was placed.")
    if "lift" in form:
        keeping.lift_hold(actor, form["lift"], reason=reason)
        return _("The hold was lifted.")
    giver, successor = form.get("giver", "").strip(), form.get("successor", "").strip()
    if "reopen" in form:
        keeping.reopen_account(actor, giver, reason=reason)
        return _("The account is open again; its tokens stay dead.")
    if "close" in form:
        keeping.close_account(actor, giver, successor=successor, reason=reason)
        return _("The account is closed.")
    keeping.succeed(actor, giver, successor, reason=reason)
    return _("What the person owned was handed over.")
