"""Who asks: an access token, the session of the web pages, or nobody."""

from __future__ import annotations

from django.http import HttpRequest

from tsunagu.doors import sessions
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import Actor


def actor_of(request: HttpRequest) -> Actor:
    """The actor behind a request.

    Raises:
        NotSignedInError: a token was sent and it is not valid.
    """
    known = getattr(request, "auth", None)  # of a call of REST, which ninja has asked for already
    if isinstance(known, Actor):
        return known
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return identity.actor_for_token(secret.strip())
    return actor_of_session(request)


def actor_of_session(request: HttpRequest) -> Actor:
    """The actor behind the session alone: pages take no tokens, or a narrow one could make itself a wide one."""
    if request.user.is_authenticated:
        return identity.actor_for_person(
            request.user,
            assurance=sessions.assurance_of(request),
            memberships=sessions.memberships_of(request),
        )
    return identity.ANONYMOUS


def require_actor(request: HttpRequest) -> Actor:
    """The actor, who must not be anonymous.

    Raises:
        NotSignedInError: nobody is signed in.
    """
    actor = actor_of(request)
    if actor.kind == "anonymous":
        raise identity.NotSignedInError
    return actor
