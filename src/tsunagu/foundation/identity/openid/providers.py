"""Providers of OpenID Connect: what the settings say of each, and what each says of itself."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tsunagu.core import egress, settings
from tsunagu.core.errors import TsunaguError
from tsunagu.foundation.identity.federation.assurance import TWO_FACTORS
from tsunagu.foundation.identity.federation.errors import UnknownProviderError
from tsunagu.foundation.identity.openid.errors import BadProviderSettingError, ProviderDownError

ORCID_ISSUERS = frozenset({"https://orcid.org", "https://sandbox.orcid.org"})
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}\Z")
_KEYS = frozenset(
    {
        *("id", "name", "name_ja", "issuer", "client_id", "secret", "scopes", "domains"),
        *("group_authorities", "acr_values", "signup"),
    }
)
_MOST_BYTES = 1 << 19
_TIMEOUT_S = 10.0
_KEPT_S = 3600.0
# How soon an unknown key may have the keys fetched again: a forged token must not make the node ask all the time.
_KEYS_AGAIN_S = 60.0


@dataclass(frozen=True, slots=True)
class OpenIDProvider:
    """A provider as the administrator described it.

    Attributes:
        id: Its name in addresses of this node.
        names: What people read, by language.
        issuer: Its issuer identifier, exactly as it writes it into tokens.
        client_id: Under which it knows this node.
        secret: Of the client; empty for a public client, which PKCE alone protects.
        scopes: What is asked for.
        domains: Domains that it may speak for, in addresses and affiliations.
        group_authorities: Whose word on groups it may relay; ``*`` for anybody's.
        acr_values: What to ask for when two factors are needed.
        signup: Whether somebody new gets an account; None follows ``federation_signup``, and no for ORCID.
    """

    id: str
    names: Mapping[str, str]
    issuer: str
    client_id: str
    secret: str = field(default="", repr=False)
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    domains: tuple[str, ...] = ()
    group_authorities: tuple[str, ...] = ()
    acr_values: tuple[str, ...] = TWO_FACTORS
    signup: bool | None = None

    @property
    def is_orcid(self) -> bool:
        """Whether its subjects are ORCID iDs."""
        return self.issuer in ORCID_ISSUERS

    @property
    def callback(self) -> str:
        """Where it sends people back; an address for each provider keeps their answers apart."""
        return f"{settings.current().control_address}/openid/{self.id}/callback"

    def name(self, language: str) -> str:
        """Its name in a language, else in the other."""
        return self.names.get(language) or next(iter(self.names.values()))


@dataclass(frozen=True, slots=True)
class Endpoints:
    """What a provider says of itself (OpenID Connect Discovery 1.0)."""

    authorization: str
    token: str
    userinfo: str
    jwks: str
    uses_basic: bool
    names_issuer: bool


def configured() -> tuple[OpenIDProvider, ...]:
    """The providers of the settings.

    Raises:
        BadProviderSettingError: a table is incomplete, or two have the same id or issuer.
    """
    rows = tuple(_read(row) for row in settings.current().openid_providers)
    for kept in ({row.id for row in rows}, {row.issuer for row in rows}):
        if len(kept) != len(rows):
            raise BadProviderSettingError("Two OpenID providers have the same id or the same issuer.")
    return rows


def _read(row: Mapping[str, Any]) -> OpenIDProvider:
    unknown = set(row) - _KEYS
    identifier, issuer = str(row.get("id", "")), str(row.get("issuer", ""))
    if unknown or not _NAME.match(identifier) or not urlsplit(issuer).hostname or not row.get("client_id"):
        wrong = f"unknown keys {', '.join(sorted(unknown))}" if unknown else "id, issuer or client_id"
        raise BadProviderSettingError(
            f"The OpenID provider {identifier or issuer!r} cannot be used: {wrong}."
        )
    name = str(row.get("name") or ("ORCID" if issuer in ORCID_ISSUERS else urlsplit(issuer).hostname))
    is_orcid = issuer in ORCID_ISSUERS
    scopes = _words(row.get("scopes", ["openid"] if is_orcid else ["openid", "profile", "email"]))
    return OpenIDProvider(
        id=identifier,
        names={"en": name, "ja": str(row.get("name_ja") or name)},
        issuer=issuer,
        client_id=str(row["client_id"]),
        secret=str(row.get("secret", "")),
        scopes=tuple(dict.fromkeys(("openid", *scopes))),
        domains=_words(row.get("domains", ())),
        group_authorities=_words(row.get("group_authorities", ())),
        acr_values=_words(row.get("acr_values", () if is_orcid else TWO_FACTORS)),
        signup=bool(row["signup"]) if "signup" in row else False if is_orcid else None,
    )


def _words(value: Any) -> tuple[str, ...]:
    return tuple(value.split()) if isinstance(value, str) else tuple(map(str, value))


def provider(name: str) -> OpenIDProvider:
    """The provider of this id.

    Raises:
        UnknownProviderError: there is none.
    """
    found = next((row for row in configured() if row.id == name), None)
    if found is None:
        raise UnknownProviderError
    return found


def of_issuer(issuer: str) -> OpenIDProvider | None:
    """The provider that writes this issuer into its tokens."""
    return next((row for row in configured() if row.issuer == issuer), None)


class _Kept:
    """Answers of providers, for an hour, in this process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.answers: dict[str, tuple[float, Any]] = {}

    def get(self, url: str, *, newer_than_s: float = _KEPT_S) -> Any:
        """The JSON object at an address, as it was at most so long ago."""
        with self.lock:
            kept = self.answers.get(url)
        if kept is not None and time.monotonic() - kept[0] < newer_than_s:
            return kept[1]
        found = _object(egress.fetch(url, most_bytes=_MOST_BYTES, timeout_s=_TIMEOUT_S).content)
        with self.lock:
            self.answers[url] = (time.monotonic(), found)
        return found


_kept = _Kept()


def forget() -> None:
    """Ask providers anew at the next need."""
    with _kept.lock:
        _kept.answers.clear()


def _object(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ProviderDownError
    return found


def endpoints(row: OpenIDProvider) -> Endpoints:
    """Where to go at a provider.

    Raises:
        ProviderDownError: it does not answer, or says that it is another issuer.
    """
    try:
        told = _kept.get(f"{row.issuer.rstrip('/')}/.well-known/openid-configuration")
    except TsunaguError as error:
        raise ProviderDownError(f"{row.name('en')} does not answer: {error.message}") from error
    if told.get("issuer") != row.issuer:
        raise ProviderDownError(f"{row.name('en')} says that it is {str(told.get('issuer'))[:200]!r}.")
    places = [str(told.get(key, "")) for key in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
    if not all(map(_is_usable, places)):
        raise ProviderDownError(f"{row.name('en')} names addresses that cannot be used.")
    methods = told.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    return Endpoints(
        authorization=places[0],
        token=places[1],
        userinfo=str(told.get("userinfo_endpoint", "")),
        jwks=places[2],
        uses_basic="client_secret_basic" in methods,
        names_issuer=bool(told.get("authorization_response_iss_parameter_supported")),
    )


def _is_usable(address: str) -> bool:
    """The browser is sent to one of them: never to a script or to a plain address that nobody allowed."""
    try:
        parts = urlsplit(address)
        port = parts.port or 80
    except ValueError:
        return False
    is_plain = parts.scheme == "http" and f"{parts.hostname}:{port}" in settings.current().egress_allowed
    return bool(parts.hostname) and (parts.scheme == "https" or is_plain)


def keys(row: OpenIDProvider, *, again: bool = False) -> list[dict[str, Any]]:
    """The public keys of a provider (RFC 7517); ``again`` when a token names one that is not among them.

    Raises:
        ProviderDownError: it does not answer.
    """
    try:
        told = _kept.get(endpoints(row).jwks, newer_than_s=_KEYS_AGAIN_S if again else _KEPT_S)
    except TsunaguError as error:
        raise ProviderDownError(f"{row.name('en')} does not show its keys: {error.message}") from error
    return [key for key in told.get("keys", ()) if isinstance(key, dict)]


def look_at(row: OpenIDProvider) -> int:
    """Ask a provider who it is and for its keys; gives how many of them it shows.

    Raises:
        ProviderDownError: it does not answer, or says that it is another issuer.
    """
    return len(keys(row))
