"""Programs that register themselves (RFC 7591): each with an invitation of an administrator, good for one.

Without an invitation nothing is registered, so nobody floods the list or takes a known name; what the invitation does
not hold, the program does not get. A program that nobody used within a month is withdrawn.
"""

from __future__ import annotations

import datetime as dt
import secrets
from typing import Any

from django.db import transaction

from tsunagu.core import clock
from tsunagu.core.ids import new_id
from tsunagu.foundation.identity.errors import NotSignedInError
from tsunagu.foundation.identity.program_models import Program, ProgramInvitation
from tsunagu.foundation.identity.programs import registry
from tsunagu.foundation.identity.programs.connections import tell
from tsunagu.foundation.identity.programs.errors import BadProgramError
from tsunagu.foundation.identity.programs.types import CODE, DEVICE, REFRESH
from tsunagu.foundation.identity.types import SYSTEM, VERBS, Actor

_PREFIX = "tsr_"
_UNUSED = dt.timedelta(days=30)
_LONGEST = dt.timedelta(days=30)
_METHODS = ("none", "client_secret_basic", "client_secret_post")


def invite(actor: Actor, *, lifetime: dt.timedelta, verbs: tuple[str, ...] = ("read",)) -> str:
    """An invitation for one program to register itself; the secret is shown once.

    Raises:
        NotSignedInError: the actor does not administer the node.
        BadProgramError: unknown verbs.
    """
    if not actor.is_admin:
        raise NotSignedInError
    if not verbs or not set(verbs) <= set(VERBS):
        raise BadProgramError
    secret = _PREFIX + secrets.token_urlsafe(32)
    ProgramInvitation.objects.create(
        secret_hash=registry.digest(secret),
        verbs=" ".join(verb for verb in VERBS if verb in verbs),
        made_by=actor.id,
        expires_at=clock.now() + min(lifetime, _LONGEST),
    )
    return secret


@transaction.atomic
def register_itself(secret: str, told: Any) -> dict[str, Any]:
    """Register a program by what it tells of itself; gives the answer of RFC 7591.

    Args:
        secret: The invitation.
        told: ``client_name``, ``redirect_uris``, ``grant_types``, ``scope`` ...

    Raises:
        NotSignedInError: no invitation that is still good.
        BadProgramError: something of it cannot be used; the invitation stays good.
    """
    invitation = (
        ProgramInvitation.objects.select_for_update()
        .filter(secret_hash=registry.digest(secret), used_at=None, expires_at__gt=clock.now())
        .first()
    )
    if invitation is None:
        raise NotSignedInError
    if not isinstance(told, dict):
        raise BadProgramError("A JSON object was expected.")
    name, addresses = str(told.get("client_name", "")), _texts(told.get("redirect_uris", []))
    grants = _texts(told.get("grant_types", [CODE]))
    method = told.get("token_endpoint_auth_method", "client_secret_basic")
    if _texts(told.get("response_types", ["code"])) != ("code",) or method not in _METHODS:
        raise BadProgramError("Only the code flow is spoken here.")
    if not set(grants) <= {CODE, REFRESH, DEVICE}:
        raise BadProgramError("One of the grant types is not spoken here.")
    asked = str(told.get("scope", "read")).split()
    verbs = tuple(verb for verb in invitation.verbs.split() if verb in asked)
    registry.check(name, addresses, grants, verbs)
    is_public = method == "none"
    client_secret = "" if is_public else secrets.token_urlsafe(32)
    row = Program.objects.create(
        client_id=new_id().lower(),
        name=name.strip(),
        secret_hash=registry.digest(client_secret) if client_secret else "",
        redirect_uris=list(addresses),
        grants=list(grants),
        verbs=" ".join(verbs),
        is_agent=True,  # nobody vouched for what it is, so people are told the most that it may be
        origin="itself",
        registered_by=invitation.made_by,
    )
    ProgramInvitation.objects.filter(pk=invitation.pk).update(used_at=clock.now())
    tell("register_program", SYSTEM, {"program": row.client_id, "by": invitation.made_by}, "by itself")
    answer: dict[str, Any] = {
        "client_id": row.client_id,
        "client_id_issued_at": clock.epoch_s(),
        "client_name": row.name,
        "redirect_uris": list(addresses),
        "grant_types": list(grants),
        "response_types": ["code"],
        "token_endpoint_auth_method": method,
        "scope": " ".join(["openid", "profile", *verbs]),
    }
    if client_secret:
        answer |= {"client_secret": client_secret, "client_secret_expires_at": 0}
    return answer


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadProgramError("A list of texts was expected.")
    return tuple(value)


def withdraw_unused() -> int:
    """Withdraw programs that registered themselves and that nobody used within a month; returns how many."""
    now = clock.now()
    ProgramInvitation.objects.filter(expires_at__lt=now - _UNUSED).delete()
    unused = Program.objects.filter(origin="itself", withdrawn_at=None, last_used_at=None)
    return unused.filter(created_at__lt=now - _UNUSED).update(withdrawn_at=now)
