"""Reading people and tokens."""

from __future__ import annotations

from collections.abc import Iterable

from tsunagu.core import clock
from tsunagu.foundation.identity.models import AccessToken, Person
from tsunagu.foundation.identity.types import Actor, PersonCard, TokenCard


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
        )
        for row in rows
    ]


def is_active(actor: Actor) -> bool:
    """Whether the actor behind a long-lived record may still act: account open, token not withdrawn or expired."""
    if actor.token_id:
        token = AccessToken.objects.filter(uid=actor.token_id).first()
        if token is None or token.revoked_at or (token.expires_at and token.expires_at < clock.now()):
            return False
    if actor.kind == "person":
        living = Person.objects.filter(uid=actor.id, is_active=True)
        return living.exclude(stay_until__lte=clock.now()).exists()
    return actor.kind != "anonymous"
