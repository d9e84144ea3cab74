"""ID tokens, checked (OpenID Connect Core 1.0, section 3.1.3.7; RFC 8725)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import jwt

from tsunagu.foundation.identity.federation.answers import refused
from tsunagu.foundation.identity.openid import providers
from tsunagu.foundation.identity.openid.providers import OpenIDProvider

# Algorithm -> type of key. No HMAC: the public key of a provider must never become a shared secret.
ALGORITHMS: Mapping[str, str] = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}
_SKEW_S = 180
_LONGEST = 1 << 16


def read(token: str, row: OpenIDProvider, *, nonce: str, access_token: str) -> dict[str, Any]:
    """The claims of an ID token that this provider made for this node and for this request.

    Raises:
        AssertionRefusedError: anything does not fit; the log says what.
        ProviderDownError: its keys cannot be had.
    """
    try:
        header = jwt.get_unverified_header(token) if len(token) < _LONGEST else {}
        algorithm = str(header.get("alg", ""))
        key = _key(row, algorithm, header.get("kid"))
        said: dict[str, Any] = jwt.decode(
            token,
            jwt.PyJWK(key, algorithm=algorithm),
            algorithms=[algorithm],
            audience=row.client_id,
            issuer=row.issuer,
            leeway=_SKEW_S,
            options={"require": ["iss", "sub", "aud", "exp", "iat"]},
        )
    except jwt.PyJWTError as error:
        raise refused(row.issuer, f"{type(error).__name__}: {error}") from None
    if len(_listed(said["aud"])) > 1 and "azp" not in said:
        raise refused(row.issuer, "several audiences and no authorized party")
    if said.get("azp", row.client_id) != row.client_id:
        raise refused(row.issuer, "another authorized party")
    if not hmac.compare_digest(str(said.get("nonce", "")).encode(), nonce.encode()):
        raise refused(row.issuer, "another nonce")
    if "at_hash" in said and not _is_hash(str(said["at_hash"]), access_token, algorithm):
        raise refused(row.issuer, "an access token that does not belong to the ID token")
    if not said["sub"] or len(str(said["sub"])) > 255:  # noqa: PLR2004 - the length that OpenID Connect gives it
        raise refused(row.issuer, "no usable subject")
    return said


def _key(row: OpenIDProvider, algorithm: str, name: Any) -> dict[str, Any]:
    """The one key that a token may be signed with."""
    if algorithm not in ALGORITHMS:
        raise refused(row.issuer, f"the algorithm {algorithm[:20]!r} is not accepted")
    for again in (False, True):
        fitting = [
            key
            for key in providers.keys(row, again=again)
            if key.get("kty") == ALGORITHMS[algorithm]
            and key.get("use", "sig") == "sig"
            and key.get("alg", algorithm) == algorithm
            and (name is None or key.get("kid") == name)
        ]
        if len(fitting) == 1:
            return fitting[0]
    raise refused(row.issuer, "signed with a key that the provider does not show")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _is_hash(told: str, access_token: str, algorithm: str) -> bool:
    """Left half of the hash of the access token; Ed25519 hashes with SHA-512."""
    name = "sha512" if algorithm == "EdDSA" else "sha256"
    digest = hashlib.new(name, access_token.encode()).digest()
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    return hmac.compare_digest(half, told)
