"""Which programs there are: shipped with the node, registered by an administrator, or by themselves with an invitation."""

from __future__ import annotations

import hashlib
import secrets
from urllib.parse import urlsplit

from django.db import transaction

from tsunagu.core import clock
from tsunagu.core.ids import new_id
from tsunagu.foundation.identity.errors import NotSignedInError
from tsunagu.foundation.identity.program_models import Connection, Program
from tsunagu.foundation.identity.programs.errors import BadProgramError, UnknownProgramError
from tsunagu.foundation.identity.programs.types import (
    CODE,
    DEVICE,
    GRANTS,
    REFRESH,
    ProgramCard,
)
from tsunagu.foundation.identity.types import VERBS, Actor

CLI = "tsunagu-cli"
_MOST_ADDRESSES = 10


def digest(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def card(row: Program) -> ProgramCard:
    """A program as people see it."""
    return ProgramCard(
        id=row.client_id,
        name=row.name,
        redirect_uris=tuple(row.redirect_uris),
        grants=tuple(row.grants),
        verbs=tuple(row.verbs.split()),
        is_public=not row.secret_hash,
        is_agent=row.is_agent,
        resource=row.resource,
        origin=row.origin,
        created_at=clock.isoformat(row.created_at),
        last_used_at=clock.isoformat(row.last_used_at) if row.last_used_at else None,
    )


def find(client_id: str) -> Program | None:
    """A living program; the command line is one without anybody registering it."""
    row = Program.objects.filter(client_id=client_id[:60], withdrawn_at=None).first()
    if row is None and client_id == CLI and not Program.objects.filter(client_id=CLI).exists():
        row, _ = Program.objects.get_or_create(
            client_id=CLI,
            defaults={
                "name": "Tsunagu command line",
                "grants": [DEVICE, REFRESH],
                "verbs": " ".join(VERBS),
                "origin": "shipped",
            },
        )
    return row


def programs() -> list[ProgramCard]:
    """Every living program."""
    find(CLI)
    return [card(row) for row in Program.objects.filter(withdrawn_at=None).order_by("name", "pk")[:500]]


@transaction.atomic
def register(
    actor: Actor,
    name: str,
    *,
    redirect_uris: tuple[str, ...] = (),
    grants: tuple[str, ...] = (CODE, REFRESH),
    verbs: tuple[str, ...] = ("read",),
    is_public: bool = True,
    is_agent: bool = False,
    resource: str = "",
) -> tuple[ProgramCard, str]:
    """Let a program ask people of this node for access; gives it and its secret, which is shown once.

    Args:
        actor: An administrator.
        name: What people read on the consent page.
        redirect_uris: Where browsers may be sent back to.
        grants: Some of ``GRANTS``.
        verbs: The most that it may ask for.
        is_public: Without a secret, as programs on people's own devices are.
        is_agent: It acts by itself, as AI agents do.
        resource: Its own https address, when it takes tokens of this node itself, as a compute site does.

    Raises:
        NotSignedInError: the actor does not administer the node.
        BadProgramError: something of it cannot be used.
    """
    if not actor.is_admin:
        raise NotSignedInError
    check(name, redirect_uris, grants, verbs)
    if resource and not is_safe_address(resource):
        raise BadProgramError("The address of a service is an https address without a fragment.")
    secret = "" if is_public else secrets.token_urlsafe(32)
    row = Program.objects.create(
        client_id=new_id().lower(),
        name=name.strip(),
        secret_hash=digest(secret) if secret else "",
        redirect_uris=list(redirect_uris),
        grants=list(grants),
        verbs=" ".join(verb for verb in VERBS if verb in verbs),
        resource=resource,
        is_agent=is_agent,
        origin="admin",
        registered_by=actor.id,
    )
    return card(row), secret


def check(name: str, redirect_uris: tuple[str, ...], grants: tuple[str, ...], verbs: tuple[str, ...]) -> None:
    """Whether a program may be described like this.

    Raises:
        BadProgramError: it may not.
    """
    if not 0 < len(name.strip()) <= 100 or not name.isprintable():  # noqa: PLR2004 - the column's length
        raise BadProgramError
    if not set(grants) <= set(GRANTS) or not grants or not set(verbs) <= set(VERBS):
        raise BadProgramError
    if (CODE in grants) != bool(redirect_uris) or len(redirect_uris) > _MOST_ADDRESSES:
        raise BadProgramError
    if not all(map(is_safe_address, redirect_uris)):
        raise BadProgramError(
            "A return address is an https address, or http on 127.0.0.1 for desktop programs."
        )


def is_safe_address(address: str) -> bool:
    """An https address, or plain http to one's own machine (RFC 8252); no fragment, no wildcard, no user name."""
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return False
    is_own = parts.scheme == "http" and parts.hostname in {"127.0.0.1", "::1"}
    is_plain = not (parts.fragment or parts.username or "*" in address or "#" in address)
    return bool(parts.hostname) and (parts.scheme == "https" or is_own) and is_plain and address.isprintable()


@transaction.atomic
def withdraw(actor: Actor, client_id: str) -> ProgramCard:
    """Let a program ask nobody any more; everything that it was allowed ends now.

    Raises:
        NotSignedInError: the actor does not administer the node.
        UnknownProgramError: there is no such program.
    """
    if not actor.is_admin:
        raise NotSignedInError
    row = Program.objects.filter(client_id=client_id, withdrawn_at=None).first()
    if row is None:
        raise UnknownProgramError
    now = clock.now()
    Connection.objects.filter(program=row, ended_at=None).update(ended_at=now, ended_why="program withdrawn")
    Program.objects.filter(pk=row.pk).update(withdrawn_at=now)
    return card(row)
