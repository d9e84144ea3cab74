"""Reading what ran for partner nodes: for administrators of this node."""

from __future__ import annotations

from django.db.models import QuerySet, Sum

from tsunagu.compute.hosting.errors import NoSuchGuestError
from tsunagu.compute.hosting.models import Guest
from tsunagu.compute.hosting.types import GuestCard, Lent
from tsunagu.compute.jobs import api as jobs
from tsunagu.compute.jobs.api import Amounts, Limits, State
from tsunagu.compute.partners import api as partners
from tsunagu.core import clock
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy

OPEN = (State.QUEUED, State.RUNNING, State.UNCERTAIN)


def list_guests(actor: Actor, *, before: str = "", limit: int = 50) -> list[GuestCard]:
    """Runs of partner nodes, newest first.

    Raises:
        ActionDeniedError: the actor does not administer the node.
    """
    policy.require(actor, "node.admin", policy.NODE)
    rows = Guest.objects.order_by("-run_id")
    return [card_of(row) for row in (rows.filter(pk__lt=before) if before else rows)[:limit]]


def get_guest(actor: Actor, run_id: str) -> GuestCard:
    """One of them.

    Raises:
        ActionDeniedError: the actor does not administer the node.
        NoSuchGuestError: there is none.
    """
    policy.require(actor, "node.admin", policy.NODE)
    row = Guest.objects.filter(pk=run_id).first()
    if row is None:
        raise NoSuchGuestError
    return card_of(row)


def list_lent(actor: Actor) -> list[Lent]:
    """Every offer with what was used of it.

    Raises:
        ActionDeniedError: the actor does not administer the node.
    """
    return [lent(offer) for offer in partners.list_offers(actor)]


def lent(offer: partners.OfferCard) -> Lent:
    """An offer with what was used of it."""
    mine = Guest.objects.filter(offer_id=offer.id)
    return Lent(offer, _sum(mine.exclude(state__in=OPEN)), _sum(mine.filter(state__in=OPEN)))


def card_of(row: Guest) -> GuestCard:
    """A row as administrators see it."""
    return GuestCard(
        run=row.run_id,
        offer_id=row.offer_id,
        partner=partners.get_offer(row.offer_id).title,
        partner_run=row.partner_run,
        asker=row.asker,
        executor=row.executor,
        state=State(row.state),
        code=row.code,
        sentence=jobs.sentence(row.code, {"why": row.why, **row.account.get("facts", {})}),
        limits=Limits(**row.limits),
        cpu_s=row.cpu_s,
        memory_gb_h=row.memory_gb_h,
        output_bytes=row.output_bytes,
        asked_at=clock.isoformat(row.asked_at),
        started_at=clock.isoformat(row.started_at) if row.started_at else None,
        ended_at=clock.isoformat(row.ended_at) if row.ended_at else None,
        is_ending=row.is_cancelled or row.is_withdrawn,
        account=row.account,
        signature=row.signature,
    )


def _sum(rows: QuerySet[Guest]) -> Amounts:
    found = rows.aggregate(c=Sum("cpu_s"), m=Sum("memory_gb_h"), o=Sum("output_bytes"))
    return Amounts(found["c"] or 0.0, found["m"] or 0.0, found["o"] or 0)
