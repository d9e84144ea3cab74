"""What the node says of a person: in ID tokens, to programs that ask, to services that were shown a token, of itself."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlsplit

from tsunagu.core import settings
from tsunagu.foundation.identity.errors import NotSignedInError
from tsunagu.foundation.identity.federation import groups
from tsunagu.foundation.identity.federation.assurance import REFEDS_MFA, Assurance
from tsunagu.foundation.identity.federation.groups import Membership
from tsunagu.foundation.identity.program_models import Connection, Program, ProgramSecret
from tsunagu.foundation.identity.programs import connections, keys
from tsunagu.foundation.identity.programs.types import GRANTS, SCOPES
from tsunagu.foundation.identity.types import VERBS

REFEDS_SFA = "https://refeds.org/profile/sfa"
ACR_VALUES = (REFEDS_MFA, REFEDS_SFA)
_ID_LIVES_S = 300


def issuer() -> str:
    """The name of this node as a provider: from the settings, whatever a Host header says."""
    return str(settings.current().control_address)


def subject(program: Program, connection: Connection) -> str:
    """The person's name for a program: the same for all return addresses of one host, different elsewhere."""
    places = {urlsplit(address).hostname for address in program.redirect_uris}
    is_public_site = len(places) == 1 and not places & {"127.0.0.1", "::1"}
    sector = str(next(iter(places))) if is_public_site else program.client_id
    assert connection.person is not None
    return keys.pairwise(sector, connection.person.uid)


def id_token(connection: Connection, technical: dict[str, Any]) -> str:
    """A signed ID token.

    Args:
        connection: What the person allowed.
        technical: What the protocol puts in: audience, nonce, hashes.
    """
    said = {
        **technical,
        "aud": connection.program.client_id,
        "iss": issuer(),
        "exp": technical["iat"] + _ID_LIVES_S,
        "sub": subject(connection.program, connection),
        **_sign_in(connection),
        **_about(connection),
    }
    return keys.sign(said)


def _sign_in(connection: Connection) -> dict[str, Any]:
    """How the session was opened in which the person agreed; a refresh later does not make it newer."""
    assurance = Assurance.of(connection.assurance)
    said: dict[str, Any] = {}
    if assurance.mfa:
        said |= {"acr": REFEDS_MFA, "amr": ["mfa", *(["hwk"] if assurance.phishing_resistant else [])]}
    elif assurance.aal:
        said["acr"] = REFEDS_SFA
    if assurance.authn_at:
        said["auth_time"] = int(dt.datetime.fromisoformat(assurance.authn_at).timestamp())
    return said


def _about(connection: Connection) -> dict[str, Any]:
    person, scopes = connection.person, connection.scopes.split()
    assert person is not None
    said: dict[str, Any] = {}
    if "profile" in scopes:
        said |= {"name": str(person), **({"locale": person.language} if person.language else {})}
    if "email" in scopes and not person.email.endswith("@no-address.invalid"):
        # Addresses are given by administrators and institutions; whether mail arrives nobody has tried.
        said |= {"email": person.email, "email_verified": False}
    if "entitlements" in scopes:
        found = [Membership(**{**item, "path": tuple(item["path"])}) for item in connection.groups]
        said["entitlements"] = [groups.as_text(membership) for membership in found]
    return said


def user_info(secret: str) -> dict[str, Any]:
    """The claims that a program may ask for with its access token.

    Raises:
        NotSignedInError: unknown, expired or ended, or not for asking about the person.
    """
    row = connections.living("access", secret)
    if row is None or "openid" not in row.scopes.split():
        raise NotSignedInError
    connection = row.connection
    return {"sub": subject(connection.program, connection), **_about(connection)}


def introspection(row: ProgramSecret, asker: Program) -> dict[str, Any]:
    """What a service may know of a token that was shown to it (RFC 7662)."""
    connection = row.connection
    scope = connections.reach(connection, row.scopes.split())
    projects = [f"project:{key}" for key in scope.projects] if scope else []
    return {
        "iss": issuer(),
        "aud": connection.resource,
        "sub": subject(asker, connection),
        "client_id": connection.program.client_id,
        "scope": " ".join(dict.fromkeys([*row.scopes.split(), *projects])),
        "iat": int(row.created_at.timestamp()),
        "exp": int(row.expires_at.timestamp()),
        "token_type": "Bearer",
        # The program acts for the person, and is not the person (RFC 8693, section 4.1).
        "act": {"sub": connection.program.client_id, "client_name": connection.program.name},
        **_sign_in(connection),
    }


def server_metadata() -> dict[str, Any]:
    """What programs read first (OpenID Connect Discovery 1.0, RFC 8414)."""
    base = issuer()
    secret_ways = ["client_secret_basic", "client_secret_post"]
    return {
        "issuer": base,
        "authorization_endpoint": f"{base}/oauth/authorize",
        "token_endpoint": f"{base}/oauth/token",
        "device_authorization_endpoint": f"{base}/oauth/device",
        "userinfo_endpoint": f"{base}/oauth/userinfo",
        "revocation_endpoint": f"{base}/oauth/revoke",
        "introspection_endpoint": f"{base}/oauth/introspect",
        "registration_endpoint": f"{base}/oauth/register",
        "jwks_uri": f"{base}/oauth/jwks.json",
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANTS),
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none", *secret_ways],
        "revocation_endpoint_auth_methods_supported": ["none", *secret_ways],
        "introspection_endpoint_auth_methods_supported": secret_ways,
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": [keys.ALGORITHM],
        "acr_values_supported": list(ACR_VALUES),
        "claims_supported": [
            "sub",
            "name",
            "locale",
            "email",
            "email_verified",
            "entitlements",
            "acr",
            "amr",
            "auth_time",
        ],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": True,
        "client_id_metadata_document_supported": False,
        "ui_locales_supported": ["ja", "en"],
    }


def resource_metadata() -> dict[str, Any]:
    """What programs read when the REST interface refused them (RFC 9728)."""
    return {
        "resource": connections.api_resource(),
        "authorization_servers": [issuer()],
        "scopes_supported": list(VERBS),
        "bearer_methods_supported": ["header"],
        "resource_name": settings.current().node_name,
    }
