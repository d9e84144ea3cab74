"""Tokens, device codes, introspection, and what the node says of itself. Nothing here reads a session's cookie."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.core import ratelimit
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tsunagu.core import settings
from tsunagu.foundation.identity import api as identity

_MOST_BYTES = 1 << 16
_FORM = "application/x-www-form-urlencoded"
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
Machine = Callable[[str, dict[str, str]], tuple[int, dict[str, str], str]]


def place_of(request: HttpRequest) -> str:
    """Where a request came from, for people to read: address and what the program calls itself."""
    agent = "".join(letter for letter in request.headers.get("User-Agent", "") if letter.isprintable())
    return f"{get_adapter().get_client_ip(request)} · {agent[:200]}"


def challenge(error: str = "", **more: str) -> str:
    """WWW-Authenticate of the REST interface: where to read how to get a token (RFC 9728)."""
    place = f"{settings.current().control_address}/.well-known/oauth-protected-resource/api/v1"
    fields = {**({"error": error} if error else {}), **more, "resource_metadata": place}
    return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in fields.items())


def _form(request: HttpRequest, action: str) -> tuple[str, HttpResponse | None]:
    """The form as text, or the refusal."""
    if not ratelimit.consume(request, action=action):
        return "", JsonResponse({"error": "temporarily_unavailable"}, status=429, headers=_NO_STORE)
    if request.content_type != _FORM or len(request.body) > _MOST_BYTES:
        return "", JsonResponse({"error": "invalid_request"}, status=400, headers=_NO_STORE)
    return request.body.decode("utf-8", "replace"), None


def _headers(request: HttpRequest) -> dict[str, str]:
    return {
        name: request.headers[name] for name in ("Authorization", "User-Agent") if name in request.headers
    }


def _machine(call: Machine) -> Callable[[HttpRequest], HttpResponse]:
    @csrf_exempt  # programs send no cookie, and none is read
    @require_POST
    def answer(request: HttpRequest) -> HttpResponse:
        form, refusal = _form(request, "program_token")
        if refusal is not None:
            return refusal
        status, headers, content = call(form, _headers(request))
        return HttpResponse(content, status=status, headers={**headers, **_NO_STORE})

    return answer


token = _machine(identity.program_token)
revoke = _machine(identity.revoke_program_token)
introspect = _machine(identity.introspect_token)


@csrf_exempt
@require_POST
def device(request: HttpRequest) -> HttpResponse:
    """A device asks for a code to show."""
    form, refusal = _form(request, "device_code")
    if refusal is not None:
        return refusal
    status, content = identity.begin_device(form, _headers(request), place=place_of(request))
    return JsonResponse(content, status=status, headers=_NO_STORE)


@csrf_exempt
@require_POST
def register(request: HttpRequest) -> HttpResponse:
    """A program registers itself, by an invitation."""
    if not ratelimit.consume(request, action="program_register"):
        return JsonResponse({"error": "temporarily_unavailable"}, status=429, headers=_NO_STORE)
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    try:
        told = json.loads(request.body) if len(request.body) < _MOST_BYTES else None
        made = identity.register_itself(secret.strip() if scheme.lower() == "bearer" else "", told)
    except identity.NotSignedInError:
        told_back = {**_NO_STORE, "WWW-Authenticate": 'Bearer error="invalid_token"'}
        return JsonResponse({"error": "invalid_token"}, status=401, headers=told_back)
    except (identity.BadProgramError, ValueError) as error:
        said = error.message if isinstance(error, identity.BadProgramError) else "A JSON object was expected."
        content = {"error": "invalid_client_metadata", "error_description": said}
        return JsonResponse(content, status=400, headers=_NO_STORE)
    return JsonResponse(made, status=201, headers=_NO_STORE)


@csrf_exempt
@require_http_methods(["GET", "POST"])
def user_info(request: HttpRequest) -> HttpResponse:
    """About the person, to the program that shows its access token."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    try:
        return JsonResponse(
            identity.user_info(secret.strip() if scheme.lower() == "bearer" else ""), headers=_NO_STORE
        )
    except identity.NotSignedInError:
        told = {**_NO_STORE, "WWW-Authenticate": 'Bearer error="invalid_token"'}
        return JsonResponse({"error": "invalid_token"}, status=401, headers=told)


def _public(make: Callable[[], dict[str, Any]]) -> Callable[[HttpRequest], HttpResponse]:
    @require_GET
    def answer(request: HttpRequest) -> HttpResponse:
        del request
        open_to_all = {"Access-Control-Allow-Origin": "*", "Cache-Control": "max-age=3600"}
        return JsonResponse(make(), headers=open_to_all)

    return answer


_server = _public(identity.server_metadata)
_resource = _public(identity.resource_metadata)

urlpatterns = [
    path("oauth/token", token, name="oauth_token"),
    path("oauth/revoke", revoke),
    path("oauth/introspect", introspect),
    path("oauth/device", device),
    path("oauth/register", register),
    path("oauth/userinfo", user_info),
    path("oauth/jwks.json", _public(identity.public_keys)),
    path(".well-known/openid-configuration", _server),
    path(".well-known/oauth-authorization-server", _server),
    path(".well-known/oauth-protected-resource", _resource),
    path(".well-known/oauth-protected-resource/api/v1", _resource),
]
