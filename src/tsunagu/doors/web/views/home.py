"""Home: what needs me today; and the projects."""

from __future__ import annotations

import contextlib

from allauth.account.internal.flows.login import record_authentication
from allauth.account.signals import user_logged_in
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from tsunagu.compute.jobs import api as jobs
from tsunagu.core.errors import NotFoundError
from tsunagu.data.capture import api as capture
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.data.notices import api as notices
from tsunagu.data.plans import api as plans
from tsunagu.data.sharing import api as sharing
from tsunagu.doors.web.views.access import answer_request, member_rows
from tsunagu.doors.web.views.frame import done, member, page, problem_page
from tsunagu.doors.web.views.plans import card_of
from tsunagu.experiment.instruments import api as instruments
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy


@page
def home(request: HttpRequest, actor: Actor) -> HttpResponse:
    """What needs attention, what runs, what changed last."""
    if request.method == "POST" and "request" in request.POST:
        return done(request, answer_request(request, actor), "home")
    cards, more = datasets.list_datasets(actor, limit=8)
    context: dict[str, object] = {"datasets": cards, "has_more": bool(more)}
    if actor.kind == "person":
        own = [card for card in cards if card.sees_draft]
        todo = []
        for card in own:
            proposals = description.proposals(actor, card)
            if proposals and policy.decide(actor, "dataset.describe", card.resource):
                todo.append({"card": card, "count": len(proposals)})
        silent = [
            i for i in instruments.list_instruments(actor) if i.state == "silent" or i.beat.get("unplaced")
        ]
        context |= {
            "todo": todo,
            "silent": silent,
            "uploads": _unfinished(actor),
            "requests": sharing.to_answer(actor, limit=20),
            "asked": sharing.own(actor, limit=20),
            "roles": sharing.ASKABLE_ROLES,
            "running": [
                {"card": card, "progress": progress}
                for card in own
                if card.file_count and (progress := description.progress(card)).is_running
            ],
            "projects": datasets.list_projects(actor, limit=6),
        }
    answer = render(request, "web/home.html", context)
    answer["Link"] = notices.inbox_link()
    return answer


def _unfinished(actor: Actor) -> list[dict[str, object]]:
    """Uploads of a person that have not ended, with their datasets."""
    found: list[dict[str, object]] = []
    for push in capture.open_pushes(actor, limit=5):
        with contextlib.suppress(NotFoundError):
            found.append({"push": push, "card": datasets.get_dataset_by_id(actor, push.dataset_id)})
    return found


@page
def search(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Every dataset that one may see, page by page."""
    cards, more = datasets.list_datasets(actor, after=request.GET.get("after", ""))
    return render(request, "web/datasets.html", {"datasets": cards, "after": more})


@member
def projects(request: HttpRequest, actor: Actor) -> HttpResponse:
    """One's projects; a form makes another."""
    if request.method == "POST":
        card = datasets.create_project(
            actor,
            request.POST.get("name", "").strip(),
            title=request.POST.get("title", "").strip(),
            description=request.POST.get("description", "").strip(),
        )
        return done(request, _("The project was made. Next: add a dataset."), "project", project=card.name)
    found = datasets.list_projects(actor, after=request.GET.get("after", ""), limit=51)
    shown = found[:50]
    after = shown[-1].name if len(found) > len(shown) else ""
    return render(request, "web/projects.html", {"projects": shown, "after": after})


@member
def project(request: HttpRequest, actor: Actor, *, project: str) -> HttpResponse:
    """A project: its datasets and members."""
    card = datasets.get_project(actor, project)
    if request.method == "POST":
        made = datasets.create_dataset(
            actor, project, request.POST.get("name", "").strip(), title=request.POST.get("title", "").strip()
        )
        return done(
            request,
            _("The dataset was made. Next: send files."),
            "upload",
            project=project,
            dataset=made.name,
        )
    cards, more = datasets.list_datasets(actor, project_id=card.id, after=request.GET.get("after", ""))
    context = {
        "project": card,
        "datasets": cards,
        "after": more,
        "members": member_rows(card.resource),
        "tombstones": datasets.list_tombstones(actor, card.id),
        "plan": card_of(card.name, plans.standing(actor, card)),
        "budget": jobs.budget(actor, card.name),
        "may_create": bool(policy.decide(actor, "project.create_dataset", card.resource)),
    }
    return render(request, "web/project.html", context)


@page
def welcome(request: HttpRequest, actor: Actor, *, secret: str) -> HttpResponse:
    """A one-time link: asks for one press, so that a mail scanner that follows links does not use it up."""
    del actor
    if request.method != "POST":
        return render(request, "web/welcome.html")
    try:
        person = identity.use_sign_in_link(secret)
    except identity.NotSignedInError as error:
        return problem_page(request, error)
    login(request, person, backend="allauth.account.auth_backends.AuthenticationBackend")
    # allauth keeps the list of sessions and when one last proved who one is; it must hear of this way in too.
    record_authentication(request, person, "link")
    user_logged_in.send(type(person), request=request, user=person)
    return redirect("account")
