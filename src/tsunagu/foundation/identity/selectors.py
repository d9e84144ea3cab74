"""Reading people and tokens."""

from __future__ import annotations

from collections.abc import Iterable

from tsunagu.core import clock
from tsunagu.foundation.identity.models import AccessToken, Person
from tsunagu.foundation.identity.types import PersonCard, TokenCard, TokenScope


def people(ids: Iterable[str]) -> dict[str, PersonCard]:
    """Cards of the people with these ids."""
    rows = Person.objects.filter(uid__in=set(ids))
    return {row.uid: PersonCard(row.uid, row.email, str(row)) for row in rows}


def find_person(email: str) -> PersonCard | None:
    """The person with this address."""
    row = Person.objects.filter(email=email.strip().lower()).first()
    return PersonCard(row.uid, row.email, str(row)) if row else None


def has_people() -> bool:
    """Whether anybody has an account here."""
    return Person.objects.exists()


def has_own_sign_in(person_id: str) -> bool:
    """Whether a person can come back without a one-time link: by a password or a passkey."""
    from allauth.mfa.models import Authenticator

    person = Person.objects.get(uid=person_id)
    return person.has_usable_password() or bool(Authenticator.objects.filter(user=person).exists())


def tokens_of(person_id: str) -> list[TokenCard]:
    """The living tokens of a person, newest first."""
    rows = AccessToken.objects.filter(person__uid=person_id, revoked_at=None).order_by("-created_at")[:200]

    def moment(value: object) -> str | None:
        return clock.isoformat(value) if value else None  # type: ignore[arg-type]

    return [
        TokenCard(
            row.uid,
            row.label,
            clock.isoformat(row.created_at),
            moment(row.expires_at),
            moment(row.last_used_at),
            TokenScope(tuple(row.verbs.split()), tuple(row.projects)),
        )
        for row in rows
    ]
