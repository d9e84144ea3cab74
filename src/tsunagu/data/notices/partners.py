"""Services whose notices are acted on, kept by administrators."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from django.db import transaction

from tsunagu.core import clock, egress
from tsunagu.data.notices import sending
from tsunagu.data.notices.errors import BadPartnerError, NoSuchPartnerError
from tsunagu.data.notices.models import Partner
from tsunagu.data.notices.types import RIGHTS, PartnerCard
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.ledger import api as ledger
from tsunagu.foundation.policy import api as policy

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
_LONGEST = 500
_MOST_HELD = 50
_TOKEN = re.compile(r"[!-~]*")


def list_partners(actor: Actor) -> list[PartnerCard]:
    """Every partner service.

    Raises:
        ActionDeniedError: the actor does not administer the node.
    """
    policy.require(actor, "node.admin", policy.NODE)
    return [card_of(row) for row in Partner.objects.order_by("name")]


def card_of(row: Partner) -> PartnerCard:
    """A service with how much waits for it."""
    return PartnerCard(
        name=row.name,
        title=row.title,
        origin_id=row.origin_id,
        inbox=row.inbox,
        may=tuple(row.may),
        holds=tuple(row.holds),
        has_token=bool(row.token),
        waiting_count=row.sent.filter(state__in=("waiting", "sending")).count(),
        refused_count=row.sent.filter(state__in=("refused", "given_up")).count(),
    )


@transaction.atomic
def write(
    actor: Actor,
    name: str,
    *,
    title: str,
    origin_id: str,
    inbox: str,
    may: Iterable[str],
    holds: Iterable[str] = (),
    token: str | None = None,
) -> PartnerCard:
    """Take a service up, or say anew what there is to say of one; a recorded decision.

    Args:
        actor: Who administers the node.
        name: What it is called here: small letters, digits and hyphens.
        title: What people read.
        origin_id: As its notices say.
        inbox: The same; notices are sent there.
        may: Some of ``RIGHTS``.
        holds: How addresses of what lives there begin (or a DOI prefix with its slash); empty: as ``origin_id`` does.
        token: Sent along as a bearer token; None: as before; empty: none.

    Raises:
        ActionDeniedError: the actor does not administer the node.
        BadPartnerError: something cannot be.
        EgressRefusedError, EgressFailedError: the node may not send there.
    """
    policy.require(actor, "node.admin", policy.NODE)
    if not _NAME.fullmatch(name):
        raise BadPartnerError(
            f"{name[:60]!r} is no name.", remedy="Use small letters, digits and hyphens.", field="name"
        )
    rights = sorted(set(may))
    if bad := [one for one in rights if one not in RIGHTS]:
        raise BadPartnerError(
            f"{bad[0][:40]!r} is no right.", remedy=f"Use {', '.join(RIGHTS)}.", field="may"
        )
    for field, value in (("origin_id", origin_id), ("inbox", inbox)):
        if urlsplit(value).scheme not in {"https", "http"} or len(value) > _LONGEST or value != value.strip():
            raise BadPartnerError(f"{value[:100]!r} is no address.", field=field)
    if token and (len(token) > _LONGEST or not _TOKEN.fullmatch(token)):
        raise BadPartnerError("A token is at most 500 visible ASCII characters.", field="token")
    egress.check(inbox)
    if Partner.objects.filter(origin_id=origin_id, inbox=inbox).exclude(name=name).exists():
        raise BadPartnerError("The service is there already, under another name.", field="origin_id")
    row = Partner.objects.select_for_update().filter(name=name).first()
    row = row or Partner(name=name, made_by=actor.id, made_at=clock.now())
    row.title, row.origin_id, row.inbox, row.may = title.strip()[:200] or name, origin_id, inbox, rights
    row.holds = _held(holds, origin_id)
    row.token = row.token if token is None else token
    row.save()
    said = {"name": name, "origin": origin_id, "inbox": inbox, "may": rights, "by": actor.id}
    ledger.append("notice-partner", said)
    return card_of(row)


def _held(holds: Iterable[str], origin_id: str) -> list[str]:
    found = list(dict.fromkeys(one.strip() for one in holds if one.strip()))
    if len(found) > _MOST_HELD or any(len(one) > _LONGEST for one in found):
        raise BadPartnerError("At most 50 beginnings of addresses, of 500 characters each.", field="holds")
    return found or [f"{origin_id.rstrip('/')}/"]


@transaction.atomic
def remove(actor: Actor, name: str) -> None:
    """Forget a service; what it sent is kept as from a stranger, and what waits for it ends unsent.

    Raises:
        ActionDeniedError: the actor does not administer the node.
        NoSuchPartnerError: there is none of this name.
    """
    policy.require(actor, "node.admin", policy.NODE)
    row = Partner.objects.select_for_update().filter(name=name).first()
    if row is None:
        raise NoSuchPartnerError
    sending.give_up(row.sent.select_for_update().filter(state="waiting"))
    row.delete()
    ledger.append("notice-partner-removed", {"name": name, "by": actor.id})
