"""Making people, tokens and sign-in links."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from tsunagu.core import clock
from tsunagu.foundation.identity.errors import BadEmailError, BadScopeError, NotSignedInError
from tsunagu.foundation.identity.federation.assurance import Assurance
from tsunagu.foundation.identity.federation.groups import Membership
from tsunagu.foundation.identity.models import AccessToken, Person, SignInLink
from tsunagu.foundation.identity.types import VERBS, Actor, PersonCard, TokenScope

_PERSON_PREFIX, _INSTRUMENT_PREFIX = "tsu_", "tsi_"


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def ensure_person(email: str, *, name: str = "", is_admin: bool = False) -> PersonCard:
    """The person with this address, made if needed.

    Raises:
        BadEmailError: the text is no e-mail address.
    """
    try:
        validate_email(email)
    except ValidationError:
        raise BadEmailError(f"{email!r} is not an e-mail address.") from None
    with transaction.atomic():
        person = Person.objects.filter(email=email.strip().lower()).first()
        if person is None:
            person = Person.objects.create_user(email, name=name, is_admin=is_admin)
        elif is_admin and not person.is_admin:
            person.is_admin = True
            person.save(update_fields=["is_admin"])
    return PersonCard(person.uid, person.email, str(person))


def issue_token(
    person_id: str, *, label: str, lifetime: dt.timedelta | None = None, scope: TokenScope | None = None
) -> str:
    """A new access token of a person; the secret is returned once and kept nowhere.

    Raises:
        BadScopeError: the scope lets nothing through, or names verbs that do not exist.
    """
    scope = scope or TokenScope()
    if not scope.verbs or not set(scope.verbs) <= set(VERBS):
        raise BadScopeError
    secret = _PERSON_PREFIX + secrets.token_urlsafe(32)
    expires = clock.now() + lifetime if lifetime else None
    person = Person.objects.get(uid=person_id)
    AccessToken.objects.create(
        secret_hash=_digest(secret),
        person=person,
        label=label[:200],
        expires_at=expires,
        verbs=" ".join(verb for verb in VERBS if verb in scope.verbs),
        projects=list(scope.projects),
    )
    return secret


def issue_instrument_token(instrument_id: str, *, label: str) -> str:
    """A new token of an instrument; the ones before it stop working."""
    revoke_instrument_tokens(instrument_id)
    secret = _INSTRUMENT_PREFIX + secrets.token_urlsafe(32)
    AccessToken.objects.create(secret_hash=_digest(secret), instrument_id=instrument_id, label=label[:200])
    return secret


def revoke_instrument_tokens(instrument_id: str) -> None:
    """Withdraw every token of an instrument."""
    AccessToken.objects.filter(instrument_id=instrument_id, revoked_at=None).update(revoked_at=clock.now())


def revoke_token(person_id: str, token_id: str) -> None:
    """Withdraw one of a person's own tokens."""
    AccessToken.objects.filter(person__uid=person_id, uid=token_id, revoked_at=None).update(
        revoked_at=clock.now()
    )


def actor_for_token(secret: str) -> Actor:
    """Who is behind an access token that a person or an administrator made.

    Raises:
        NotSignedInError: unknown, expired or withdrawn.
    """
    token = AccessToken.objects.select_related("person").filter(secret_hash=_digest(secret)).first()
    now = clock.now()
    if token is None or token.revoked_at or (token.expires_at and token.expires_at < now):
        raise NotSignedInError
    if token.last_used_at is None or now - token.last_used_at > dt.timedelta(minutes=5):
        AccessToken.objects.filter(pk=token.pk).update(last_used_at=now)
    if token.person is None:
        return Actor("instrument", token.instrument_id, token.label, token_id=token.uid)
    stay = token.person.stay_until
    if not token.person.is_active or (stay is not None and stay <= now):
        raise NotSignedInError
    return actor_for_person(token.person, token_id=token.uid, scope=scope_of(token))


def scope_of(token: AccessToken) -> TokenScope:
    """What an access token lets through."""
    return TokenScope(tuple(token.verbs.split()), tuple(token.projects))


def actor_for_person(
    person: Person,
    *,
    token_id: str = "",
    assurance: Assurance | None = None,
    memberships: tuple[Membership, ...] = (),
    scope: TokenScope | None = None,
    agent: str = "",
) -> Actor:
    """The actor behind a signed-in person; assurance and memberships are those of the session."""
    may_administer = scope is None or ("admin" in scope.verbs and not scope.projects)
    return Actor(
        "person",
        person.uid,
        str(person),
        is_admin=person.is_admin and may_administer,
        token_id=token_id,
        assurance=assurance or Assurance(),
        memberships=memberships,
        scope=scope,
        agent=agent,
    )


def make_sign_in_link(person_id: str, *, lifetime: dt.timedelta = dt.timedelta(days=1)) -> str:
    """A secret that opens the account once."""
    secret = secrets.token_urlsafe(32)
    SignInLink.objects.create(
        secret_hash=_digest(secret),
        person=Person.objects.get(uid=person_id),
        expires_at=clock.now() + lifetime,
    )
    return secret


@transaction.atomic
def use_sign_in_link(secret: str) -> Person:
    """The person whose link this is; it works once.

    Raises:
        NotSignedInError: unknown, expired or already used.
    """
    link = (
        SignInLink.objects.select_for_update()
        .select_related("person")
        .filter(secret_hash=_digest(secret))
        .first()
    )
    if (
        link is None
        or link.used_at
        or link.expires_at < clock.now()
        or not link.person.is_active
        or (link.person.stay_until and link.person.stay_until <= clock.now())
    ):
        raise NotSignedInError(
            "This sign-in link is unknown, expired or already used.",
            remedy="Ask the administrator for a new one (tsunagu admin link EMAIL).",
        )
    link.used_at = clock.now()
    link.save(update_fields=["used_at"])
    return link.person


def set_preferences(
    person_id: str, *, name: str | None = None, language: str | None = None, theme: str | None = None
) -> None:
    """Change what a person chose; None leaves a value as it is."""
    chosen = {"name": name, "language": language, "theme": theme}
    Person.objects.filter(uid=person_id).update(
        **{key: value for key, value in chosen.items() if value is not None}
    )
