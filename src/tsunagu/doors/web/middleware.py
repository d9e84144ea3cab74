"""Headers on every page, and what a person chose."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.utils import translation

from tsunagu.core import settings
from tsunagu.doors import sessions
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.policy import api as policy

Next = Callable[[HttpRequest], HttpResponse]


def security_headers(get_response: Next) -> Next:
    """Content-Security-Policy without inline scripts or styles; pictures and uploads from the byte server."""
    origin = settings.current().bytes_address
    policy = (
        f"default-src 'self'; img-src 'self' data: {origin}; connect-src 'self' {origin}; form-action 'self' {origin}; "
        "object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
    )

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", policy)
        response.headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
        return response

    return answer


def guest_stays(get_response: Next) -> Next:
    """A guest whose day has come, or whose stand-in is over, is signed out with the next request."""

    def answer(request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated and identity.stay_is_over(request.user):
            identity.end_stays()
            logout(request)
        elif request.user.is_authenticated:
            came = sessions.stood_in_for(request)
            if came is not None and not identity.is_standing_in(came.stand_in_for):
                logout(request)
        return get_response(request)

    return answer


def person_preferences(get_response: Next) -> Next:
    """The language that a signed-in person chose wins over the browser's."""

    def answer(request: HttpRequest) -> HttpResponse:
        language = getattr(request.user, "language", "") if request.user.is_authenticated else ""
        if language:
            translation.activate(language)
            request.LANGUAGE_CODE = language
        return get_response(request)

    return answer


def roles_asked_once(get_response: Next) -> Next:
    """A page that only shows asks for each role once, however many decisions it takes."""

    def answer(request: HttpRequest) -> HttpResponse:
        if request.method not in {"GET", "HEAD"}:
            return get_response(request)
        with policy.remembering():
            return get_response(request)

    return answer
