"""Identities of people: who comes in, who gets an account, how identities are linked. Never by an e-mail address."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from django.db import transaction

from tsunagu.core import clock, settings
from tsunagu.core.ids import new_id
from tsunagu.foundation.identity.federation.claims import Claims, Subject
from tsunagu.foundation.identity.federation.errors import (
    AddressTakenError,
    AlreadyLinkedError,
    NoAccountError,
)
from tsunagu.foundation.identity.federation.models import Identity
from tsunagu.foundation.identity.federation.sign_ins import claims_of
from tsunagu.foundation.identity.models import Person
from tsunagu.foundation.identity.openid import providers


@dataclass(frozen=True, slots=True)
class IdentityCard:
    """An identity as its owner sees it; times RFC 3339."""

    id: str
    issuer: str
    claims: Claims
    created_at: str
    last_used_at: str | None


@transaction.atomic
def admit(said: Claims) -> Person:
    """The person behind claims; somebody new gets an account where the node lets them.

    Raises:
        AddressTakenError: the address belongs to an account that is not linked.
        NoAccountError: nobody is linked, and the node makes no accounts.
    """
    person = _find(said)
    if person is None:
        person = _make(said)
    elif not person.is_active:
        raise NoAccountError(
            "This account is closed.", remedy="Ask the administrator of this node to open it again."
        )
    _note(person, said)
    return person


def holder(said: Claims) -> str:
    """The id of the person who bears one of these names; empty when nobody does."""
    person = _find(said)
    return person.uid if person else ""


@transaction.atomic
def link(person_id: str, said: Claims) -> None:
    """Give a person another identity. The caller made sure that both sides signed in just now.

    Raises:
        AlreadyLinkedError: it belongs to somebody else.
    """
    owner = _find(said)
    person = Person.objects.get(uid=person_id)
    if owner is not None and owner.pk != person.pk:
        raise AlreadyLinkedError
    _note(person, said)
    # An institution answers for the person from now on.
    Person.objects.filter(pk=person.pk).update(stay_until=None, sponsor=None, stay_note="")


def unlink(person_id: str, identity_id: str) -> None:
    """Take an identity away, with every other name that the same issuer gave with it."""
    row = Identity.objects.filter(person__uid=person_id, uid=identity_id).first()
    if row is not None:
        Identity.objects.filter(person__uid=person_id, issuer=row.issuer).delete()


def identities_of(person_id: str) -> list[IdentityCard]:
    """The identities of a person, one for each issuer, the best name of each."""
    rows: dict[str, IdentityCard] = {}
    for row in Identity.objects.filter(person__uid=person_id).order_by("pk")[:200]:
        used = clock.isoformat(row.last_used_at) if row.last_used_at else None
        card = IdentityCard(row.uid, row.issuer, claims_of(row.claims), clock.isoformat(row.created_at), used)
        rows.setdefault(row.issuer, card)
    return list(rows.values())


def institutions_of(person_ids: Iterable[str]) -> dict[str, str]:
    """The institution that answered for each person last (its issuer); those whom none answers for are left out."""
    rows = Identity.objects.filter(person__uid__in=set(person_ids)).order_by("last_used_at", "pk")
    # Providers of OpenID Connect, ORCID among them, name a person and no institution.
    rows = rows.exclude(kind__in=("sub", "orcid"))
    return dict(rows.values_list("person__uid", "issuer"))


def _key(issuer: str, subject: Subject) -> str:
    return hashlib.sha256(f"{issuer}\0{subject.kind}\0{subject.value}".encode()).hexdigest()


def _find(said: Claims) -> Person | None:
    """Who bears one of these names; the best one decides."""
    keys = [_key(said.issuer, subject) for subject in said.subjects]
    rows = {row.key_hash: row for row in Identity.objects.select_related("person").filter(key_hash__in=keys)}
    return next((rows[key].person for key in keys if key in rows), None)


def _note(person: Person, said: Claims) -> None:
    """Keep the names and what was said this time; names that belong to another account stay there."""
    now = clock.now()
    for subject in said.subjects:
        row, is_new = Identity.objects.get_or_create(
            key_hash=_key(said.issuer, subject),
            defaults={
                "person": person,
                "issuer": said.issuer,
                "kind": subject.kind,
                "subject": subject.value,
                "claims": asdict(said),
                "last_used_at": now,
            },
        )
        if not is_new and row.person_id == person.pk:
            Identity.objects.filter(pk=row.pk).update(claims=asdict(said), last_used_at=now)


def _make(said: Claims) -> Person:
    """An account for somebody new.

    An address becomes the account's own only when the issuer may speak for its domain: roles are given by address, so
    whoever could choose one would take what is meant for another.
    """
    provider = providers.of_issuer(said.issuer)
    may_join = settings.current().federation_signup
    if provider is not None and provider.signup is not None:
        may_join = provider.signup
    if not may_join:
        raise NoAccountError
    address = said.mail.lower()
    if address and Person.objects.filter(email=address).exists():
        raise AddressTakenError
    name = said.names.get("ja") or said.names.get("en") or ""
    return Person.objects.create_user(address or f"{new_id().lower()}@no-address.invalid", name=name)
