"""Instruments, and one's own account."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import yaml
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.utils.translation import gettext as _

from tsunagu.core import settings
from tsunagu.core.errors import TsunaguError
from tsunagu.data.datasets import api as datasets
from tsunagu.doors.web import agent_report
from tsunagu.doors.web.token_words import verb_rows
from tsunagu.doors.web.views.federation import institution_name
from tsunagu.doors.web.views.frame import done, member
from tsunagu.experiment.instruments import api as instruments
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy

_DESCRIBED = ("title", "manufacturer", "model", "serial_number", "description")
_EXAMPLE = """folders:
  - path: C:\\Data\\XRD
    settle_s: 10
    rules:
      - pattern: "re:(?P<sample>[A-Z]{2}[0-9]+)_.*[.]ras$"
        project: battery
        dataset: "xrd-{sample}"
"""


@member
def list_all(request: HttpRequest, actor: Actor) -> HttpResponse:
    """One's instruments; a form makes another."""
    if request.method == "POST":
        described = {key: request.POST.get(key, "").strip() for key in _DESCRIBED}
        card = instruments.create_instrument(actor, request.POST.get("name", "").strip(), **described)
        message = _("The instrument was made. Next: say which folders to watch, then start the agent.")
        return done(request, message, "instrument", name=card.name)
    return render(request, "web/instruments.html", {"instruments": instruments.list_instruments(actor)})


@member
def show(request: HttpRequest, actor: Actor, *, name: str) -> HttpResponse:
    """An instrument: does everything flow, where do files go, the command for its PC."""
    card = instruments.get_instrument(actor, name)
    context: dict[str, Any] = {"form": {"pattern": "*", "settle_s": "10"}}
    status = 200
    if request.method == "POST":
        if "withdraw" in request.POST:
            instruments.withdraw_tokens(actor, name)
            return done(request, _("The instrument's PC can no longer write."), "instrument", name=name)
        if "remove" in request.POST:
            instruments.remove_rule(
                actor, name, request.POST.get("path", ""), request.POST.get("pattern", "")
            )
            return done(request, _("The rule was removed; what was sent stays."), "instrument", name=name)
        if "add" in request.POST:
            context, status = _add_rule(actor, name, request.POST)
            if "added" in context:
                return done(request, context["added"], "instrument", name=name)
        elif "token" in request.POST:
            context["token"] = instruments.new_token(actor, name)
        else:
            return _save_rules(request, actor, name)
    context |= {
        "instrument": card,
        "report": agent_report.describe(card),
        "projects": _owned_projects(actor),
        "control_url": settings.current().control_address,
        "example": _EXAMPLE,
        "rules": yaml.safe_dump(dict(card.config), allow_unicode=True, sort_keys=False),
    }
    return render(request, "web/instrument.html", context, status=status)


def _add_rule(actor: Actor, name: str, form: Mapping[str, str]) -> tuple[dict[str, Any], int]:
    """What the page shows after the small form: why it cannot be, or what was done."""
    wish = {
        key: form.get(key, "").strip()
        for key in ("path", "pattern", "project", "dataset", "example", "settle_s")
    }
    rule = {key: wish[key] for key in ("pattern", "project", "dataset")}
    try:
        place = agent_report.try_rule(**rule, example=wish["example"]) if wish["example"] else ""
        if wish["example"] and not place:
            text = _("The pattern and the dataset's name do not fit %(example)s.") % {
                "example": wish["example"]
            }
            return {"form": wish, "wrong": text}, 422
        instruments.add_rule(actor, name, path=wish["path"], settle_s=float(wish["settle_s"] or 10), **rule)
    except ValueError:
        return {"form": wish, "wrong": _("The waiting time is a number of seconds.")}, 422
    except TsunaguError as error:
        return {"form": wish, "wrong": gettext(error.default_message), "detail": error.message}, error.status
    if place:
        words = {"example": wish["example"], "place": place}
        return {"added": _("The rule was saved. %(example)s will go to %(place)s.") % words}, 200
    return {"added": _("The rule was saved; the agent fetches it within a minute.")}, 200


def _owned_projects(actor: Actor) -> list[datasets.ProjectCard]:
    found = datasets.list_projects(actor, limit=200)
    return [card for card in found if policy.decide(actor, "project.manage", card.resource)]


def _save_rules(request: HttpRequest, actor: Actor, name: str) -> HttpResponse:
    try:
        config = yaml.safe_load(request.POST.get("rules", "")) or {}
    except yaml.YAMLError as error:
        raise instruments.BadRuleError(_("This is not YAML: %(error)s") % {"error": error}) from None
    if not isinstance(config, dict):
        raise instruments.BadRuleError(_("The rules begin with the word folders and a colon."))
    instruments.set_config(actor, name, config)
    return done(
        request, _("The rules were saved; the agent fetches them within a minute."), "instrument", name=name
    )


@member
def account(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Name, language, theme, access tokens; passkeys and passwords are django-allauth's pages."""
    projects = datasets.list_projects(actor, limit=100)
    context: dict[str, Any] = {
        "tokens": _token_rows(actor, projects),
        "verbs": verb_rows(identity.VERBS),
        "projects": projects,
        "person": request.user,
        "assurance": actor.assurance,
        "memberships": actor.memberships,
        "opened_by": _opened_by(request),
        "has_passkey": is_mfa_enabled(request.user, [Authenticator.Type.WEBAUTHN]),
    }
    if request.method == "POST":
        if "revoke" in request.POST:
            identity.revoke_token(actor.id, request.POST["revoke"])
            return done(request, _("The token no longer works."), "account")
        if "label" in request.POST:
            identity.require_lasting_session(actor)
            days = _days(request.POST.get("days", ""))
            known = {card.id for card in projects}
            chosen = tuple(key for key in request.POST.getlist("project") if key in known)
            context["secret"] = identity.issue_token(
                actor.id,
                label=request.POST["label"].strip() or "token",
                lifetime=dt.timedelta(days=days),
                scope=identity.TokenScope(tuple(request.POST.getlist("verb")), chosen),
            )
            context["tokens"] = _token_rows(actor, projects)
            return render(request, "web/account.html", context)
        language, theme = request.POST.get("language", ""), request.POST.get("theme", "")
        identity.set_preferences(
            actor.id,
            name=request.POST.get("name", "").strip()[:200],
            language=language if language in {"", "ja", "en"} else "",
            theme=theme if theme in {"", "light", "dark"} else "",
        )
        return done(request, _("Saved."), "account")
    return render(request, "web/account.html", context)


def _token_rows(actor: Actor, projects: list[datasets.ProjectCard]) -> list[dict[str, Any]]:
    names = {card.id: card.name for card in projects}
    return [
        {
            "id": card.id,
            "label": card.label,
            "last_used_at": card.last_used_at,
            "expires_at": card.expires_at,
            "verbs": verb_rows(card.scope.verbs),
            "projects": [names.get(key, key) for key in card.scope.projects],
        }
        for card in identity.tokens_of(actor.id)
    ]


def _opened_by(request: HttpRequest) -> str:
    """The institution that opened this session, or this node."""
    source = (request.session.get("assurance") or {}).get("source", "")
    if not source:
        return _("this node")
    return institution_name(source)


def _days(text: str) -> int:
    """How long a token shall work; 90 days where nothing sensible was said."""
    return min(max(int(text), 1), 730) if text.isdigit() and len(text) < 6 else 90  # noqa: PLR2004
