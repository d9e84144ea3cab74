"""Signing in by an institution: choose it, go there, come back; linking; stronger confirmation; the feeds."""

from __future__ import annotations

import secrets
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from allauth.core import ratelimit
from allauth.mfa.models import Authenticator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from tsunagu.core import settings
from tsunagu.core.errors import InvalidInputError, NotFoundError, TsunaguError
from tsunagu.doors import sessions
from tsunagu.doors.web.views.frame import done, member, page
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import Actor

_COOKIE, _COOKIE_S, _REMEMBERED = "institutions", 365 * 86400, 3
_SHOWN = 50


class DiscoveryError(InvalidInputError):
    """A discovery service came back with something that we did not ask for."""

    code = "web.discovery"
    default_message = "The choice of an institution could not be used."
    default_remedy = "Choose your institution again."


@require_GET
def metadata(request: HttpRequest) -> HttpResponse:
    """What the federation registers about this node."""
    del request
    return HttpResponse(identity.describe_service_provider(), content_type="application/samlmetadata+xml")


@never_cache
@require_GET
@page
def discover(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Choose one's institution: search, or one of those chosen before in this browser."""
    del actor
    providers = [provider_link(row) for row in identity.openid_providers()]
    if not identity.is_federated() and not providers:
        raise NotFoundError
    purpose, path = purpose_of(request), sessions.safe_path(request, request.GET.get("next", ""))
    outside = settings.current().federation_discovery_url
    if outside and not providers and "here" not in request.GET:
        return _to_discovery(request, outside, purpose, path)
    words = request.GET.get("q", "").strip()[:100]
    found = identity.search_providers(words, limit=_SHOWN + 1)
    context = {
        "words": words,
        "providers": providers,
        "is_searchable": identity.is_federated(),
        "outside": outside,
        "found": [_shown(card) for card in found[:_SHOWN]],
        "has_more": len(found) > _SHOWN,
        "before": [_shown(card) for card in identity.known_providers(_remembered(request))],
        "purpose": purpose,
        "next": path,
    }
    return render(request, "web/discover.html", context)


def provider_link(row: identity.OpenIDProvider) -> dict[str, str]:
    """A provider as a link."""
    return {"id": row.id, "name": row.name((get_language() or "ja")[:2])}


def _shown(card: identity.ProviderCard) -> dict[str, str]:
    language = (get_language() or "ja")[:2]
    other = card.name("en" if language == "ja" else "ja")
    return {
        "id": card.entity_id,
        "name": card.name(language),
        "other": other if other != card.name(language) else "",
        "host": urlsplit(card.entity_id).hostname or card.entity_id,
    }


def _to_discovery(request: HttpRequest, outside: str, purpose: str, path: str) -> HttpResponse:
    """SAML IdP Discovery: our return address carries a state that only this session knows."""
    state = secrets.token_urlsafe(16)
    request.session["discovery"] = {"state": state, "purpose": purpose, "next": path}
    back = f"{settings.current().control_address}{reverse('saml_chosen')}?{urlencode({'state': state})}"
    query = urlencode(
        {"entityID": identity.service_provider_id(), "return": back, "returnIDParam": "entityID"}
    )
    return HttpResponseRedirect(f"{outside}{'&' if '?' in outside else '?'}{query}")


@never_cache
@require_GET
@page
def chosen(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Back from a discovery service outside; only the choice that this session asked for counts."""
    del actor
    asked = request.session.pop("discovery", None)
    if not asked or not secrets.compare_digest(str(asked["state"]), request.GET.get("state", "")):
        raise DiscoveryError
    entity_id = request.GET.get("entityID", "")
    if not entity_id:
        return redirect(f"{reverse('saml_discover')}?{urlencode({'here': '1', 'next': asked['next']})}")
    query = {"entity": entity_id, "purpose": asked["purpose"], "next": asked["next"]}
    return redirect(f"{reverse('saml_start')}?{urlencode(query)}")


class TooManyTriesError(TsunaguError):
    """One address asked too often."""

    code = "web.too_many_tries"
    status = 429
    exit_code = 8
    default_message = "Too many sign-ins were begun from your network within a minute."
    default_remedy = "Wait a minute, then try again."


def limit(request: HttpRequest, action: str) -> None:
    """Not too many sign-ins from one address.

    Raises:
        TooManyTriesError: wait a minute.
    """
    if not ratelimit.consume(request, action=action):
        raise TooManyTriesError


@never_cache
@require_GET
@page
def start(request: HttpRequest, actor: Actor) -> HttpResponse:
    """To the institution. By GET: it grants nothing, and a form could not leave the site under our content policy."""
    limit(request, "saml_start")
    entity_id = request.GET.get("entity", "")
    purpose = purpose_of(request)
    if purpose != "login" and actor.kind != "person":
        raise identity.NotSignedInError
    if purpose == "link" and not sessions.may_link(request):
        return redirect("step_up")
    address = identity.begin_sign_in(
        entity_id,
        browser=sessions.browser_secret(request),
        purpose=purpose,
        person_id=actor.id if purpose != "login" else "",
        contexts=identity.TWO_FACTORS if purpose == "stepup" else (),
        is_forced=purpose != "login",
        next_path=sessions.safe_path(request, request.GET.get("next", "")),
    )
    answer = HttpResponseRedirect(address)
    kept = [entity_id, *(name for name in _remembered(request) if name != entity_id)][:_REMEMBERED]
    answer.set_signed_cookie(
        _COOKIE, "\n".join(kept), max_age=_COOKIE_S, httponly=True, samesite="Lax", secure=request.is_secure()
    )
    return answer


def purpose_of(request: HttpRequest) -> identity.Purpose:
    """Why somebody goes to an institution; to sign in where nothing else is said."""
    wanted = request.GET.get("purpose", "")
    return "link" if wanted == "link" else "stepup" if wanted == "stepup" else "login"


def _remembered(request: HttpRequest) -> list[str]:
    kept = request.get_signed_cookie(_COOKIE, default="", max_age=_COOKIE_S) or ""
    return [line for line in kept.split("\n") if line][:_REMEMBERED]


@never_cache
@csrf_exempt  # the institution's form has no secret of ours; the handle and the browser's own request stand for it
@require_POST
@page
def acs(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The institution's answer, posted by the browser without our session's cookie."""
    del actor
    limit(request, "saml_answer")
    code = identity.receive_answer(request.POST.get("SAMLResponse", ""), request.POST.get("RelayState", ""))
    return redirect("saml_finish", code=code)


@never_cache
@require_GET
@page
def finish(request: HttpRequest, actor: Actor, *, code: str) -> HttpResponse:
    """The browser comes by itself, with its session: now it counts."""
    outcome = identity.finish_sign_in(code, browser=str(request.session.get("saml_browser", "")))
    if outcome.purpose == "login":
        person = identity.admit(outcome.claims)
        sessions.open_session(request, person, outcome)
        return redirect(outcome.next_path or "home")
    if actor.kind != "person" or outcome.person_id != actor.id:
        raise identity.AssertionRefusedError
    if outcome.purpose == "stepup":
        if identity.holder_of_claims(outcome.claims) != actor.id:
            raise identity.AssertionRefusedError
        sessions.raise_session(request, outcome)
        return redirect(outcome.next_path or "account")
    request.session["linking"] = asdict(outcome.claims)
    return redirect("identities")


@never_cache
@member
def identities(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Link and unlink institutions. Both sides are signed in to anew, and the person confirms what they see."""
    if request.method == "POST":
        if "begin" in request.POST:
            sessions.allow_linking(request)
            if not sessions.is_fresh(request):
                return redirect(f"{reverse('step_up')}?{urlencode({'next': reverse('identities')})}")
            return redirect(f"{reverse('saml_discover')}?{urlencode({'purpose': 'link'})}")
        if "confirm" in request.POST:
            said = request.session.pop("linking", None)
            if said is None or not sessions.may_link(request):
                raise identity.AssertionRefusedError
            identity.link_identity(actor.id, identity.claims_of(said))
            request.session.pop("link_until", None)
            return done(request, _("The institution is linked to your account."), "account")
        if "cancel" in request.POST:
            request.session.pop("linking", None)
            return redirect("account")
        if "unlink" in request.POST:
            return _unlink(request, actor)
    waiting = request.session.get("linking")
    context: dict[str, Any] = {"identities": identity_rows(actor.id)}
    if waiting and sessions.may_link(request):
        context["waiting"] = _row(identity.claims_of(waiting))
    return render(request, "web/identities.html", context)


def _unlink(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Not the last way in: the account would be closed for good."""
    if len(identity.identities_of(actor.id)) < 2 and not identity.has_own_sign_in(actor.id):  # noqa: PLR2004
        raise LastWayInError
    identity.unlink(actor.id, request.POST["unlink"])
    return done(request, _("The institution is no longer linked."), "identities")


class LastWayInError(InvalidInputError):
    """Unlinking would lock the person out."""

    code = "web.last_way_in"
    default_message = "This institution is the only way into your account, so it stays linked."
    default_remedy = "Add a passkey or a password first."


def identity_rows(person_id: str) -> list[dict[str, Any]]:
    """The identities of a person with the names that people know."""
    return [
        {"id": card.id, "used": card.last_used_at, **_row(card.claims)}
        for card in identity.identities_of(person_id)
    ]


def _row(said: identity.Claims) -> dict[str, Any]:
    language = (get_language() or "ja")[:2]
    name = said.names.get(language) or next(iter(said.names.values()), "") or said.principal_name
    return {
        "institution": institution_name(said.issuer),
        "confirm_at": _confirm_at(said.issuer),
        "name": name or said.subjects[0].value,
        "affiliations": said.affiliations,
        "memberships": [
            {"name": found.name, "role": found.role, "authority": found.authority}
            for found in said.memberships
        ],
    }


def institution_name(issuer: str) -> str:
    """What people call an identity provider, in the viewer's language."""
    language = (get_language() or "ja")[:2]
    provider = identity.openid_provider_of(issuer)
    if provider is not None:
        return provider.name(language)
    known = identity.known_providers([issuer])
    return known[0].name(language) if known else issuer


def _confirm_at(issuer: str) -> str:
    """Where one confirms with two factors at an identity provider; empty where none can be had."""
    provider = identity.openid_provider_of(issuer)
    if provider is None:
        return f"{reverse('saml_start')}?{urlencode({'entity': issuer, 'purpose': 'stepup'})}"
    if not provider.acr_values:
        return ""
    return f"{reverse('openid_start', kwargs={'provider': provider.id})}?purpose=stepup"


@never_cache
@member
def step_up(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Confirm more strongly: by the institution's second factor, or by a passkey or one-time code of this node."""
    path = sessions.safe_path(request, request.GET.get("next", ""))
    context = {
        "next": path or reverse("account"),
        "identities": identity_rows(actor.id),
        "has_own": Authenticator.objects.filter(user=request.user).exists(),
        "has_password": request.user.has_usable_password(),  # type: ignore[union-attr]
        "assurance": sessions.assurance_of(request),
    }
    return render(request, "web/step_up.html", context)


@member
def feeds(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The state of the metadata feeds, for administrators."""
    if not actor.is_admin:
        raise NotFoundError
    if request.method == "POST":
        identity.request_feed_refresh()
        return done(request, _("The feeds are being refreshed."), "feeds")
    return render(request, "web/feeds.html", {"feeds": identity.feed_status()})
