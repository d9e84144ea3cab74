"""SAML metadata (saml-metadata-2.0-os, mdui, mdrpi, shibmd) to plain values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from tsunagu.foundation.identity.federation.errors import FeedRefusedError
from tsunagu.foundation.identity.federation.types import Entity, Scope

MD = "urn:oasis:names:tc:SAML:2.0:metadata"
_MDUI = "urn:oasis:names:tc:SAML:metadata:ui"
_MDRPI = "urn:oasis:names:tc:SAML:metadata:rpi"
_MDATTR = "urn:oasis:names:tc:SAML:metadata:attribute"
_SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
_SHIBMD = "urn:mace:shibboleth:metadata:1.0"
_DS = "http://www.w3.org/2000/09/xmldsig#"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
HTTP_REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
_HIDE = "http://refeds.org/category/hide-from-discovery"
_LONGEST_NAME = 200


def moment(text: str | None, what: str) -> dt.datetime | None:
    """An xs:dateTime; without a zone it is UTC, as SAML says."""
    if not text:
        return None
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        raise FeedRefusedError(f"The feed's {what} is no time: {text[:40]}.") from None
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


def published_at(root: Any) -> dt.datetime | None:
    """When the operator made this aggregate, if it says so."""
    info = root.find(f"{{{MD}}}Extensions/{{{_MDRPI}}}PublicationInfo")
    return moment(info.get("creationInstant"), "creation time") if info is not None else None


def entities(root: Any, *, authorities: tuple[str, ...], now: dt.datetime) -> Iterator[Entity]:
    """The identity providers of an aggregate; expired ones and second copies of a name are left out."""
    if root.tag not in {f"{{{MD}}}EntitiesDescriptor", f"{{{MD}}}EntityDescriptor"}:
        raise FeedRefusedError("The feed's root is no SAML metadata.")
    seen = set()
    for node in root.iter(f"{{{MD}}}EntityDescriptor"):
        role = _role(node)
        name = node.get("entityID", "")
        until = moment(node.get("validUntil"), "validUntil")
        if role is None or not name or name in seen or (until and until <= now):
            continue
        authority = _authority(node)
        if authorities and authority not in authorities:
            continue
        seen.add(name)
        yield _entity(node, role, authority)


def _role(node: Any) -> Any:
    for role in node.findall(f"{{{MD}}}IDPSSODescriptor"):
        if _PROTOCOL in (role.get("protocolSupportEnumeration") or "").split():
            return role
    return None


def _authority(node: Any) -> str:
    info = node.find(f"{{{MD}}}Extensions/{{{_MDRPI}}}RegistrationInfo")
    return info.get("registrationAuthority", "") if info is not None else ""


def _entity(node: Any, role: Any, authority: str) -> Entity:
    from lxml import etree

    shown = role.find(f"{{{MD}}}Extensions/{{{_MDUI}}}UIInfo")
    names = _by_language(shown, "DisplayName") if shown is not None else {}
    organisation = node.find(f"{{{MD}}}Organization")
    if organisation is not None:
        names = {**_by_language(organisation, "OrganizationDisplayName", MD), **names}
    logo = shown.find(f"{{{_MDUI}}}Logo") if shown is not None else None
    words = shown.iterfind(f"{{{_MDUI}}}Keywords") if shown is not None else ()
    attributes = _attributes(node)
    categories = attributes.get("http://macedir.org/entity-category", ())
    return Entity(
        entity_id=node.get("entityID"),
        xml=etree.tostring(node, encoding="unicode", with_tail=False),
        scopes=tuple(_scopes(node, role)),
        names=names,
        keywords=tuple(word for node in words for word in (node.text or "").replace("+", " ").split())[:50],
        logo=(logo.text or "").strip()[:500] if logo is not None else "",
        registration_authority=authority,
        attributes=attributes,
        is_hidden=_HIDE in categories,
    )


def _by_language(parent: Any, tag: str, namespace: str = _MDUI) -> dict[str, str]:
    """Texts by language; only ja and en are kept, else the first under the empty key."""
    found: dict[str, str] = {}
    for node in parent.iterfind(f"{{{namespace}}}{tag}"):
        text = " ".join((node.text or "").split())[:_LONGEST_NAME]
        language = (node.get(_LANG) or "").lower().partition("-")[0]
        found.setdefault(language if language in {"ja", "en"} else "", text)
    return {key: text for key, text in found.items() if text}


def _scopes(node: Any, role: Any) -> Iterator[Scope]:
    for place in (role, node):
        for scope in place.iterfind(f"{{{MD}}}Extensions/{{{_SHIBMD}}}Scope"):
            text = (scope.text or "").strip()
            if text:
                yield Scope(text, scope.get("regexp", "false").strip().lower() in {"true", "1"})


def _attributes(node: Any) -> dict[str, tuple[str, ...]]:
    place = node.find(f"{{{MD}}}Extensions/{{{_MDATTR}}}EntityAttributes")
    if place is None:
        return {}
    return {
        attribute.get("Name", ""): tuple(
            (value.text or "").strip() for value in attribute.iterfind(f"{{{_SAML}}}AttributeValue")
        )
        for attribute in place.iterfind(f"{{{_SAML}}}Attribute")
    }


def endpoint(xml: str) -> tuple[str, list[str]]:
    """Where an identity provider takes requests (HTTP-Redirect), and its signing certificates in base64.

    Raises:
        FeedRefusedError: it has no such address or no certificate.
    """
    from lxml import etree

    node = etree.fromstring(xml, etree.XMLParser(resolve_entities=False, no_network=True))
    role = _role(node)
    places = [] if role is None else role.findall(f"{{{MD}}}SingleSignOnService[@Binding='{HTTP_REDIRECT}']")
    certificates = [
        "".join((text.text or "").split())
        for key in ([] if role is None else role.findall(f"{{{MD}}}KeyDescriptor"))
        if key.get("use", "signing") == "signing"
        for text in key.iter(f"{{{_DS}}}X509Certificate")
    ]
    if not places or not certificates:
        raise FeedRefusedError(
            "The identity provider names no address for requests or no signing certificate."
        )
    return places[0].get("Location", ""), list(dict.fromkeys(certificates))
