"""A program asks a person for access: in the browser, or by a device that shows a code. The person answers here."""

from __future__ import annotations

import datetime as dt
import logging
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.db import transaction
from oauthlib.common import Request, urldecode
from oauthlib.oauth2.rfc6749.errors import FatalClientError, OAuth2Error

from tsunagu.core import clock, settings
from tsunagu.foundation.identity.program_models import DeviceRequest, Program
from tsunagu.foundation.identity.programs import connections, registry, saying
from tsunagu.foundation.identity.programs.connections import SignedIn
from tsunagu.foundation.identity.programs.engine import Engine
from tsunagu.foundation.identity.programs.errors import ProgramRefusedError, WrongCodeError
from tsunagu.foundation.identity.programs.types import ABOUT, SCOPES, Asked, Consent
from tsunagu.foundation.identity.types import VERBS

logger = logging.getLogger(__name__)

DEVICE_LIVES = dt.timedelta(minutes=10)
POLL_S = 5
# Letters that nobody takes for others, and no vowels that would make words.
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
_CODE_LENGTH = 8
_ENGINE = Engine()
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
Answer = tuple[int, dict[str, str], str]


class SentBackError(Exception):
    """The request cannot be granted, and the program may be told: the browser goes there."""

    def __init__(self, address: str) -> None:
        self.address = address
        super().__init__(address)


def _place(path: str, query: str = "") -> str:
    return f"{settings.current().control_address}{path}{f'?{query}' if query else ''}"


def asked(query: str) -> Asked:
    """What a program asks for in the browser (the query of the authorization request).

    Raises:
        ProgramRefusedError: the program or the return address is not known; nobody is sent anywhere.
        SentBackError: the request itself does not hold.
    """
    try:
        scopes, info = _ENGINE.validate_authorization_request(
            _place("/oauth/authorize", query), "GET", "", {}
        )
    except FatalClientError as error:
        logger.warning("program_refused", extra={"why": error.error, "detail": str(error.description)[:200]})
        raise ProgramRefusedError from None
    except OAuth2Error as error:
        raise SentBackError(_with_issuer(error.in_uri(error.redirect_uri))) from None
    request: Request = info["request"]
    if "resource" in request.duplicate_params:
        raise _sent_back(request, "invalid_target")
    try:
        max_age = int(request.max_age) if request.max_age else None
    except ValueError:
        raise _sent_back(request, "invalid_request") from None
    return Asked(
        program=registry.card(request.client),
        verbs=_verbs(scopes),
        about=_about(scopes),
        resource=_resource(request),
        return_to=str(request.redirect_uri),
        acr_values=tuple(str(request.acr_values or "").split()),
        max_age_s=0 if "login" in str(request.prompt or "").split() else max_age,
    )


def _verbs(scopes: list[str]) -> tuple[str, ...]:
    return tuple(verb for verb in VERBS if verb in scopes)


def _about(scopes: list[str]) -> tuple[str, ...]:
    return tuple(name for name in ABOUT if name in scopes)


def _resource(request: Request) -> str:
    """For which service the tokens shall be: the REST interface, or one that an administrator registered."""
    wanted = str(request.resource or connections.api_resource())
    if wanted == connections.api_resource():
        return wanted
    if not Program.objects.filter(resource=wanted, withdrawn_at=None).exclude(resource="").exists():
        raise _sent_back(request, "invalid_target")
    return wanted


def _sent_back(request: Request, error: str) -> SentBackError:
    query = {"error": error, **({"state": request.state} if request.state else {})}
    return SentBackError(_with_issuer(_joined(str(request.redirect_uri), query)))


def _joined(address: str, query: Mapping[str, str]) -> str:
    return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(query)}"


def _with_issuer(address: str) -> str:
    """The answer says who gives it (RFC 9207)."""
    return _joined(address, {"iss": saying.issuer()})


@transaction.atomic
def allow(query: str, session: SignedIn, consent: Consent) -> str:
    """The person agrees; gives the address to which the browser goes, with the code.

    Raises:
        ProgramRefusedError, SentBackError: as for ``asked``.
        BadScopeError: the person left nothing ticked.
    """
    wanted = asked(query)
    connection = connections.connect(session, wanted, consent)
    headers, _, status = _ENGINE.create_authorization_response(
        _place("/oauth/authorize", query),
        "GET",
        "",
        {},
        scopes=connection.scopes.split() or list(wanted.verbs),
        credentials={"user": connection.person, "connection": connection},
    )
    if status != 302:  # noqa: PLR2004 - oauthlib answers with a redirect or raises
        raise ProgramRefusedError
    return _with_issuer(str(headers["Location"]))


def decline(query: str) -> str:
    """The person does not agree; gives the address to which the browser goes.

    Raises:
        ProgramRefusedError, SentBackError: as for ``asked``.
    """
    return refuse(query, "access_denied")


def refuse(query: str, error: str) -> str:
    """The address to which the browser goes with an error of the protocol."""
    wanted = asked(query)
    request = Request(_place("/oauth/authorize", query))
    told = {"error": error, **({"state": request.state} if request.state else {})}
    return _with_issuer(_joined(wanted.return_to, told))


# --- Devices


def begin_device(body: str, headers: Mapping[str, str], *, place: str) -> tuple[int, dict[str, Any]]:
    """A device asks for a code to show (RFC 8628); gives status and JSON.

    No address with the code in it is given: whoever sends a link to a victim must not get a one-click consent.

    Args:
        body: The form.
        headers: Of the request.
        place: Where the request came from, as the person will read it.
    """
    request = Request(_place("/oauth/device"), "POST", body, {**headers, **_FORM})
    request.grant_type = None
    try:
        _ENGINE.device.validate_device_authorization_request(request)
        resource = _resource_of_device(request)
    except OAuth2Error as error:
        return error.status_code, dict(error.twotuples)
    if resource is None:
        return 400, {"error": "invalid_target"}
    program: Program = request.client
    from tsunagu.foundation.identity.programs.types import DEVICE

    if DEVICE not in program.grants:
        return 400, {"error": "unauthorized_client"}
    device, code = secrets.token_urlsafe(32), "".join(secrets.choice(_LETTERS) for _ in range(_CODE_LENGTH))
    now = clock.now()
    DeviceRequest.objects.create(
        device_hash=registry.digest(device),
        code_hash=registry.digest(code),
        program=program,
        scopes=" ".join(scope for scope in SCOPES if scope in request.scopes),
        resource=resource,
        place=place[:300],
        created_at=now,
        expires_at=now + DEVICE_LIVES,
    )
    return 200, {
        "device_code": device,
        "user_code": f"{code[:4]}-{code[4:]}",
        "verification_uri": _place("/device"),
        "expires_in": int(DEVICE_LIVES.total_seconds()),
        "interval": POLL_S,
    }


def _resource_of_device(request: Request) -> str | None:
    try:
        request.redirect_uri = "x:"
        return _resource(request)
    except SentBackError:
        return None


def waiting(code: str) -> tuple[str, Asked]:
    """The device that shows a code: id of its request, and what it asks for.

    Raises:
        WrongCodeError: no device that waits shows it.
    """
    plain = "".join(letter for letter in code.upper() if letter in _LETTERS)
    return _waiting(code_hash=registry.digest(plain))


def waiting_device(request_id: str) -> Asked:
    """What a device asks for whose code was typed before.

    Raises:
        WrongCodeError: it does not wait any more.
    """
    return _waiting(uid=request_id)[1]


def _waiting(**by: str) -> tuple[str, Asked]:
    row = (
        DeviceRequest.objects.select_related("program")
        .filter(answer="", expires_at__gt=clock.now(), program__withdrawn_at=None, **by)
        .first()
    )
    if row is None:
        raise WrongCodeError
    scopes = row.scopes.split()
    return row.uid, Asked(
        program=registry.card(row.program),
        verbs=_verbs(scopes),
        about=_about(scopes),
        resource=row.resource,
        place=row.place,
        asked_at=clock.isoformat(row.created_at),
    )


@transaction.atomic
def answer_device(request_id: str, session: SignedIn, consent: Consent | None) -> None:
    """The person agrees, or with None does not; once.

    Raises:
        WrongCodeError: it does not wait any more.
        BadScopeError: the person left nothing ticked.
    """
    wanted = waiting_device(request_id)
    connection = connections.connect(session, wanted, consent) if consent else None
    changed = DeviceRequest.objects.filter(uid=request_id, answer="").update(
        answer="approved" if connection else "denied", connection=connection
    )
    if not changed:
        raise WrongCodeError


# --- From program to node


def token(body: str, headers: Mapping[str, str]) -> Answer:
    """Codes and refresh tokens for tokens."""
    return _machine(_ENGINE.create_token_response, "/oauth/token", body, headers)


def revoke(body: str, headers: Mapping[str, str]) -> Answer:
    """A program gives its tokens back (RFC 7009)."""
    return _machine(_ENGINE.create_revocation_response, "/oauth/revoke", body, headers)


def introspect(body: str, headers: Mapping[str, str]) -> Answer:
    """A service asks about a token that it was shown (RFC 7662)."""
    return _machine(_ENGINE.create_introspect_response, "/oauth/introspect", body, headers)


def _machine(call: Any, path: str, body: str, headers: Mapping[str, str]) -> Answer:
    try:
        urldecode(body)  # oauthlib 4.0.1 stumbles over a form that is none, instead of refusing it
        told, content, status = call(_place(path), "POST", body, {**headers, **_FORM})
    except ValueError:
        return 400, {"Content-Type": "application/json"}, '{"error": "invalid_request"}'
    return int(status), dict(told), str(content or "")
