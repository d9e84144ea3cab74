"""Who may see what: members of a project, access and roles of a dataset, what one person sees."""

from __future__ import annotations

import datetime as dt

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from tsunagu.core.errors import TsunaguError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.sharing import api as sharing
from tsunagu.doors.web.views.dataset_frame import asked_card, frame
from tsunagu.doors.web.views.frame import done, member, page
from tsunagu.doors.web.views.sealing import sealing_context
from tsunagu.experiment.instruments import api as instruments
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy

_ROLES = ("owner", "editor", "reader")


def member_rows(scope: policy.Resource) -> list[dict[str, object]]:
    """Members with the names that people know; ``until`` is the last day of a role, as forms want it."""
    found = policy.members(scope)
    people = identity.people(member.subject_id for member in found)
    machines = instruments.names(member.subject_id for member in found)
    return [
        {
            "id": member.subject_id,
            "kind": member.subject_kind,
            "name": people[member.subject_id].name
            if member.subject_id in people
            else machines.get(member.subject_id, ""),
            "email": people[member.subject_id].email if member.subject_id in people else "",
            "role": str(member.role),
            "expires_at": member.expires_at,
            "until": _last_day(member.expires_at),
        }
        for member in found
    ]


def _last_day(moment: str | None) -> str:
    if not moment:
        return ""
    last = dt.datetime.fromisoformat(moment) - dt.timedelta(milliseconds=1)
    return timezone.localtime(last, timezone.get_default_timezone()).date().isoformat()


def _opening_day(card: datasets.DatasetCard) -> str:
    """The day on which an embargo ends, as forms want it."""
    if not card.embargo_until:
        return ""
    moment = dt.datetime.fromisoformat(card.embargo_until)
    return timezone.localtime(moment, timezone.get_default_timezone()).date().isoformat()


def _change_roles(request: HttpRequest, actor: Actor, scope: sharing.Scope) -> str:
    """Do what a form of roles asks for; what was done, in words."""
    form = request.POST
    if "remove" in form:
        sharing.unshare(actor, scope, form["remove"])
        return _("The role was taken away.")
    sharing.share(
        actor,
        scope,
        role=form.get("role", ""),
        email=form.get("email", "").strip(),
        instrument=form.get("instrument", ""),
        until=form.get("until", "").strip(),
    )
    return _("The role was given.")


@member
def members(request: HttpRequest, actor: Actor, *, project: str) -> HttpResponse:
    """Who is in the project, with which role, until when."""
    card = datasets.get_project(actor, project)
    if request.method == "POST":
        return done(request, _change_roles(request, actor, card), "members", project=project)
    context = {
        "project": card,
        "members": member_rows(card.resource),
        "roles": _ROLES,
        "may_manage": bool(policy.decide(actor, "project.manage", card.resource)),
    }
    return render(request, "web/members.html", context)


@page
def access(request: HttpRequest, actor: Actor, *, project: str, dataset: str) -> HttpResponse:
    """Who may see it, and why one may or may not do things."""
    card, version = asked_card(request, actor, project, dataset)
    if request.method == "POST":
        if "request" in request.POST:
            return done(request, answer_request(request, actor), "access", project=project, dataset=dataset)
        if "label" in request.POST:
            form = request.POST
            datasets.set_label(
                actor, card, form["label"], form.get("value", ""), reason=form.get("reason", "").strip()
            )
            return done(request, _("The label was changed."), "access", project=project, dataset=dataset)
        if "access" not in request.POST:
            said = _change_roles(request, actor, card)
            return done(request, said, "access", project=project, dataset=dataset)
        chosen = request.POST["access"]
        if chosen in set(policy.Access):
            opens: str | None = request.POST.get("embargo", "").strip()
            if opens == _opening_day(
                card
            ):  # unchanged: a page left open for long must not refuse to be saved
                opens = None
            datasets.set_access(actor, card.id, policy.Access(chosen), embargo_until=opens)
        return done(request, _("The access was changed."), "access", project=project, dataset=dataset)
    context = frame(actor, card, "access", version)
    context |= {
        **sealing_context(actor, card),
        "accesses": list(policy.Access),
        "opening_day": _opening_day(card),
        "members": member_rows(policy.Resource("project", card.project_id)) if card.sees_draft else [],
        "extra": member_rows(card.resource) if card.sees_draft else [],
        "roles": _ROLES,
        "requests": sharing.to_answer(actor, dataset=card),
        "asked_email": request.GET.get("as", "").strip(),
    }
    if context["asked_email"] and context["may"]["manage"]:
        context |= _seen_by(actor, card, context["asked_email"])
    return render(request, "web/access.html", context)


def _seen_by(actor: Actor, card: datasets.DatasetCard, email: str) -> dict[str, object]:
    """What somebody else may do here, or why that cannot be said."""
    try:
        answers = sharing.explain_all(actor, card, email=email)
    except TsunaguError as error:
        return {"asked_problem": error}
    return {
        "asked_person": answers[0].person,
        "asked_decisions": {one.action.partition(".")[2]: one.decision for one in answers},
    }


def answer_request(request: HttpRequest, actor: Actor) -> str:
    """Do what a form under a request for access says; what was done, in words."""
    form, asked = request.POST, request.POST["request"]
    if "withdraw" in form:
        sharing.withdraw(actor, asked)
        return _("Put away.")
    if "decline" in form:
        sharing.decline(actor, asked, words=form.get("words", ""))
        return _("The request was declined; the asker reads your words.")
    sharing.approve(
        actor, asked, role=form.get("role", ""), until=form.get("until", ""), words=form.get("words", "")
    )
    return _("The role was given; the asker is told.")


@member
def ask(request: HttpRequest, actor: Actor, *, project: str, dataset: str) -> HttpResponse:
    """Ask for access; the same page and the same answer whether there is such a dataset or not."""
    if request.method == "POST":
        role = request.POST.get("role", "reader")
        sharing.ask(actor, project, dataset, reason=request.POST.get("reason", ""), role=role)
        said = _(
            "Your request was kept. If there is such a dataset, its owners see it; the answer comes here."
        )
        return done(request, said, "home")
    return render(
        request,
        "web/ask.html",
        {"project": project, "dataset": dataset, "roles": sharing.ASKABLE_ROLES},
    )
