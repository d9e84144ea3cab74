"""The protocol itself is oauthlib's; what it asks about programs, codes and tokens is answered here.

Strict where the library leaves a choice: the code flow alone, PKCE (S256) for everybody, exact return addresses,
refresh tokens that are good once.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hmac
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote, urlsplit

from oauthlib.common import Request
from oauthlib.oauth2.rfc6749.endpoints.authorization import AuthorizationEndpoint
from oauthlib.oauth2.rfc6749.endpoints.introspect import IntrospectEndpoint
from oauthlib.oauth2.rfc6749.endpoints.revocation import RevocationEndpoint
from oauthlib.oauth2.rfc6749.endpoints.token import TokenEndpoint
from oauthlib.oauth2.rfc6749.grant_types import AuthorizationCodeGrant as PlainCodeGrant
from oauthlib.oauth2.rfc6749.tokens import BearerToken
from oauthlib.oauth2.rfc8628.grant_types import DeviceCodeGrant
from oauthlib.openid import RequestValidator
from oauthlib.openid.connect.core.grant_types import (
    AuthorizationCodeGrant,
    AuthorizationCodeGrantDispatcher,
    AuthorizationTokenGrantDispatcher,
    RefreshTokenGrant,
)

from tsunagu.core import clock
from tsunagu.foundation.identity.program_models import Connection, DeviceRequest, Program, ProgramSecret
from tsunagu.foundation.identity.programs import connections, registry, saying
from tsunagu.foundation.identity.programs.registry import digest
from tsunagu.foundation.identity.programs.types import CODE, DEVICE, REFRESH, SCOPES
from tsunagu.foundation.identity.types import VERBS

_POLL_S = 5.0


class Validator(RequestValidator):  # type: ignore[misc]
    """Answers oauthlib's questions from the tables."""

    # --- Who asks

    def validate_client_id(self, client_id: str, request: Request, *_: Any, **__: Any) -> bool:
        """Known and not withdrawn."""
        request.client = registry.find(client_id or "")
        return request.client is not None

    def client_authentication_required(self, request: Request, *_: Any, **__: Any) -> bool:
        """Whether the program has a secret, and so must show it."""
        found = registry.find(_named(request)[0])
        return found is None or bool(found.secret_hash)

    def authenticate_client(self, request: Request, *_: Any, **__: Any) -> bool:
        """By its secret, in the header or in the form."""
        name, secret = _named(request)
        found = registry.find(name)
        if found is None or not found.secret_hash:
            return False
        if not hmac.compare_digest(found.secret_hash, digest(secret)):
            return False
        _use(request, found)
        return True

    def authenticate_client_id(self, client_id: str, request: Request, *_: Any, **__: Any) -> bool:
        """A program without a secret."""
        found = registry.find(client_id or "")
        if found is None or found.secret_hash:
            return False
        _use(request, found)
        return True

    def validate_grant_type(
        self, _client_id: str, grant_type: str, client: Program, _request: Request, *_: Any, **__: Any
    ) -> bool:
        """One that it was registered for."""
        return grant_type in client.grants

    def is_origin_allowed(self, *_: Any, **__: Any) -> bool:
        """No script of another site speaks to the token endpoint."""
        return False

    # --- Going to the person

    def validate_redirect_uri(
        self, _client_id: str, redirect_uri: str, request: Request, *_: Any, **__: Any
    ) -> bool:
        """Character by character; on one's own machine the port is free (RFC 8252)."""
        return any(_is_same(redirect_uri, known) for known in request.client.redirect_uris)

    def get_default_redirect_uri(self, *_: Any, **__: Any) -> None:
        """None: it must be said."""

    def validate_response_type(
        self, _client_id: str, response_type: str, client: Program, _request: Request, *_: Any, **__: Any
    ) -> bool:
        """The code flow alone."""
        return response_type == "code" and CODE in client.grants

    def validate_scopes(
        self, _client_id: str, scopes: list[str], client: Program, request: Request, *_: Any, **__: Any
    ) -> bool:
        """Known ones, and of the verbs no more than the program was registered for."""
        if getattr(request, "grant_type", None) in {CODE, DEVICE, REFRESH}:
            return True  # those of the consent, which went through here before
        allowed = set(SCOPES) - (set(VERBS) - set(client.verbs.split()))
        return set(scopes) <= allowed

    def get_default_scopes(self, *_: Any, **__: Any) -> list[str]:
        """What a program that says nothing asks for."""
        return ["read"]

    def is_pkce_required(self, *_: Any, **__: Any) -> bool:
        """Always."""
        return True

    def validate_silent_login(self, _request: Request) -> bool:
        """Nothing happens without the person."""
        return False

    def validate_silent_authorization(self, _request: Request) -> bool:
        """The same."""
        return False

    def validate_user_match(self, *_: Any, **__: Any) -> bool:
        """A hint about who should sign in binds nobody."""
        return True

    def save_authorization_code(
        self, _client_id: str, code: dict[str, str], request: Request, *_: Any, **__: Any
    ) -> None:
        """The code, with everything that must fit when it comes back."""
        connections.issue(
            request.connection,
            "code",
            lifetime=connections.CODE_LIVES,
            secret=code["code"],
            detail={
                "redirect_uri": request.redirect_uri,
                "challenge": request.code_challenge,
                "nonce": request.nonce or "",
            },
        )

    # --- Codes for tokens

    def validate_code(
        self, _client_id: str, code: str, client: Program, request: Request, *_: Any, **__: Any
    ) -> bool:
        """Of this program, in its minute, once."""
        row = connections.living("code", code)
        if row is None or row.connection.program_id != client.pk or not connections.use_once(row):
            return False
        _stand(request, row.connection)
        request.code_row = row
        return True

    def get_code_challenge(self, _code: str, request: Request) -> str:
        """What the verifier must hash to."""
        return str(request.code_row.detail["challenge"])

    def get_code_challenge_method(self, _code: str, _request: Request) -> str:
        """The only one."""
        return "S256"

    def confirm_redirect_uri(
        self,
        _client_id: str,
        _code: str,
        redirect_uri: str,
        _client: Program,
        request: Request,
        *_: Any,
        **__: Any,
    ) -> bool:
        """The very one of the request before."""
        return bool(redirect_uri == request.code_row.detail["redirect_uri"])

    def get_authorization_code_scopes(
        self, _client_id: str, code: str, _redirect_uri: str, _request: Request
    ) -> list[str]:
        """For choosing between plain and OpenID; decides nothing."""
        row = connections.living("code", code)
        return row.connection.scopes.split() if row else []

    def get_authorization_code_nonce(
        self, _client_id: str, _code: str, _redirect_uri: str, request: Request
    ) -> str | None:
        """What the program will compare."""
        return request.code_row.detail["nonce"] or None

    def invalidate_authorization_code(self, *_: Any, **__: Any) -> None:
        """It was used up when it was looked at."""

    # --- Devices

    def validate_device_code(
        self, _client_id: str, device_code: str, request: Request, *_: Any, **__: Any
    ) -> str | None:
        """Whether the person answered, in the words of RFC 8628."""
        row = (
            DeviceRequest.objects.select_related("connection__program", "connection__person")
            .filter(device_hash=digest(device_code), program_id=request.client.pk)
            .first()
        )
        if row is None:
            return None
        now, before = clock.now(), row.polled_at
        DeviceRequest.objects.filter(pk=row.pk).update(polled_at=now)
        if row.expires_at <= now:
            state = DeviceCodeGrant.DEVICE_CODE_EXPIRED
        elif before is not None and now - before < dt.timedelta(seconds=_POLL_S - 1):
            state = DeviceCodeGrant.DEVICE_CODE_SLOW_DOWN
        elif not row.answer:
            state = DeviceCodeGrant.DEVICE_CODE_PENDING
        elif row.connection is not None and _take(row):
            _stand(request, row.connection)
            state = DeviceCodeGrant.DEVICE_CODE_AUTHORIZED
        else:
            state = DeviceCodeGrant.DEVICE_CODE_DENIED
        return str(state)

    # --- Tokens

    def save_bearer_token(self, token: dict[str, Any], request: Request, *_: Any, **__: Any) -> None:
        """Keep hashes of what is handed out; a program without the refresh grant gets no refresh token."""
        connection: Connection = request.connection
        issued = {"scopes": request.scopes, "secret": token["access_token"]}
        connections.issue(connection, "access", lifetime=connections.ACCESS_LIVES, **issued)
        if REFRESH in connection.program.grants and "refresh_token" in token:
            connections.issue(
                connection, "refresh", lifetime=connections.REFRESH_LIVES, secret=token["refresh_token"]
            )
        else:
            token.pop("refresh_token", None)
        token["expires_in"] = min(
            token["expires_in"], max(0, int((connection.expires_at - clock.now()).total_seconds()))
        )

    def rotate_refresh_token(self, _request: Request) -> bool:
        """A new one each time."""
        return True

    def validate_refresh_token(
        self, refresh_token: str, client: Program, request: Request, *_: Any, **__: Any
    ) -> bool:
        """Of this program, for the service that it was made for, once."""
        row = connections.living("refresh", refresh_token)
        if row is None or row.connection.program_id != client.pk:
            return False
        if (request.resource or row.connection.resource) != row.connection.resource:
            return False
        if not connections.use_once(row):
            return False
        _stand(request, row.connection)
        return True

    def get_original_scopes(self, _refresh_token: str, request: Request, *_: Any, **__: Any) -> list[str]:
        """Those of the consent."""
        return list(request.connection.scopes.split())

    def is_within_original_scope(
        self, request_scopes: Iterable[str], _refresh_token: str, request: Request, *_: Any, **__: Any
    ) -> bool:
        """Narrower is allowed: fewer verbs, one project out of many; for one task of an agent."""
        granted = request.connection.scopes.split()
        return all(
            scope in granted or connections.may_narrow(request.connection, scope) for scope in request_scopes
        )

    def refresh_id_token(self, _request: Request) -> bool:
        """A new ID token comes with a new access token."""
        return True

    def finalize_id_token(
        self, id_token: dict[str, Any], _token: Any, _handler: Any, request: Request
    ) -> str:
        """Signed, with what the session of the consent proved."""
        return saying.id_token(request.connection, id_token)

    def introspect_token(self, token: str, _hint: str, request: Request, *_: Any, **__: Any) -> Any:
        """Of a token: to the program that has it, and to the service that it was made for; to nobody else."""
        row = connections.living("access", token)
        asker: Program = request.client
        if row is None or not asker.secret_hash:
            return None
        connection = row.connection
        is_its_own = connection.program_id == asker.pk
        if not is_its_own and (not asker.resource or connection.resource != asker.resource):
            return None
        return saying.introspection(row, asker)

    def revoke_token(self, token: str, _hint: str, request: Request, *_: Any, **__: Any) -> None:
        """The program signs out: everything of this consent ends."""
        for kind in ("access", "refresh"):
            row: ProgramSecret | None = connections.living(kind, token)
            if row is not None and row.connection.program_id == request.client.pk:
                connections.end_by_program(row)


def _named(request: Request) -> tuple[str, str]:
    """Name and secret of the asking program: from the header, else from the form."""
    scheme, _, encoded = str(request.headers.get("Authorization") or "").partition(" ")
    if scheme.lower() == "basic":
        try:
            name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return "", ""
        return unquote(name), unquote(secret)
    return str(request.client_id or ""), str(request.client_secret or "")


def _take(row: DeviceRequest) -> bool:
    """Whether the person agreed, and nobody was given tokens for it yet."""
    assert row.connection is not None
    is_first = DeviceRequest.objects.filter(pk=row.pk, answer="approved").update(answer="used")
    return bool(is_first) and connections.is_in_force(row.connection)


def _use(request: Request, found: Program) -> None:
    request.client = found
    request.client_id = found.client_id
    found.client_id = found.client_id  # oauthlib reads it from the client


def _stand(request: Request, connection: Connection) -> None:
    request.connection = connection
    request.user = connection.person
    request.scopes = connection.scopes.split()


def _is_same(address: str, known: str) -> bool:
    if address == known:
        return True
    one, other = urlsplit(address), urlsplit(known)
    if other.scheme != "http" or other.hostname not in {"127.0.0.1", "::1"}:
        return False
    try:
        _ = one.port
    except ValueError:
        return False
    same = (one.scheme, one.hostname, one.path, one.query, one.fragment, one.username)
    return same == (other.scheme, other.hostname, other.path, other.query, other.fragment, None)


class Engine(AuthorizationEndpoint, TokenEndpoint, RevocationEndpoint, IntrospectEndpoint):  # type: ignore[misc]
    """The endpoints of the protocol."""

    def __init__(self) -> None:
        validator = Validator()
        bearer = BearerToken(
            validator,
            token_generator=lambda _request: connections.new_secret(),
            refresh_token_generator=lambda _request: connections.new_secret(),
            expires_in=int(connections.ACCESS_LIVES.total_seconds()),
        )
        plain, openid = PlainCodeGrant(validator), AuthorizationCodeGrant(validator)
        for grant in (plain, openid.proxy_target):
            # The verifier in the clear protects nothing.
            grant._code_challenge_methods = {"S256": grant._code_challenge_methods["S256"]}  # noqa: SLF001
        self.device = DeviceCodeGrant(validator)
        AuthorizationEndpoint.__init__(
            self,
            default_response_type="code",
            default_token_type=bearer,
            response_types={"code": AuthorizationCodeGrantDispatcher(default_grant=plain, oidc_grant=openid)},
        )
        TokenEndpoint.__init__(
            self,
            default_grant_type=CODE,
            default_token_type=bearer,
            grant_types={
                CODE: AuthorizationTokenGrantDispatcher(validator, default_grant=plain, oidc_grant=openid),
                REFRESH: RefreshTokenGrant(validator),
                DEVICE: self.device,
            },
        )
        RevocationEndpoint.__init__(self, validator)
        IntrospectEndpoint.__init__(self, validator)
