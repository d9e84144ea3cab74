"""Instruments, and one's own account."""

from __future__ import annotations

import datetime as dt
from typing import Any

import yaml
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from tsunagu.core import settings
from tsunagu.doors.web.views.frame import done, member
from tsunagu.experiment.instruments import api as instruments
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import Actor

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
    context = {"instrument": card, "control_url": settings.current().control_address, "example": _EXAMPLE}
    if request.method == "POST":
        if "token" in request.POST:
            context["token"] = instruments.new_token(actor, name)
        elif "withdraw" in request.POST:
            instruments.withdraw_tokens(actor, name)
            return done(request, _("The instrument's PC can no longer write."), "instrument", name=name)
        else:
            return _save_rules(request, actor, name)
    context["rules"] = yaml.safe_dump(dict(card.config), allow_unicode=True, sort_keys=False)
    return render(request, "web/instrument.html", context)


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
    context: dict[str, Any] = {
        "tokens": identity.tokens_of(actor.id),
        "person": request.user,
        "has_passkey": is_mfa_enabled(request.user, [Authenticator.Type.WEBAUTHN]),
    }
    if request.method == "POST":
        if "revoke" in request.POST:
            identity.revoke_token(actor.id, request.POST["revoke"])
            return done(request, _("The token no longer works."), "account")
        if "label" in request.POST:
            days = _days(request.POST.get("days", ""))
            context["secret"] = identity.issue_token(
                actor.id, label=request.POST["label"].strip() or "token", lifetime=dt.timedelta(days=days)
            )
            context["tokens"] = identity.tokens_of(actor.id)
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


def _days(text: str) -> int:
    """How long a token shall work; 90 days where nothing sensible was said."""
    return min(max(int(text), 1), 730) if text.isdigit() and len(text) < 6 else 90  # noqa: PLR2004
