"""What an identity provider sent, checked: python3-saml's strict mode, and what that leaves open.

Read in python3-saml 1.16.0: InResponseTo is compared only where both sides have one; the Destination by its beginning;
the Recipient by containment; an assertion without audience or without authentication context passes; text of a NameID
inside an attribute ends at a comment. All of that is checked again here, on the tree that was verified.
"""

from __future__ import annotations

import base64
import binascii
import copy
import datetime as dt
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tsunagu.core import clock
from tsunagu.foundation.identity.federation import metadata, signature
from tsunagu.foundation.identity.federation.errors import (
    AssertionRefusedError,
    FeedRefusedError,
    WeakSignInError,
)

logger = logging.getLogger(__name__)

_SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"
_SAMLP = "{urn:oasis:names:tc:SAML:2.0:protocol}"
_PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
_BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
_NO_CONTEXT = "urn:oasis:names:tc:SAML:2.0:status:NoAuthnContext"
_MOST_CHARACTERS = 1 << 20
_SKEW = dt.timedelta(minutes=3)
_LONGEST_LIFE = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Expected:
    """What the answer must fit.

    Attributes:
        request_id: ID of our request.
        contexts: Authentication contexts of which the answer must name one; empty accepts any.
        not_before: The person must have shown the authenticator after this moment; None accepts any.
    """

    request_id: str
    contexts: tuple[str, ...]
    not_before: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Answer:
    """A verified assertion."""

    assertion_id: str
    expires_at: dt.datetime
    attributes: Mapping[str, list[str]]
    persistent_id: str
    contexts: tuple[str, ...]
    authn_at: dt.datetime


def read(content: str, settings: Mapping[str, Any], expected: Expected) -> Answer:
    """The assertion of a response for us, from the identity provider of ``settings``, to our request.

    Raises:
        AssertionRefusedError: anything does not fit; the log says what.
        WeakSignInError: genuine, but the identity provider did not authenticate as was asked.
    """
    from onelogin.saml2.errors import OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError
    from onelogin.saml2.response import OneLogin_Saml2_Response
    from onelogin.saml2.settings import OneLogin_Saml2_Settings

    issuer = str(settings["idp"]["entityId"])
    _refuse_misshapen(content)
    try:
        parsed = OneLogin_Saml2_Settings(settings=dict(settings), sp_validation_only=False)
        response = OneLogin_Saml2_Response(parsed, content)
        response.is_valid(_request_data(settings), expected.request_id, raise_exceptions=True)
        document = response.get_xml_document()
    except OneLogin_Saml2_ValidationError as error:
        if error.code == OneLogin_Saml2_ValidationError.AUTHN_CONTEXT_MISMATCH or (
            error.code == OneLogin_Saml2_ValidationError.STATUS_CODE_IS_NOT_SUCCESS
            and _NO_CONTEXT in base64.b64decode(content).decode("utf-8", "replace")
        ):
            raise _weak(issuer, str(error)) from None
        raise refused(issuer, str(error)) from None
    except OneLogin_Saml2_Error as error:
        raise refused(issuer, str(error)) from None
    except Exception as error:  # parsers below raise many kinds
        raise refused(issuer, f"{type(error).__name__}: {error}") from error
    return _checked(document, settings, expected, issuer)


def refused(issuer: str, why: str) -> AssertionRefusedError:
    """The error, with the reason in the log and not on the page: it tells an attacker what to try next."""
    logger.warning("assertion_refused", extra={"issuer": issuer, "why": why[:300]})
    return AssertionRefusedError()


def _weak(issuer: str, why: str) -> WeakSignInError:
    logger.info("sign_in_too_weak", extra={"issuer": issuer, "why": why[:300]})
    return WeakSignInError()


def _refuse_misshapen(content: str) -> None:
    """What no honest response holds: a document type, an ID twice, signatures of a form that could wrap something."""
    if len(content) > _MOST_CHARACTERS:
        raise refused("", "too long")
    try:
        root = signature.parse(base64.b64decode(content, validate=False))
        _refuse_wrapping(root)
    except (FeedRefusedError, binascii.Error, ValueError) as error:
        raise refused("", str(error)) from None


def _refuse_wrapping(root: Any) -> None:
    names = [str(name) for name in root.xpath("//@ID | //@Id | //@id")]
    is_response = root.tag == f"{_SAMLP}Response" and root.xpath("count(//*[local-name()='Response'])") == 1
    if not is_response or len(names) != len(set(names)):
        raise FeedRefusedError("Not one response, or an ID that stands twice.")
    for node in root.iter(f"{{{signature.DS}}}Signature"):
        signature.check_form(node.getparent(), node)


def _request_data(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Our own address as the settings say it; headers of a proxy decide nothing."""
    from urllib.parse import urlsplit

    parts = urlsplit(str(settings["sp"]["assertionConsumerService"]["url"]))
    return {
        "https": "on" if parts.scheme == "https" else "off",
        "http_host": parts.netloc,
        "script_name": parts.path,
        "get_data": {},
        "post_data": {},
    }


def _checked(document: Any, settings: Mapping[str, Any], expected: Expected, issuer: str) -> Answer:
    from lxml import etree

    place, me = settings["sp"]["assertionConsumerService"]["url"], settings["sp"]["entityId"]
    if document.get("InResponseTo") != expected.request_id:
        raise refused(issuer, "the response is to no request of ours")
    if document.get("Destination", place) != place:
        raise refused(issuer, "another destination")
    try:
        _refuse_wrapping(document)  # again: what was encrypted is in the open now
    except FeedRefusedError as error:
        raise refused(issuer, error.message) from None
    found = document.findall(f"{_SAML}Assertion")
    if len(found) != 1:
        raise refused(issuer, "not exactly one assertion")
    assertion = copy.deepcopy(found[0])
    etree.strip_tags(assertion, etree.Comment, etree.PI)  # text must not end at a comment
    audiences = [_text(node) for node in assertion.iter(f"{_SAML}Audience")]
    if me not in audiences:
        raise refused(issuer, "for another audience")
    expires_at = _confirmed(assertion, expected, place, issuer)
    statement = assertion.find(f"{_SAML}AuthnStatement")
    authn_at = _moment(statement.get("AuthnInstant"), issuer) if statement is not None else None
    if statement is None or authn_at is None or authn_at > clock.now() + _SKEW:
        raise refused(issuer, "no usable moment of authentication")
    contexts = tuple(filter(None, (_text(node) for node in statement.iter(f"{_SAML}AuthnContextClassRef"))))
    if expected.contexts and not (contexts and set(contexts) <= set(expected.contexts)):
        raise _weak(issuer, f"answered {contexts}")
    if expected.not_before and authn_at < expected.not_before - _SKEW:
        raise _weak(issuer, "an old authentication where a new one was asked for")
    name = assertion.find(f"{_SAML}Subject/{_SAML}NameID")
    persistent = name is not None and name.get("Format") == _PERSISTENT
    return Answer(
        assertion_id=assertion.get("ID", ""),
        expires_at=expires_at,
        attributes=_attributes(assertion),
        persistent_id=_identifier(name) if persistent else "",
        contexts=contexts,
        authn_at=authn_at,
    )


def _confirmed(assertion: Any, expected: Expected, place: str, issuer: str) -> dt.datetime:
    """Until when the one bearer confirmation that fits us holds."""
    now = clock.now()
    for confirmation in assertion.findall(f"{_SAML}Subject/{_SAML}SubjectConfirmation"):
        data = confirmation.find(f"{_SAML}SubjectConfirmationData")
        if confirmation.get("Method") != _BEARER or data is None:
            continue
        until = _moment(data.get("NotOnOrAfter"), issuer)
        if (
            data.get("Recipient") == place
            and data.get("InResponseTo") == expected.request_id
            and until is not None
            and now < until + _SKEW
            and until < now + _LONGEST_LIFE
        ):
            return until
    raise refused(issuer, "no confirmation that fits this request")


def _moment(text: str | None, issuer: str) -> dt.datetime | None:
    try:
        return metadata.moment(text, "time")
    except FeedRefusedError:
        raise refused(issuer, "a time that is none") from None


def _text(node: Any) -> str:
    return "".join(node.itertext()).strip()


def _identifier(node: Any) -> str:
    """A persistent name: only together with both qualifiers is it one person."""
    return "!".join([node.get("NameQualifier", ""), node.get("SPNameQualifier", ""), _text(node)])


def _attributes(assertion: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for attribute in assertion.iterfind(f"{_SAML}AttributeStatement/{_SAML}Attribute"):
        values = found.setdefault(attribute.get("Name", ""), [])
        for value in attribute.iterfind(f"{_SAML}AttributeValue"):
            name = value.find(f"{_SAML}NameID")
            values.append(_text(value) if name is None else _identifier(name))
    return found
