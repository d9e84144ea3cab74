"""One's own access tokens."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest
from ninja import Router, Status

from tsunagu.core import clock
from tsunagu.data.datasets import api as datasets
from tsunagu.doors.rest import schemas_tokens as schemas
from tsunagu.doors.who import require_actor
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy

router = Router(tags=["tokens"])
_MOST_DAYS = 730


def _owner(request: HttpRequest) -> Actor:
    """A person by a session, or by a token that takes nothing away: a narrow token makes and ends no tokens."""
    actor = require_actor(request)
    if actor.kind != "person" or actor.agent or (actor.scope and not actor.scope.is_whole):
        raise policy.ActionDeniedError(
            "This access token was not made for this kind of action.",
            remedy="Make a token with a wider scope on your account page, or sign in yourself.",
        )
    return actor


@router.get("/tokens", response=schemas.TokenList)
def list_tokens(request: HttpRequest) -> Any:
    """One's living tokens, newest first; without their secrets, which nobody has."""
    return {"tokens": [_row(card) for card in identity.tokens_of(_owner(request).id)]}


def _row(card: identity.TokenCard) -> dict[str, Any]:
    return {
        "id": card.id,
        "label": card.label,
        "verbs": list(card.scope.verbs),
        "projects": list(card.scope.projects),
        "created_at": card.created_at,
        "expires_at": card.expires_at,
        "last_used_at": card.last_used_at,
    }


@router.post("/tokens", response={201: schemas.NewToken})
def make_token(request: HttpRequest, body: schemas.TokenAsked) -> Any:
    """Make a token; its secret stands in this answer alone. It never outlives the token that made it."""
    actor = _owner(request)
    identity.require_lasting_session(actor)
    projects = tuple(datasets.get_project(actor, name).id for name in body.projects)
    lifetime = dt.timedelta(days=min(max(body.days, 1), _MOST_DAYS))
    ends = identity.token_ends_at(actor)
    if ends is not None:
        lifetime = min(lifetime, ends - clock.now())
    secret = identity.issue_token(
        actor.id,
        label=body.label,
        lifetime=lifetime,
        scope=identity.TokenScope(tuple(body.verbs), projects),
    )
    return Status(201, {"secret": secret, "expires_at": clock.isoformat(clock.now() + lifetime)})


@router.delete("/tokens/{token}", response=schemas.TokenList)
def revoke_token(request: HttpRequest, token: str) -> Any:
    """Withdraw one of one's tokens; it stops at once."""
    actor = _owner(request)
    identity.revoke_token(actor.id, token)
    return {"tokens": [_row(card) for card in identity.tokens_of(actor.id)]}
