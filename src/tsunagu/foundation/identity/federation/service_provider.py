"""This node as one SAML service provider: its metadata, its requests, the answers to them.

A sign-in is a row. The answer names the row by a secret that went out with the request (RelayState holds no address,
so there is none to redirect to), is accepted once, and becomes a session only in the browser that began: the browser
comes back with the finishing code in a request of its own, for browsers keep the session's cookie from the form that
the identity provider has them post.
"""

from __future__ import annotations

import datetime as dt
import secrets
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from django.db import IntegrityError, transaction

from tsunagu.core import clock, settings
from tsunagu.foundation.identity.federation import answers, claims, feeds, keys, metadata, sign_ins
from tsunagu.foundation.identity.federation.assurance import of_assertion
from tsunagu.foundation.identity.federation.errors import AssertionRefusedError, FeedRefusedError
from tsunagu.foundation.identity.federation.models import Provider, SeenAssertion
from tsunagu.foundation.identity.federation.sign_ins import Purpose
from tsunagu.foundation.identity.federation.types import Scope

_SKEW = dt.timedelta(minutes=3)
_METHODS = "".join(
    f'<md:EncryptionMethod Algorithm="{name}"/>'
    for name in (
        "http://www.w3.org/2009/xmlenc11#aes256-gcm",
        "http://www.w3.org/2009/xmlenc11#aes128-gcm",
        "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
    )
)


def entity_id() -> str:
    """The name of this node in federations."""
    node = settings.current()
    return str(node.federation_entity_id or f"{node.control_address}/saml/metadata")


def _place() -> str:
    return f"{settings.current().control_address}/saml/acs"


def begin(
    provider_id: str,
    *,
    browser: str,
    purpose: Purpose = "login",
    person_id: str = "",
    contexts: tuple[str, ...] = (),
    is_forced: bool = False,
    next_path: str = "",
) -> str:
    """Begin a sign-in; returns the address to which the browser goes.

    Args:
        provider_id: Entity id of the identity provider.
        browser: A secret of the browser's session; only the same browser can finish.
        purpose: What becomes of the answer.
        person_id: Who is signed in, for ``link`` and ``stepup``.
        contexts: Authentication contexts to ask for; the answer must name one of them.
        is_forced: Have the person show the authenticator anew.
        next_path: A path of this node, checked by the caller.

    Raises:
        UnknownProviderError: no living feed knows the identity provider.
    """
    from onelogin.saml2.auth import OneLogin_Saml2_Auth

    provider = feeds.provider(provider_id)
    configured = _saml_settings(provider, contexts)
    auth = OneLogin_Saml2_Auth(
        {"http_host": "", "script_name": "", "get_data": {}, "post_data": {}}, configured
    )
    handle = secrets.token_urlsafe(24)
    address = auth.login(return_to=handle, force_authn=is_forced, set_nameid_policy=False)
    sign_ins.begin(
        sign_ins.Asked(
            issuer=provider.entity_id,
            browser=browser,
            purpose=purpose,
            person_id=person_id,
            contexts=contexts,
            is_forced=is_forced,
            next_path=next_path,
        ),
        request_id=auth.get_last_request_id(),
        handle=handle,
    )
    return str(address)


def receive(content: str, handle: str) -> str:
    """Take the answer of an identity provider; returns the code by which the browser finishes.

    Raises:
        AssertionRefusedError: unknown or used handle, or an answer that does not hold.
        WeakSignInError: the identity provider did not authenticate as was asked.
    """
    row = sign_ins.open_request(handle)
    provider = feeds.provider(row.entity_id)
    expected = answers.Expected(
        row.request_id, tuple(row.contexts), row.created_at if row.is_forced else None
    )
    answer = answers.read(content, _saml_settings(provider, tuple(row.contexts)), expected)
    said = claims.normalise(
        answer.attributes,
        issuer=provider.entity_id,
        scopes=[Scope(item["value"], bool(item["regexp"])) for item in provider.scopes],
        authorities=settings.current().federation_group_authorities,
        persistent_id=answer.persistent_id,
    )
    if not said.subjects:
        raise AssertionRefusedError(
            "Your institution sent no identifier of you that stays the same.",
            remedy="Ask its IT department to release subject-id, pairwise-id or eduPersonTargetedID to this service.",
        )
    assurance = of_assertion(
        answer.contexts,
        said.assurance,
        authn_at=clock.isoformat(answer.authn_at),
        source=provider.entity_id,
    )
    with transaction.atomic():
        _remember(provider.entity_id, answer)
        return sign_ins.settle(row, said, assurance)


def _remember(issuer: str, answer: answers.Answer) -> None:
    """An assertion is good once."""
    SeenAssertion.objects.filter(expires_at__lt=clock.now()).delete()
    try:
        with transaction.atomic():
            SeenAssertion.objects.create(
                digest=sign_ins.digest(f"{issuer}\0{answer.assertion_id}"),
                expires_at=answer.expires_at + _SKEW * 2,
            )
    except IntegrityError:
        raise answers.refused(issuer, "an assertion that was used before") from None


def _saml_settings(provider: Provider, contexts: tuple[str, ...]) -> dict[str, Any]:
    """Python3-saml's settings; its defaults are unsafe, so everything is said."""
    try:
        address, certificates = metadata.endpoint(provider.xml)
    except FeedRefusedError as error:
        raise answers.refused(provider.entity_id, error.message) from None
    key, certificate = keys.key_pair()
    return {
        "strict": True,
        "debug": False,
        "sp": {
            "entityId": entity_id(),
            "assertionConsumerService": {
                "url": _place(),
                "binding": "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST",
            },
            "NameIDFormat": "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
            "x509cert": certificate,
            "privateKey": key,
        },
        "idp": {
            "entityId": provider.entity_id,
            "singleSignOnService": {"url": address, "binding": metadata.HTTP_REDIRECT},
            "x509cert": certificates[0],
            "x509certMulti": {"signing": certificates},
        },
        "security": {
            "authnRequestsSigned": True,
            "signatureAlgorithm": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            "digestAlgorithm": "http://www.w3.org/2001/04/xmlenc#sha256",
            "rejectDeprecatedAlgorithm": True,
            # One of both must be signed, which python3-saml demands in any case; products differ in which one.
            "wantMessagesSigned": False,
            "wantAssertionsSigned": False,
            "wantNameId": False,
            "wantAttributeStatement": False,
            "allowRepeatAttributeName": True,
            "allowSingleLabelDomains": True,
            "requestedAuthnContext": list(contexts) or False,
            "requestedAuthnContextComparison": "exact",
            "failOnAuthnContextMismatch": True,
        },
    }


def describe() -> str:
    """The metadata that a federation registers."""
    node = settings.current()
    _, certificate = keys.key_pair()
    body = "".join(certificate.split("-----")[2].split())
    key = (
        f"<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{body}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
    )
    wanted = "".join(
        f'<md:RequestedAttribute Name="{names[0]}" FriendlyName="{names[-1].rpartition(":")[2]}" '
        'NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri" isRequired="false"/>'
        for names in claims.NAMES.values()
    )
    name = escape(node.node_name)
    shown = "".join(f'<mdui:DisplayName xml:lang="{code}">{name}</mdui:DisplayName>' for code in ("en", "ja"))
    called = "".join(f'<md:ServiceName xml:lang="{code}">{name}</md:ServiceName>' for code in ("en", "ja"))
    back = quoteattr(f"{node.control_address}/saml/chosen")
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" '
        'xmlns:ds="http://www.w3.org/2000/09/xmldsig#" xmlns:mdui="urn:oasis:names:tc:SAML:metadata:ui" '
        'xmlns:idpdisc="urn:oasis:names:tc:SAML:profiles:SSO:idp-discovery-protocol" '
        f"entityID={quoteattr(entity_id())}>"
        '<md:SPSSODescriptor AuthnRequestsSigned="true" WantAssertionsSigned="true" '
        'protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:Extensions>'
        f"<mdui:UIInfo>{shown}</mdui:UIInfo>"
        '<idpdisc:DiscoveryResponse Binding="urn:oasis:names:tc:SAML:profiles:SSO:idp-discovery-protocol" '
        f'Location={back} index="1"/></md:Extensions>'
        f'<md:KeyDescriptor use="signing">{key}</md:KeyDescriptor>'
        f'<md:KeyDescriptor use="encryption">{key}{_METHODS}</md:KeyDescriptor>'
        "<md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</md:NameIDFormat>"
        '<md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" '
        f'Location={quoteattr(_place())} index="1" isDefault="true"/>'
        f'<md:AttributeConsumingService index="1">{called}{wanted}</md:AttributeConsumingService>'
        "</md:SPSSODescriptor></md:EntityDescriptor>\n"
    )
