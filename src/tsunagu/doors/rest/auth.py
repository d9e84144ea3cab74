"""Ninja's authentication, with the browser's forgery check for sessions."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware

from tsunagu.doors.who import actor_of
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import Actor

_SAFE = {"GET", "HEAD", "OPTIONS"}


class ForgedRequestError(identity.NotSignedInError):
    """A request with a session cookie and no proof that our own page sent it."""

    code = "identity.forged_request"
    status = 403
    default_message = "This request does not come from a page of this node."
    default_remedy = "Use an access token, or send the X-CSRFToken header."


def _pass(request: HttpRequest) -> HttpResponse:
    del request
    return HttpResponse()


def session_or_token(request: HttpRequest) -> Actor:
    """Everybody may come in, the rules decide what they get; a cookie alone changes nothing."""
    actor = actor_of(request)
    if actor.kind == "person" and not actor.token_id and request.method not in _SAFE:
        checker = CsrfViewMiddleware(_pass)
        request._dont_enforce_csrf_checks = False  # type: ignore[attr-defined]  # noqa: SLF001 - ninja marks every view exempt
        checker.process_request(request)
        if checker.process_view(request, _pass, (), {}) is not None:
            raise ForgedRequestError
    return actor
