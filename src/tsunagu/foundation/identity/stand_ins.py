"""When an institution's identity provider is down, this node can stand in for it: for its people, for some days.

An administrator switches it on, with a reason and a last day. A person whom the institution signed in before then comes
in by a passkey, or a password with a one-time code, that they had before the switch. The session carries what the
institution said last, marked with its age, and is lowered: rules see ``principal.stand_in``, pages say it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Count, Max

from tsunagu.core import clock
from tsunagu.foundation.identity.errors import BadStayError, NotSignedInError
from tsunagu.foundation.identity.federation import sign_ins
from tsunagu.foundation.identity.federation.assurance import IDENTITY_LEVELS, Assurance
from tsunagu.foundation.identity.federation.groups import Membership
from tsunagu.foundation.identity.federation.models import Identity, InstitutionState
from tsunagu.foundation.identity.federation.sign_ins import claims_of, digest
from tsunagu.foundation.identity.models import Person
from tsunagu.foundation.identity.programs.connections import tell
from tsunagu.foundation.identity.types import SYSTEM, Actor

_LONGEST = dt.timedelta(days=14)
_WATCHED = dt.timedelta(hours=1)
_LOWERED_IAL = 1


@dataclass(frozen=True, slots=True)
class InstitutionCard:
    """An institution as an administrator sees it; times RFC 3339.

    Attributes:
        people: How many people it has signed in.
        ready: How many of them hold a passkey or a one-time code of this node.
        succeeded_at: When somebody last signed in there.
        begun: Sign-ins that were begun within the last hour, a while ago.
        came_back: How many of those the institution answered.
        failed_at: When it last did not answer the node itself; SAML tells the node nothing of that kind.
        stand_in_until: Until when this node stands in; None when it does not.
    """

    id: str
    people: int
    ready: int
    succeeded_at: str | None
    begun: int
    came_back: int
    failed_at: str | None
    failure: str
    stand_in_until: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class StandIn:
    """What a session gets while this node stands in."""

    assurance: Assurance
    memberships: tuple[Membership, ...]


class BadStandInError(BadStayError):
    """The stand-in cannot be switched on like this."""

    code = "identity.bad_stand_in"
    default_message = "A stand-in needs a reason, and ends on a day that is to come, within two weeks."
    default_remedy = "Give both; it can be switched on again."


def institutions() -> list[InstitutionCard]:
    """Every institution that has signed people in here, those in trouble first."""
    from allauth.mfa.models import Authenticator

    rows = (
        Identity.objects.values("issuer")
        .annotate(people=Count("person", distinct=True), last=Max("last_used_at"))
        .order_by("issuer")[:500]
    )
    states = {row.entity_id: row for row in InstitutionState.objects.all()[:2000]}
    cards = []
    for row in rows:
        issuer, state = row["issuer"], states.get(row["issuer"])
        holders = Authenticator.objects.filter(user__identities__issuer=issuer)
        begun, came_back = sign_ins.traffic(issuer, within=_WATCHED)
        cards.append(
            InstitutionCard(
                id=issuer,
                people=row["people"],
                ready=holders.values("user").distinct().count(),
                succeeded_at=clock.isoformat(row["last"]) if row["last"] else None,
                begun=begun,
                came_back=came_back,
                failed_at=clock.isoformat(state.failed_at) if state and state.failed_at else None,
                failure=state.failure if state else "",
                stand_in_until=_until(state),
                reason=state.stand_in_reason if state else "",
            )
        )
    return sorted(
        cards, key=lambda card: (card.stand_in_until is None, card.came_back >= card.begun, card.id)
    )


def _until(state: InstitutionState | None) -> str | None:
    if state is None or state.stand_in_until is None or state.stand_in_until <= clock.now():
        return None
    return clock.isoformat(state.stand_in_until)


@transaction.atomic
def start_stand_in(actor: Actor, issuer: str, *, until: dt.datetime, reason: str) -> None:
    """Stand in for an institution; it ends by itself.

    Raises:
        NotSignedInError: the actor does not administer the node.
        BadStandInError: no reason, an end that is past or more than two weeks away, or nobody ever came from there.
    """
    if not actor.is_admin:
        raise NotSignedInError
    now = clock.now()
    known = Identity.objects.filter(issuer=issuer).exists()
    if not reason.strip() or not now < until <= now + _LONGEST or not known:
        raise BadStandInError
    InstitutionState.objects.update_or_create(
        entity_hash=digest(issuer),
        defaults={
            "entity_id": issuer,
            "stand_in_since": now,
            "stand_in_until": until,
            "stand_in_reason": reason.strip()[:500],
        },
    )
    tell("stand_in", actor, {"institution": issuer, "until": clock.isoformat(until)}, reason.strip()[:500])


@transaction.atomic
def end_stand_in(actor: Actor, issuer: str) -> None:
    """Stand in no longer; sessions that came by it end with their next request.

    Raises:
        NotSignedInError: the actor does not administer the node.
    """
    if not actor.is_admin:
        raise NotSignedInError
    _end(actor, InstitutionState.objects.filter(entity_hash=digest(issuer)), "switched off")


def end_over_stand_ins() -> None:
    """Record the end of stand-ins whose day has come; they stopped counting at that moment already."""
    _end(SYSTEM, InstitutionState.objects.filter(stand_in_until__lte=clock.now()), "its day has come")


def _end(actor: Actor, rows: Any, why: str) -> None:
    with transaction.atomic():
        for row in rows.exclude(stand_in_until=None).select_for_update():
            row.stand_in_until = row.stand_in_since = None
            row.stand_in_reason = ""
            row.save(update_fields=["stand_in_until", "stand_in_since", "stand_in_reason"])
            tell("stand_in_end", actor, {"institution": row.entity_id}, why)


def is_standing_in(issuer: str) -> bool:
    """Whether this node stands in for an institution now."""
    return sign_ins.stand_in_ends_at(issuer) is not None


def _active() -> Any:
    return InstitutionState.objects.filter(stand_in_until__gt=clock.now(), stand_in_since__isnull=False)


def belongs_to_institution(person: Person) -> bool:
    """Whether an institution answers for a person."""
    return Identity.objects.filter(person=person).exists()


def may_be_stood_in_for(person: Person) -> bool:
    """Whether this node stands in for one of a person's institutions."""
    return bool(_active().filter(entity_id__in=_issuers(person)).exists())


def _issuers(person: Person) -> list[str]:
    return list(Identity.objects.filter(person=person).values_list("issuer", flat=True).distinct())


def stand_in_for(person: Person, methods: Iterable[Mapping[str, Any]]) -> StandIn | None:
    """What a local sign-in brings while this node stands in; None where it does not, or by a factor that does not do.

    Args:
        person: Who signed in.
        methods: allauth's records of the session, as for ``of_local``.
    """
    state = _active().filter(entity_id__in=_issuers(person)).order_by("-stand_in_until").first()
    if state is None or not _was_bound_before(person, methods, state.stand_in_since):
        return None
    row = (
        Identity.objects.filter(person=person, issuer=state.entity_id, last_used_at__isnull=False)
        .order_by("-last_used_at")
        .first()
    )
    if row is None or row.last_used_at is None:
        return None
    said = claims_of(row.claims)
    ial = max((IDENTITY_LEVELS.get(value, 0) for value in said.assurance), default=0)
    assurance = Assurance(
        ial=min(ial, _LOWERED_IAL),
        source=state.entity_id,
        stand_in_for=state.entity_id,
        claims_at=clock.isoformat(row.last_used_at),
    )
    return StandIn(assurance, said.memberships)


def _was_bound_before(person: Person, methods: Iterable[Mapping[str, Any]], since: dt.datetime) -> bool:
    """Whether the factor that was shown just now is older than the outage: one that was added in it proves nothing."""
    from allauth.mfa.models import Authenticator

    shown = {str(item.get("type") or "") for item in methods if item.get("method") == "mfa"}
    used = (
        Authenticator.objects.filter(user=person, type__in=shown & {"webauthn", "totp"})
        .exclude(last_used_at=None)
        .order_by("-last_used_at")
        .first()
    )
    return used is not None and used.created_at <= since
