"""The inbox of the node (Linked Data Notifications, COAR Notify 1.0.1): for services, without a session."""

from __future__ import annotations

from typing import Any

from allauth.core import ratelimit
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from tsunagu.core.errors import NotFoundError, TsunaguError
from tsunagu.data.notices import api as notices
from tsunagu.doors.who import actor_of_session
from tsunagu.foundation.identity.api import NotSignedInError
from tsunagu.foundation.policy import api as policy

_TAKEN = ("application/ld+json", "application/json")
_LD = "application/ld+json"
_NO_STORE = {"Cache-Control": "no-store"}
_LISTED = 100
_WAIT_S = "60"


def addresses() -> list[URLPattern]:
    """``/inbox``, and ``/inbox/ID``, which says how a notice stands."""
    return [path("inbox", inbox, name="inbox"), path("inbox/<str:key>", status, name="inbox_status")]


@csrf_exempt  # services send no cookie, and none is read when they post
@require_http_methods(["GET", "HEAD", "POST", "OPTIONS"])
def inbox(request: HttpRequest) -> HttpResponse:
    """Take a notice in, or list what came."""
    try:
        if request.method == "OPTIONS":
            return HttpResponse(
                headers={"Allow": "GET, HEAD, OPTIONS, POST", "Accept-Post": ", ".join(_TAKEN)}
            )
        return _take(request) if request.method == "POST" else _list(request)
    except TsunaguError as error:
        return _problem(error)


def _take(request: HttpRequest) -> HttpResponse:
    if not ratelimit.consume(request, action="inbox"):
        raise notices.InboxFullError
    if (request.content_type or "").lower() not in _TAKEN:
        raise notices.NoticeTypeError
    said = request.META.get("CONTENT_LENGTH") or "0"
    if not said.isdigit() or int(said) > notices.MOST_BYTES:
        raise notices.NoticeTooLargeError
    key = notices.receive(request.read(notices.MOST_BYTES + 1))
    return HttpResponse(status=202, headers={"Location": f"{notices.inbox()}/{key}"})


def _list(request: HttpRequest) -> HttpResponse:
    actor = actor_of_session(request)
    if actor.kind != "person":
        raise NotSignedInError
    found = notices.list_received(actor, limit=_LISTED)
    if not found:
        # An empty list is for those who could have seen something.
        policy.require(actor, "node.admin", policy.NODE)
    shown = {
        "@context": "http://www.w3.org/ns/ldp",
        "@id": notices.inbox(),
        "contains": [f"{notices.inbox()}/{one.id}" for one in found],
    }
    return JsonResponse(shown, content_type=_LD, headers=_NO_STORE)


@require_safe
def status(request: HttpRequest, key: str) -> HttpResponse:
    """How a notice stands, for whoever was given its address: nothing of what it says."""
    del request
    try:
        state = notices.status_of(key)
    except NotFoundError as error:
        return _problem(error)
    shown: dict[str, Any] = {"@id": f"{notices.inbox()}/{key}", "state": state}
    return JsonResponse(shown, headers=_NO_STORE)


def _problem(error: TsunaguError) -> HttpResponse:
    headers = {**_NO_STORE, **({"Retry-After": _WAIT_S} if error.status == 429 else {})}  # noqa: PLR2004
    return JsonResponse(
        error.as_problem(), status=error.status, content_type="application/problem+json", headers=headers
    )
