"""This node as a relying party: it sends people to an OpenID provider and takes what comes back.

Authorization code with PKCE, state, nonce and the issuer in the answer (RFC 9700, RFC 9207). What a provider says ends
as the same claims and the same assurance as an assertion of SAML, so that there is one way of admitting and linking.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import logging
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

from tsunagu.core import clock, egress, settings
from tsunagu.core.errors import TsunaguError
from tsunagu.foundation.identity.federation import claims, sign_ins
from tsunagu.foundation.identity.federation.answers import refused
from tsunagu.foundation.identity.federation.assurance import of_assertion
from tsunagu.foundation.identity.federation.claims import Claims, Subject
from tsunagu.foundation.identity.federation.errors import WeakSignInError
from tsunagu.foundation.identity.federation.models import SignInRequest
from tsunagu.foundation.identity.federation.sign_ins import Asked, Purpose
from tsunagu.foundation.identity.federation.types import Scope
from tsunagu.foundation.identity.openid import id_tokens, providers
from tsunagu.foundation.identity.openid.errors import ProviderDownError, SignInAbandonedError
from tsunagu.foundation.identity.openid.providers import Endpoints, OpenIDProvider

logger = logging.getLogger(__name__)

_MOST_BYTES = 1 << 18
_TIMEOUT_S = 10.0
_OK = 200
_SKEW = dt.timedelta(minutes=3)
# Claim -> attribute of eduPerson: one parser for what SAML and OpenID Connect say.
_ATTRIBUTES: Mapping[str, str] = {
    "eduperson_scoped_affiliation": "eduPersonScopedAffiliation",
    "eduperson_principal_name": "eduPersonPrincipalName",
    "eduperson_assurance": "eduPersonAssurance",
    "eduperson_orcid": "eduPersonOrcid",
    "entitlements": "eduPersonEntitlement",
    "eduperson_entitlement": "eduPersonEntitlement",
    "is_member_of": "isMemberOf",
    "name": "displayName",
    "name#ja": "jaDisplayName",
    "given_name": "givenName",
    "family_name": "sn",
}
# No way to sign in is stronger than what the person did there; these say that there was nobody at all.
_REFUSALS = frozenset({"access_denied", "login_required", "interaction_required", "consent_required"})
_TOO_WEAK = "unmet_authentication_requirements"


def begin(
    name: str,
    *,
    browser: str,
    purpose: Purpose = "login",
    person_id: str = "",
    next_path: str = "",
) -> str:
    """Begin a sign-in at a provider; returns the address to which the browser goes.

    Args:
        name: Id of the provider.
        browser: A secret of the browser's session; only the same browser can finish.
        purpose: ``stepup`` asks for two factors, ``link`` and ``stepup`` for a new sign-in.
        person_id: Who is signed in, for ``link`` and ``stepup``.
        next_path: A path of this node, checked by the caller.

    Raises:
        UnknownProviderError: there is no such provider.
        ProviderDownError: it does not answer.
    """
    row = providers.provider(name)
    places = _reached(row)
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    contexts = row.acr_values if purpose == "stepup" else ()
    query = {
        "response_type": "code",
        "client_id": row.client_id,
        "redirect_uri": row.callback,
        "scope": " ".join(row.scopes),
        "state": state,
        "nonce": nonce,
        "code_challenge": base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
        .rstrip(b"=")
        .decode(),
        "code_challenge_method": "S256",
    }
    if purpose != "login":
        query |= {"prompt": "login", "max_age": "0"}
    if contexts:
        asked = {"id_token": {"acr": {"essential": True, "values": list(contexts)}}}
        query |= {"acr_values": " ".join(contexts), "claims": json.dumps(asked)}
    sign_ins.begin(
        Asked(row.issuer, browser, purpose, person_id, contexts, purpose != "login", next_path),
        request_id=nonce,
        handle=state,
        verifier=verifier,
    )
    return f"{places.authorization}{'&' if '?' in places.authorization else '?'}{urlencode(query)}"


def _reached(row: OpenIDProvider) -> Endpoints:
    """Where to go at a provider; that it did not answer is kept for the administrator."""
    try:
        return providers.endpoints(row)
    except ProviderDownError as error:
        sign_ins.note_failure(row.issuer, error.message)
        raise


def receive(name: str, answer: Mapping[str, str], *, browser: str) -> str:
    """Take the answer of a provider; returns the code by which the browser finishes.

    Args:
        name: Id of the provider whose callback was called.
        answer: Parameters of the callback.
        browser: The secret of the session that came with it.

    Raises:
        AssertionRefusedError: no open request of this browser at this provider, or an answer that does not hold.
        WeakSignInError: it did not authenticate as was asked.
        SignInAbandonedError: the person did not sign in there.
        ProviderDownError: it does not answer.
    """
    row = providers.provider(name)
    request = sign_ins.open_request(answer.get("state", ""))
    if request.entity_id != row.issuer or not sign_ins.is_of_browser(request, browser):
        raise refused(row.issuer, "an answer to another provider's or another browser's request")
    places = providers.endpoints(row)
    if answer.get("iss", "" if places.names_issuer else row.issuer) != row.issuer:
        raise refused(row.issuer, "the answer names another issuer")
    if "error" in answer or not answer.get("code"):
        raise _declined(row, answer.get("error", ""))
    tokens = _redeem(row, places, answer["code"], request.verifier)
    said = id_tokens.read(
        str(tokens.get("id_token", "")),
        row,
        nonce=request.request_id,
        access_token=str(tokens.get("access_token", "")),
    )
    authn_at = _authenticated_at(row, said, request)
    told = {**_user_info(row, places, tokens, str(said["sub"])), **said}
    found = _claims(row, told)
    contexts = (str(said["acr"]),) if said.get("acr") else ()
    assurance = of_assertion(contexts, found.assurance, authn_at=clock.isoformat(authn_at), source=row.issuer)
    return sign_ins.settle(request, found, assurance)


def _declined(row: OpenIDProvider, error: str) -> TsunaguError:
    logger.info("openid_declined", extra={"issuer": row.issuer, "why": error[:100]})
    if error == _TOO_WEAK:
        return WeakSignInError()
    return SignInAbandonedError() if error in _REFUSALS else refused(row.issuer, f"error {error[:100]!r}")


def _redeem(row: OpenIDProvider, places: Endpoints, code: str, verifier: str) -> dict[str, Any]:
    """The tokens for a code; nobody else has the verifier."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": row.callback,
        "code_verifier": verifier,
    }
    headers = {"Accept": "application/json"}
    if row.secret and places.uses_basic:
        pair = f"{quote(row.client_id, safe='')}:{quote(row.secret, safe='')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    else:
        form |= {"client_id": row.client_id, **({"client_secret": row.secret} if row.secret else {})}
    try:
        answer = egress.post(
            places.token,
            urlencode(form).encode(),
            media_type="application/x-www-form-urlencoded",
            most_bytes=_MOST_BYTES,
            timeout_s=_TIMEOUT_S,
            headers=headers,
        )
    except TsunaguError as error:
        sign_ins.note_failure(row.issuer, error.message)
        raise ProviderDownError(f"{row.name('en')} does not answer: {error.message}") from error
    found = _json(answer.content)
    if answer.status != _OK:
        raise refused(row.issuer, f"no tokens for the code: {str(found.get('error', answer.status))[:100]}")
    return found


def _json(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _authenticated_at(row: OpenIDProvider, said: Mapping[str, Any], request: SignInRequest) -> dt.datetime:
    """When the person showed the authenticator; what was asked about it is checked again here."""
    if request.contexts and said.get("acr") not in request.contexts:
        logger.info("sign_in_too_weak", extra={"issuer": row.issuer, "why": str(said.get("acr"))[:200]})
        raise WeakSignInError
    try:
        moment = dt.datetime.fromtimestamp(float(said.get("auth_time") or said["iat"]), dt.UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        raise refused(row.issuer, "a time that is none") from None
    if moment > clock.now() + _SKEW:
        raise refused(row.issuer, "authenticated in the future")
    if request.is_forced and ("auth_time" not in said or moment < request.created_at - _SKEW):
        if row.is_orcid and "auth_time" not in said:
            return moment  # ORCID tells no moment; what it says is never two factors either
        raise WeakSignInError
    return moment


def _user_info(
    row: OpenIDProvider, places: Endpoints, tokens: Mapping[str, Any], subject: str
) -> dict[str, Any]:
    """More claims, of the same person; without them goes too."""
    token = str(tokens.get("access_token", ""))
    if not places.userinfo or not token:
        return {}
    try:
        answer = egress.fetch(
            places.userinfo,
            most_bytes=_MOST_BYTES,
            timeout_s=_TIMEOUT_S,
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
        )
    except TsunaguError as error:
        logger.warning("userinfo_failed", extra={"issuer": row.issuer, "why": error.message[:200]})
        return {}
    found = _json(answer.content)
    if found.get("sub") != subject:
        raise refused(row.issuer, "user info of somebody else")
    return found


def _claims(row: OpenIDProvider, told: Mapping[str, Any]) -> Claims:
    attributes: dict[str, list[str]] = {}
    for claim, attribute in _ATTRIBUTES.items():
        value = told.get(claim)
        texts = value if isinstance(value, list) else [value]
        attributes.setdefault(attribute, []).extend(text for text in texts if isinstance(text, str))
    if told.get("email_verified") is True and isinstance(told.get("email"), str):
        # An address that nobody checked is worth nothing: whoever types a colleague's must not be taken for them.
        attributes["mail"] = [told["email"]]
    anybody = "*" in row.group_authorities
    relayed = [row.issuer] if anybody else [f"{row.issuer}#{name}" for name in row.group_authorities]
    found = claims.normalise(
        attributes,
        issuer=row.issuer,
        scopes=[Scope(domain) for domain in row.domains],
        authorities=(*settings.current().federation_group_authorities, *relayed),
    )
    subject = str(told["sub"])
    if row.is_orcid:
        return replace(found, subjects=(Subject("orcid", subject),), orcid=subject, principal_name=subject)
    return replace(found, subjects=(Subject("sub", subject),))
