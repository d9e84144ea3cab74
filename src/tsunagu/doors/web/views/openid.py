"""Signing in at an OpenID provider or ORCID: there and back. What comes of it is the same as with an institution."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from tsunagu.doors import sessions
from tsunagu.doors.web.views.federation import limit, purpose_of
from tsunagu.doors.web.views.frame import page
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import Actor


@never_cache
@require_GET
@page
def start(request: HttpRequest, actor: Actor, *, provider: str) -> HttpResponse:
    """To the provider."""
    limit(request, "saml_start")
    purpose = purpose_of(request)
    if purpose != "login" and actor.kind != "person":
        raise identity.NotSignedInError
    if purpose == "link" and not sessions.may_link(request):
        return redirect("step_up")
    address = identity.begin_openid(
        provider,
        browser=sessions.browser_secret(request),
        purpose=purpose,
        person_id=actor.id if purpose != "login" else "",
        next_path=sessions.safe_path(request, request.GET.get("next", "")),
    )
    return HttpResponseRedirect(address)


@never_cache
@require_GET
@page
def callback(request: HttpRequest, actor: Actor, *, provider: str) -> HttpResponse:
    """Back from the provider, in the browser that went."""
    del actor
    limit(request, "saml_answer")
    browser = str(request.session.get("saml_browser", ""))
    answer = {key: value for key, value in request.GET.items() if isinstance(value, str)}
    return redirect("saml_finish", code=identity.receive_openid(provider, answer, browser=browser))
