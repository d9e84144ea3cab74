"""Attributes of an assertion to claims: names, affiliations, groups; what an institution may not say is dropped.

Attribute names after eduPerson, SCHAC and GakuNin's technical guide. Values with a scope (``staff@u.ac.jp``) count only
when the metadata of the identity provider that sent them lists that scope.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tsunagu.foundation.identity.federation import groups
from tsunagu.foundation.identity.federation.types import Scope

logger = logging.getLogger(__name__)

_EDU = "urn:oid:1.3.6.1.4.1.5923.1.1.1."
_JA = "urn:oid:1.3.6.1.4.1.32264.1.1."
SUBJECT_ID = "urn:oasis:names:tc:SAML:attribute:subject-id"
PAIRWISE_ID = "urn:oasis:names:tc:SAML:attribute:pairwise-id"
# Name here -> names in assertions; the plain ones are what some products send.
NAMES: Mapping[str, tuple[str, ...]] = {
    "principal_name": (f"{_EDU}6", "eduPersonPrincipalName"),
    "entitlement": (f"{_EDU}7", "eduPersonEntitlement"),
    "scoped_affiliation": (f"{_EDU}9", "eduPersonScopedAffiliation"),
    "targeted_id": (f"{_EDU}10", "eduPersonTargetedID"),
    "assurance": (f"{_EDU}11", "eduPersonAssurance"),
    "unique_id": (f"{_EDU}13", "eduPersonUniqueId"),
    "orcid": (f"{_EDU}16", "eduPersonOrcid"),
    "member_of": ("urn:oid:1.3.6.1.4.1.5923.1.5.1.1", "isMemberOf"),
    "mail": ("urn:oid:0.9.2342.19200300.100.1.3", "mail"),
    "surname": ("urn:oid:2.5.4.4", "sn"),
    "given_name": ("urn:oid:2.5.4.42", "givenName"),
    "display_name": ("urn:oid:2.16.840.1.113730.3.1.241", "displayName"),
    "organisation": ("urn:oid:2.5.4.10", "o"),
    "surname_ja": (f"{_JA}1", "jasn"),
    "given_name_ja": (f"{_JA}2", "jaGivenName"),
    "display_name_ja": (f"{_JA}3", "jaDisplayName"),
    "organisation_ja": (f"{_JA}4", "jao"),
    "subject_id": (SUBJECT_ID,),
    "pairwise_id": (PAIRWISE_ID,),
}
_SCOPED = re.compile(r"(?P<local>[^@\s]+)@(?P<scope>[A-Za-z0-9.-]+)\Z")
_ORCID = re.compile(r"(?:https?://orcid\.org/)?(?P<id>\d{4}-\d{4}-\d{4}-\d{3}[\dX])\Z")
_LONGEST = 1024


@dataclass(frozen=True, slots=True)
class Subject:
    """A name that an issuer gives to one person and to nobody else, ever."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Claims:
    """What an issuer said about a person, after everything was dropped that it may not say.

    Attributes:
        issuer: Entity id of the identity provider.
        subjects: Names of the person at the issuer, the best first; never the eppn, which may be given to another.
        principal_name: The eppn, for people to read.
        mail: Address inside the issuer's domains; empty when it gave none or one of another domain.
        names: Display names by language.
        organisations: Names of the institution by language.
        affiliations: Scoped affiliations.
        memberships: Groups of virtual organisations that a trusted authority vouches for.
        assurance: Values of eduPersonAssurance.
        orcid: ORCID iD; asserted by the institution, not proven at ORCID.
        dropped: What was left out, for the log and for the administrator.
    """

    issuer: str
    subjects: tuple[Subject, ...]
    principal_name: str = ""
    mail: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    organisations: Mapping[str, str] = field(default_factory=dict)
    affiliations: tuple[str, ...] = ()
    memberships: tuple[groups.Membership, ...] = ()
    assurance: tuple[str, ...] = ()
    orcid: str = ""
    dropped: tuple[str, ...] = ()


def normalise(
    attributes: Mapping[str, Sequence[str]],
    *,
    issuer: str,
    scopes: Iterable[Scope],
    authorities: Iterable[str],
    persistent_id: str = "",
) -> Claims:
    """Claims from the attributes of a verified assertion.

    Args:
        attributes: Values by attribute name, whole text, as they stood in the assertion.
        issuer: The identity provider that signed.
        scopes: What its metadata lets it speak for.
        authorities: Who may vouch for groups.
        persistent_id: The NameID when it is a persistent one.
    """
    allowed, dropped = tuple(scopes), []

    def values(name: str) -> list[str]:
        found = [value.strip()[:_LONGEST] for key in NAMES[name] for value in attributes.get(key, ())]
        return list(dict.fromkeys(filter(None, found)))

    def scoped(name: str) -> list[str]:
        kept = []
        for value in values(name):
            match = _SCOPED.match(value)
            if match and in_scope(match["scope"], allowed):
                kept.append(value)
            else:
                dropped.append(name)
        return kept

    subjects = [
        *(Subject("subject-id", value.lower()) for value in scoped("subject_id")),
        *(Subject("pairwise-id", value.lower()) for value in scoped("pairwise_id")),
        *(Subject("eduPersonUniqueId", value.lower()) for value in scoped("unique_id")),
        *(Subject("eduPersonTargetedID", value) for value in values("targeted_id")),
    ]
    if persistent_id:
        subjects.append(Subject("eduPersonTargetedID", persistent_id))
    claims = Claims(
        issuer=issuer,
        subjects=tuple(dict.fromkeys(subjects)),
        principal_name=next(iter(scoped("principal_name")), ""),
        mail=next((text for text in values("mail") if _owns_address(text, allowed)), ""),
        names=_names(values),
        organisations=_by_language(values("organisation"), values("organisation_ja")),
        affiliations=tuple(scoped("scoped_affiliation")),
        memberships=groups.trusted(
            [*values("entitlement"), *values("member_of")], issuer=issuer, authorities=authorities
        ),
        assurance=tuple(values("assurance")),
        orcid=_orcid(values("orcid")),
        dropped=tuple(dict.fromkeys(dropped)),
    )
    if dropped:
        # Names of attributes only: the values are personal.
        logger.warning("scope_not_allowed", extra={"issuer": issuer, "attributes": sorted(set(dropped))})
    return claims


def in_scope(domain: str, scopes: Iterable[Scope]) -> bool:
    """Whether one of the scopes of the metadata covers a domain."""
    plain = domain.lower()
    for scope in scopes:
        if not scope.is_regexp and scope.value.lower() == plain:
            return True
        if scope.is_regexp and _matches(scope.value, plain):
            return True
    return False


def _matches(pattern: str, domain: str) -> bool:
    try:
        return re.fullmatch(pattern, domain, re.IGNORECASE) is not None
    except re.error:
        return False


def _owns_address(address: str, scopes: tuple[Scope, ...]) -> bool:
    """Mail domains are often below the scope (mail.u.ac.jp of u.ac.jp)."""
    match = _SCOPED.match(address)
    if match is None:
        return False
    labels = match["scope"].lower().split(".")
    return any(in_scope(".".join(labels[start:]), scopes) for start in range(len(labels) - 1))


def _names(values: Callable[[str], list[str]]) -> dict[str, str]:
    ja = next(iter(values("display_name_ja")), "") or _joined(values("surname_ja"), values("given_name_ja"))
    en = next(iter(values("display_name")), "") or _joined(values("given_name"), values("surname"))
    return {key: text[:200] for key, text in (("ja", ja), ("en", en)) if text}


def _orcid(values: Sequence[str]) -> str:
    return next((match["id"] for text in values if (match := _ORCID.match(text))), "")


def _joined(first: Sequence[str], second: Sequence[str]) -> str:
    return f"{first[0]} {second[0]}" if first and second else ""


def _by_language(en: Sequence[str], ja: Sequence[str]) -> dict[str, str]:
    return {key: found[0][:200] for key, found in (("ja", ja), ("en", en)) if found}
