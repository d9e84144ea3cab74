"""Reading notices: of a publication for those who tend it, all of them for administrators."""

from __future__ import annotations

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from tsunagu.core import clock
from tsunagu.data.notices.errors import NoSuchNoticeError
from tsunagu.data.notices.models import Partner, Received, Sent
from tsunagu.data.notices.reading import Notice, read_kept
from tsunagu.data.notices.sending import NO_PARTNER
from tsunagu.data.notices.types import OFFERS, NoticeCard, SentCard
from tsunagu.data.publication import api as publication
from tsunagu.foundation.identity.api import SYSTEM, Actor
from tsunagu.foundation.policy import api as policy

_LISTED, _LOOKED_AT = 100, 500
HELD = ("quarantined", "unmatched")


def card_of(row: Received) -> NoticeCard:
    """A notice that came."""
    found = publication.get_publication(SYSTEM, row.publication_id) if row.publication_id else None
    said: Notice = read_kept(row.body)
    return NoticeCard(
        id=row.uid,
        notice_id=row.notice_id,
        partner=row.partner.name if row.partner else "",
        partner_title=row.partner.title if row.partner else row.origin_id,
        origin_id=row.origin_id,
        origin_inbox=row.origin_inbox,
        pattern=row.pattern,
        state=row.state,
        publication=row.publication_id,
        place=found.place if found else "",
        number=found.number if found else 0,
        relation=row.relation,
        said_relation=row.said_relation,
        address=row.address,
        actor=said.actor,
        received_at=clock.isoformat(row.received_at),
        decided_at=clock.isoformat(row.decided_at) if row.decided_at else "",
        body=row.body,
    )


def sent_card(row: Sent) -> SentCard:
    """A notice from here."""
    return SentCard(
        id=row.uid,
        notice_id=row.notice_id,
        partner=row.partner.name if row.partner else "",
        partner_title=row.partner.title if row.partner else str(row.body["target"]["id"]),
        pattern=row.pattern,
        publication=row.publication_id,
        about=row.about,
        state=row.state,
        exchange=row.exchange,
        said=row.said,
        attempts=row.attempts,
        last_status=row.last_status,
        last_error=_(row.last_error) if row.last_error == NO_PARTNER else row.last_error,
        made_at=clock.isoformat(row.made_at),
        done_at=clock.isoformat(row.done_at) if row.done_at else "",
    )


def status_of(key: str) -> str:
    """How the notice stands that was kept under a ULID, for whoever was told it.

    Raises:
        NoSuchNoticeError: there is none.
    """
    state = Received.objects.filter(pk=key).values_list("state", flat=True).first()
    if state is None:
        raise NoSuchNoticeError
    return str(state)


def list_received(
    actor: Actor, *, state: str = "", after: str = "", limit: int = _LISTED
) -> list[NoticeCard]:
    """Notices, newest first: all for administrators, those about their publications for everybody who curates.

    Args:
        actor: An administrator or a curator; anybody else gets none.
        state: Only in this one; ``held``: what waits for an administrator.
        after: ULID of the last one seen.
        limit: How many.
    """
    rows = Received.objects.select_related("partner").order_by("-uid")
    if state:
        rows = rows.filter(state__in=HELD if state == "held" else (state,))
    if after:
        rows = rows.filter(uid__lt=after)
    if policy.decide(actor, "node.admin", policy.NODE):
        return [card_of(row) for row in rows[:limit]]
    if not publication.curated_by(actor):
        return []
    return [card_of(row) for row in _tended(actor, rows.exclude(publication_id=""), limit)]


def _tended(actor: Actor, rows: QuerySet[Received], limit: int) -> list[Received]:
    """The first about publications that the actor tends; a page is full although most are about others."""
    kept: list[Received] = []
    page = list(rows[:_LOOKED_AT])
    while page and len(kept) < limit:
        mine = publication.tended_by(actor, (row.publication_id for row in page))
        kept += [row for row in page if row.publication_id in mine]
        page = list(rows.filter(uid__lt=page[-1].uid)[:_LOOKED_AT])
    return kept[:limit]


def of_publication(actor: Actor, publication_id: str) -> tuple[list[NoticeCard], list[SentCard]]:
    """What came about a publication and what was sent, newest first, for those who tend it.

    Raises:
        NoPublicationError, ActionDeniedError: the actor may not see it, or does not tend it.
    """
    publication.require_tending(actor, publication_id)
    came = Received.objects.filter(publication_id=publication_id).select_related("partner")
    went = Sent.objects.filter(publication_id=publication_id).select_related("partner")
    return (
        [card_of(row) for row in came.order_by("-uid")[:_LISTED]],
        [sent_card(row) for row in went.order_by("-uid")[:_LISTED]],
    )


def list_sent(actor: Actor, *, limit: int = _LISTED) -> list[SentCard]:
    """What was sent, newest first.

    Raises:
        ActionDeniedError: the actor does not administer the node.
    """
    policy.require(actor, "node.admin", policy.NODE)
    return [sent_card(row) for row in Sent.objects.select_related("partner").order_by("-uid")[:limit]]


def partners_for(kind: str) -> list[tuple[str, str]]:
    """Name and title of the services that may be offered something; ``kind``: one of ``OFFERS``."""
    assert kind in OFFERS
    rows = Partner.objects.order_by("title", "name")
    return [(row.name, row.title) for row in rows if f"{kind}s" in row.may]
