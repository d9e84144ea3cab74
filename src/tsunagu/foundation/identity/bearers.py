"""Who shows a token, and who stands behind a record that outlives the request: a push that goes on for hours."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from tsunagu.core import clock
from tsunagu.foundation.identity import guests, services
from tsunagu.foundation.identity.errors import StandInSessionError
from tsunagu.foundation.identity.federation.assurance import Assurance
from tsunagu.foundation.identity.models import AccessToken, Person
from tsunagu.foundation.identity.programs import connections
from tsunagu.foundation.identity.types import Actor, ActorKind, TokenScope


def actor_for_token(secret: str) -> Actor:
    """Who is behind a token: one that a person made, an instrument's, or one of a program that acts for a person.

    Raises:
        NotSignedInError: unknown, expired, withdrawn, or made for another service.
    """
    if secret.startswith(connections.PREFIX):
        return connections.actor_for(secret)
    return services.actor_for_token(secret)


def actor_of_record(kind: ActorKind, actor_id: str, name: str, token_id: str) -> Actor:
    """The actor of a long-lived record, with what its token lets through now; nothing when the token ended."""
    if kind != "person" or not token_id:
        return Actor(kind, actor_id, name, token_id=token_id)
    nothing = Actor(kind, actor_id, name, token_id=token_id, scope=TokenScope(()))
    token = AccessToken.objects.select_related("person").filter(uid=token_id).first()
    if token is not None:
        if token.person is None or token.person.uid != actor_id:
            return nothing
        return services.actor_for_person(token.person, token_id=token_id, scope=services.scope_of(token))
    connection = connections.recorded(token_id)
    if connection is None or connection.person is None or connection.person.uid != actor_id:
        return nothing
    return connections.actor_of(connection) or nothing


def absent_person(person_id: str) -> tuple[Actor, str, str] | None:
    """A person for whom the node does something while nobody is signed in: without any factor shown.

    Returns:
        The actor, the address and the language (empty: none chosen); None when the account is closed.
    """
    person = Person.objects.filter(uid=person_id, is_active=True).first()
    if person is None or guests.stay_is_over(person):
        return None
    actor = replace(services.actor_for_person(person), assurance=Assurance())
    return actor, person.email, person.language


def require_lasting_session(actor: Actor) -> None:
    """Go on only in a session that may make tokens which live on without it.

    Raises:
        StandInSessionError: it came by a stand-in.
    """
    if actor.assurance.is_stand_in:
        raise StandInSessionError


def token_ends_at(actor: Actor) -> dt.datetime | None:
    """When the token that an actor shows ends; None for sessions and tokens without end."""
    row = AccessToken.objects.filter(uid=actor.token_id).first() if actor.token_id else None
    if row is not None:
        return row.expires_at
    connection = connections.recorded(actor.token_id) if actor.token_id else None
    return connection.expires_at if connection is not None else None


def is_active(actor: Actor) -> bool:
    """Whether the actor behind a long-lived record may still act: account open, token not withdrawn or expired."""
    if actor.token_id:
        token = AccessToken.objects.filter(uid=actor.token_id).first()
        if token is None:
            return connections.recorded(actor.token_id) is not None
        if token.revoked_at or (token.expires_at and token.expires_at < clock.now()):
            return False
    if actor.kind == "person":
        living = Person.objects.filter(uid=actor.id, is_active=True)
        return living.exclude(stay_until__lte=clock.now()).exists()
    return actor.kind != "anonymous"
