"""Programs that act for people: agreeing, typing the code of a device, seeing and ending; and the list of programs."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlsplit

from allauth.core import ratelimit
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from tsunagu.core import settings
from tsunagu.core.errors import NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.doors import sessions
from tsunagu.doors.oauth.views import place_of
from tsunagu.doors.web.token_words import verb_rows
from tsunagu.doors.web.views.federation import TooManyTriesError
from tsunagu.doors.web.views.frame import done, member
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import Actor

_DAYS = (1, 7, 30, 90, 365)
_DEFAULT_DAYS = 30
_INVITED_DAYS = 7


class _SentAway(HttpResponse):
    """Back to a program; its address may be of a scheme that Django's redirect does not know."""

    def __init__(self, address: str) -> None:
        super().__init__(status=302, headers={"Location": address})


def _session(request: HttpRequest, actor: Actor) -> identity.SignedIn:
    return identity.SignedIn(actor, sessions.assurance_of(request), sessions.memberships_of(request))


@never_cache
@member
def authorize(request: HttpRequest, actor: Actor) -> HttpResponse:
    """A program asks in the browser; the person says to what and until when, or says no."""
    query = request.META.get("QUERY_STRING", "")
    try:
        asked = identity.asked_by_program(query)
        confirm = _confirm_first(request, asked)
        if confirm is not None:
            return confirm
        if request.method == "POST":
            request.session.pop("program_confirm", None)
            if "allow" not in request.POST:
                return _SentAway(identity.decline_program(query))
            return _SentAway(identity.allow_program(query, _session(request, actor), _chosen(request, actor)))
    except identity.SentBackError as error:
        return _SentAway(error.address)
    answer = render(request, "web/consent.html", _context(actor, asked))
    # A form may lead only where the page says; the browser counts the redirect after it too.
    answer.headers["Content-Security-Policy"] = _policy(asked.return_to)
    return answer


def _confirm_first(request: HttpRequest, asked: identity.Asked) -> HttpResponse | None:
    """The program wants a fresher or stronger sign-in: ask for it once, then say that it could not be had."""
    assurance = sessions.assurance_of(request)
    wants_mfa = bool(set(asked.acr_values) & set(identity.TWO_FACTORS)) and not assurance.mfa
    # What was shown a moment ago, on the way to this page, is fresh enough for "now".
    limit_s = max(asked.max_age_s, 120) if asked.max_age_s is not None else None
    is_old = limit_s is not None and sessions.age_s(request) > limit_s
    if not wants_mfa and not is_old:
        return None
    path = request.get_full_path()
    if request.session.get("program_confirm") == path:
        request.session.pop("program_confirm")
        error = "unmet_authentication_requirements" if wants_mfa else "login_required"
        return _SentAway(identity.refuse_program(request.META.get("QUERY_STRING", ""), error))
    request.session["program_confirm"] = path
    return redirect(f"{reverse('step_up')}?{urlencode({'next': path})}")


def _policy(return_to: str) -> str:
    parts = urlsplit(return_to)
    target = f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"
    node = settings.current()
    return (
        f"default-src 'self'; img-src 'self' data: {node.bytes_address}; form-action 'self' {target}; "
        "object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
    )


def _context(actor: Actor, asked: identity.Asked) -> dict[str, Any]:
    return {
        "asked": asked,
        "program": asked.program,
        "host": urlsplit(asked.return_to).hostname or asked.return_to,
        "is_here": asked.resource == identity.api_resource(),
        "service": urlsplit(asked.resource).hostname,
        "verbs": verb_rows(asked.verbs),
        "projects": datasets.list_projects(actor, limit=100),
        "days": _DAYS,
        "default_days": _DEFAULT_DAYS,
    }


def _chosen(request: HttpRequest, actor: Actor) -> identity.Consent:
    known = {card.id for card in datasets.list_projects(actor, limit=100)}
    wanted = request.POST.getlist("project") if request.POST.get("reach") == "some" else []
    projects = tuple(key for key in wanted if key in known)
    if request.POST.get("reach") == "some" and not projects:
        raise identity.BadScopeError(
            _("You chose single projects and ticked none."), remedy=_("Tick a project, or choose all.")
        )
    days = request.POST.get("days", "")
    lifetime = int(days) if days.isdigit() and int(days) in _DAYS else _DEFAULT_DAYS
    return identity.Consent(
        verbs=tuple(request.POST.getlist("verb")),
        projects=projects,
        lifetime=dt.timedelta(days=lifetime),
        place=place_of(request),
    )


@never_cache
@member
def device(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The person types the code that a program shows. Nothing is filled in by an address, on purpose."""
    if request.method != "POST":
        return render(request, "web/device.html", {})
    if "code" in request.POST:
        if not ratelimit.consume(request, action="device_user_code", user=request.user):
            raise TooManyTriesError
        try:
            waiting, asked = identity.device_by_code(request.POST["code"])
        except identity.WrongCodeError as error:
            return render(request, "web/device.html", {"error": error}, status=error.status)
        request.session["device"] = waiting
        return render(request, "web/consent.html", _context(actor, asked) | {"is_device": True})
    waiting = str(request.session.pop("device", ""))
    if "allow" not in request.POST:
        identity.answer_device(waiting, _session(request, actor), None)
        return done(request, _("The program was refused."), "connections")
    identity.answer_device(waiting, _session(request, actor), _chosen(request, actor))
    return done(request, _("The program is connected; you can go back to it."), "connections")


@never_cache
@member
def connections(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Programs that act for the person; each can be ended alone."""
    if request.method == "POST":
        identity.end_connection(actor, request.POST.get("end", ""))
        return done(request, _("The program can do nothing for you any more."), "connections")
    names = {card.id: card.name for card in datasets.list_projects(actor, limit=100)}
    rows = [
        {
            "card": card,
            "verbs": verb_rows(card.scope.verbs),
            "projects": [names.get(key, key) for key in card.scope.projects],
        }
        for card in identity.connections_of(actor.id)
    ]
    return render(request, "web/connections.html", {"rows": rows})


@never_cache
@member
def registered(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Every program that may ask people of this node, for administrators."""
    if not actor.is_admin:
        raise NotFoundError
    context: dict[str, Any] = {"verbs": verb_rows(identity.VERBS)}
    if request.method == "POST":
        if "withdraw" in request.POST:
            identity.withdraw_program(actor, request.POST["withdraw"])
            return done(request, _("The program was withdrawn."), "programs")
        if "invite" in request.POST:
            verbs = tuple(request.POST.getlist("verb"))
            context["invitation"] = identity.invite_program(
                actor, lifetime=dt.timedelta(days=_INVITED_DAYS), verbs=verbs
            )
            return _programs_page(request, context)
        addresses = tuple(request.POST.get("redirect_uris", "").split())
        grants = [identity.REFRESH, *([identity.CODE] if addresses else [])]
        if "device" in request.POST:
            grants.append(identity.DEVICE)
        context["made"], context["secret"] = identity.register_program(
            actor,
            request.POST.get("name", ""),
            redirect_uris=addresses,
            grants=tuple(grants),
            verbs=tuple(request.POST.getlist("verb")),
            is_public="confidential" not in request.POST,
            is_agent="agent" in request.POST,
            resource=request.POST.get("resource", "").strip(),
        )
    return _programs_page(request, context)


def _programs_page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    rows = [{"card": card, "verbs": verb_rows(card.verbs)} for card in identity.programs()]
    return render(request, "web/programs.html", context | {"programs": rows})
