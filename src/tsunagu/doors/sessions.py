"""Sessions of people: opened by this node or by an institution, how strongly, and how fresh."""

from __future__ import annotations

import datetime as dt
import secrets
import time
from dataclasses import asdict
from typing import Any

from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from allauth.account.signals import authentication_step_completed, user_logged_in
from allauth.usersessions.models import UserSession
from django.contrib.auth import login, logout
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

from tsunagu.core import clock, settings
from tsunagu.foundation.identity import api as identity

_BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
_FRESH_S = 900.0
_LINK_S = 600.0


def assurance_of(request: HttpRequest) -> identity.Assurance:
    """How this session was opened and raised."""
    if not request.user.is_authenticated:
        return identity.Assurance()
    local = identity.local_assurance(get_authentication_records(request, request.user))
    stored = request.session.get("assurance")
    return identity.joined_assurance(identity.Assurance.of(stored), local) if stored else local


def memberships_of(request: HttpRequest) -> tuple[identity.Membership, ...]:
    """Groups of virtual organisations that the institution named when it opened this session."""
    rows = request.session.get("memberships", [])
    return tuple(identity.Membership(**{**row, "path": tuple(row["path"])}) for row in rows)


def is_fresh(request: HttpRequest) -> bool:
    """Whether the person showed an authenticator within a quarter of an hour, here or at the institution."""
    return age_s(request) < _FRESH_S


def age_s(request: HttpRequest) -> float:
    """How long ago the person last showed an authenticator, here or at the institution, in seconds."""
    records = get_authentication_records(request, request.user)
    local = max((float(r["at"]) for r in records if r.get("method") != "federation"), default=0.0)
    stored = request.session.get("assurance") or {}
    there = dt.datetime.fromisoformat(stored["authn_at"]).timestamp() if stored.get("authn_at") else 0.0
    return time.time() - max(local, there)


def safe_path(request: HttpRequest, wanted: str) -> str:
    """A path of this node, or nothing: a browser is never sent elsewhere by what stands in an address."""
    is_path = wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, {request.get_host()})
    return wanted if is_path and "\\" not in wanted else ""


def browser_secret(request: HttpRequest) -> str:
    """What ties a sign-in at an institution to this browser."""
    if "saml_browser" not in request.session:
        request.session["saml_browser"] = secrets.token_urlsafe(24)
    return str(request.session["saml_browser"])


def open_session(request: HttpRequest, person: Any, outcome: identity.Outcome) -> None:
    """Sign a person in by an institution, with a new session id."""
    login(request, person, backend=_BACKEND)
    renew(request)  # Django keeps the id when the same person signs in again
    _note(request, outcome)
    # allauth keeps the list of sessions and when one last proved who one is; it must hear of this way in too.
    record_authentication(request, person, "federation", issuer=outcome.claims.issuer)
    user_logged_in.send(type(person), request=request, user=person)


def raise_session(request: HttpRequest, outcome: identity.Outcome) -> None:
    """The same person confirmed anew: new session id, new assurance."""
    renew(request)
    _note(request, outcome)


def renew(request: HttpRequest) -> None:
    """A new session id for the same session; the list of where one is signed in follows."""
    before = request.session.session_key
    request.session.cycle_key()
    UserSession.objects.filter(session_key=before).update(session_key=request.session.session_key)


@receiver(authentication_step_completed)
def _raised_here(request: HttpRequest, method: str, *, reauthenticated: bool = False, **_: Any) -> None:
    """A session that a passkey, a code or the password raised is another session: its old id is worth less."""
    del method
    if reauthenticated and request.user.is_authenticated:
        renew(request)


@receiver(user_logged_in)
def _stand_in(request: HttpRequest, user: Any, **_: Any) -> None:
    """A local sign-in while an institution is down: the session carries what it said last, marked as such."""
    methods = get_authentication_records(request, user)
    if any(item.get("method") in {"federation", "link"} for item in methods):
        return
    found = identity.stand_in_for(user, methods)
    if found is not None:
        request.session["assurance"] = found.assurance.as_json()
        request.session["memberships"] = [asdict(group) for group in found.memberships]
    elif must_come_by_institution(user):
        logout(request)


def must_come_by_institution(person: Any) -> bool:
    """Whether the node lets a person in through their institution alone; never an administrator, who mends things."""
    is_strict = not settings.current().federation_local_sign_in
    return is_strict and not person.is_admin and identity.belongs_to_institution(person)


def stood_in_for(request: HttpRequest) -> identity.Assurance | None:
    """The assurance of a session that came by a stand-in."""
    stored = request.session.get("assurance") or {}
    return identity.Assurance.of(stored) if stored.get("stand_in_for") else None


def _note(request: HttpRequest, outcome: identity.Outcome) -> None:
    request.session["assurance"] = outcome.assurance.as_json()
    request.session["memberships"] = [asdict(found) for found in outcome.claims.memberships]


def allow_linking(request: HttpRequest) -> None:
    """The person asked by a form of this node to link an identity; good for ten minutes."""
    request.session["link_until"] = clock.epoch_s() + _LINK_S


def may_link(request: HttpRequest) -> bool:
    """Whether the form was sent, and the person proved who they are not long ago."""
    return is_fresh(request) and float(request.session.get("link_until", 0)) > clock.epoch_s()
