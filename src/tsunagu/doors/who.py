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
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return _actor_of_token(request, secret.strip())
    return actor_of_session(request)


def _actor_of_token(request: HttpRequest, secret: str) -> Actor:
    """Asked once a request: ninja's authentication wants to know, and then the view."""
    known: tuple[str, Actor] | None = getattr(request, "_tsunagu_actor", None)
    if known is None or known[0] != secret:
        known = (secret, identity.actor_for_token(secret))
        request._tsunagu_actor = known  # type: ignore[attr-defined]  # noqa: SLF001 - Django's requests are made to carry more
    return known[1]


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
