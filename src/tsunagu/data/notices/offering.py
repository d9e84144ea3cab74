"""Notices from here: offer a published version for review or endorsement, answer an offer, announce an article's data.

Each is a row before it is sent (sending.py), so nothing waits for another service.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.db import transaction

from tsunagu.core import clock, events, settings
from tsunagu.data.notices import deciding
from tsunagu.data.notices.errors import NoSuchPartnerError, NoticeStateError
from tsunagu.data.notices.models import Partner, Sent
from tsunagu.data.notices.selectors import sent_card
from tsunagu.data.notices.types import ANSWERS, OFFERS, SentCard
from tsunagu.data.publication import api as publication
from tsunagu.foundation.identity.api import SYSTEM, Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs
from tsunagu.standards import api as standards

WANTED = "notices.wanted"
_CONTEXT = ["https://www.w3.org/ns/activitystreams", "https://coar-notify.net"]
_SUPPLEMENT = "http://purl.org/vocab/frbr/core#supplement"


def inbox() -> str:
    """The address of this node's inbox."""
    return f"{settings.current().control_address}/inbox"


def inbox_link() -> str:
    """The ``Link`` header by which the inbox is found (Linked Data Notifications)."""
    return f'<{inbox()}>; rel="http://www.w3.org/ns/ldp#inbox"'


@transaction.atomic
def offer(actor: Actor, publication_id: str, partner: str, kind: str) -> SentCard:
    """Offer a published version to a service, for ``review`` or ``endorsement``.

    Raises:
        NoPublicationError, ActionDeniedError: the actor may not see it, or does not tend it.
        NoSuchPartnerError: there is none of this name that takes such offers.
        NoticeStateError: the version is not public, or such an offer to the service is open.
    """
    publication.require_tending(actor, publication_id)
    card = publication.get_publication(actor, publication_id)
    row = Partner.objects.select_for_update().filter(name=partner).first()
    if row is None or kind not in OFFERS or f"{kind}s" not in row.may:
        raise NoSuchPartnerError
    if card.state != "published":
        raise NoticeStateError("Only a published version can be offered.", state=card.state)
    pattern = f"offer-{kind}"
    _refuse_second(row, publication_id, pattern)
    body = _body(row, ["Offer", f"coar-notify:{OFFERS[kind]}"], _thing(card))
    made = _want(actor, row, pattern, body, card, exchange="offered")
    return sent_card(made)


def _refuse_second(partner: Partner, publication_id: str, pattern: str) -> None:
    """Go on only where no such offer is open; one that never reached the service is not.

    Raises:
        NoticeStateError: the service has one already, or it is on its way.
    """
    rows = partner.sent.filter(publication_id=publication_id, pattern=pattern)
    rows = rows.filter(exchange__in=("offered", "tentatively_accepted", "accepted"))
    if rows.exclude(state__in=("refused", "given_up"), exchange="offered").exists():
        raise NoticeStateError("The version is offered to this service already.", state="offered")


@transaction.atomic
def answer(actor: Actor, key: str, word: str) -> SentCard:
    """Answer what was offered to this node.

    Args:
        actor: A curator of the publication that it is about, or who may ask for it.
        key: ULID of the notice.
        word: One of ``ANSWERS``.

    Raises:
        NoSuchNoticeError, ActionDeniedError: there is none, or the actor does not tend the publication.
        NoticeStateError: it is no offer that is open.
    """
    row = deciding.held(actor, key)
    if word not in ANSWERS or row.state != "offered" or row.partner is None:
        raise NoticeStateError(f"The notice is {row.state}.", state=row.state)
    body = _body(row.partner, [ANSWERS[word]], row.body)
    body["inReplyTo"] = row.notice_id
    card = publication.get_publication(actor, row.publication_id)
    made = _want(actor, row.partner, ANSWERS[word].lower(), body, card)
    if not word.startswith("tentative"):
        row.state = "answered"
        row.decided_by, row.decided_at = actor.id, clock.now()
        row.save()
    return sent_card(made)


@transaction.atomic
def announce(publication_id: str) -> int:
    """Tell services of a published article that rests on data which live there, once each; returns how many."""
    article = publication.article_of(SYSTEM, publication_id)
    if article is None or article.card.state != "published":
        return 0
    card, count = article.card, 0
    # Locked, so that two that look at once do not both find that nobody told it.
    for partner in Partner.objects.select_for_update().order_by("name"):
        if "told" not in partner.may:
            continue
        for data in article.said["data"].splitlines():
            if any(_lives(data, beginning) for beginning in partner.holds):
                count += _tell(partner, card, data)
    return count


def _lives(data: str, beginning: str) -> bool:
    doi = standards.doi_of(data)
    return data.startswith(beginning) or bool(doi and doi.startswith(beginning.lower()))


def _tell(partner: Partner, card: publication.PublicationCard, data: str) -> int:
    told = Sent.objects.filter(publication_id=card.id, pattern="announce-relationship", about=data)
    # Also what it was told before it was removed and taken up again, unless that never reached it.
    told = told.filter(body__target__inbox=partner.inbox).exclude(partner=None, state="given_up")
    if told.exists():
        return 0
    thing = {
        "id": f"urn:uuid:{uuid.uuid4()}",
        "type": "Relationship",
        "as:subject": _address(card),
        "as:relationship": _SUPPLEMENT,
        "as:object": data,
    }
    body = _body(partner, ["Announce", "coar-notify:RelationshipAction"], thing)
    body["context"] = {"id": data, "type": ["Object", "sorg:Dataset"]}
    _want(SYSTEM, partner, "announce-relationship", body, card, about=data)
    return 1


def _address(card: publication.PublicationCard) -> str:
    if card.is_doi_registered and not card.is_test_doi:
        return f"https://doi.org/{card.doi}"
    return _page(card)


def _page(card: publication.PublicationCard) -> str:
    return f"{settings.current().control_address}/d/{card.place}/v{card.number}"


def _thing(card: publication.PublicationCard) -> dict[str, Any]:
    page = _page(card)
    is_article = card.resource_type in publication.ARTICLE_TYPES
    kind = "sorg:ScholarlyArticle" if is_article else "sorg:Dataset"
    return {
        "id": page,
        "type": ["Page", "sorg:AboutPage"],
        "ietf:cite-as": _address(card),
        "ietf:item": {
            "id": f"{page}/record/datacite.xml",
            "type": ["Object", kind],
            "mediaType": "application/xml",
        },
    }


def _body(partner: Partner, types: list[str], thing: dict[str, Any]) -> dict[str, Any]:
    node = settings.current()
    return {
        "@context": _CONTEXT,
        "id": f"urn:uuid:{uuid.uuid4()}",
        "type": types if len(types) > 1 else types[0],
        "actor": {"id": node.control_address, "type": "Service", "name": node.node_name},
        "origin": {"id": node.control_address, "inbox": inbox(), "type": "Service"},
        "target": {"id": partner.origin_id, "inbox": partner.inbox, "type": "Service"},
        "object": thing,
    }


def _want(
    actor: Actor,
    partner: Partner,
    pattern: str,
    body: dict[str, Any],
    card: publication.PublicationCard,
    *,
    exchange: str = "",
    about: str = "",
) -> Sent:
    """Write down what is to be sent; its run ends when it got through, or never will."""
    run_id = runs.start(
        actor,
        "notice_sent",
        dataset_id=card.dataset_id,
        parameters={"pattern": pattern, "partner": partner.name},
        links=[runs.Link("in", "publication", card.id, card.place)],
    )
    now = clock.now()
    row = Sent.objects.create(
        notice_id=body["id"],
        partner=partner,
        pattern=pattern,
        publication_id=card.id,
        about=about,
        body=body,
        exchange=exchange,
        run_id=run_id,
        made_at=now,
        next_try=now,
    )
    events.record(WANTED)
    return row


@transaction.atomic
def try_again(actor: Actor, key: str) -> SentCard:
    """Send again what was refused or given up.

    Raises:
        ActionDeniedError: the actor does not administer the node.
        NoticeStateError: it is not refused, or it is an offer that was made anew.
        NoSuchPartnerError: the service was removed.
    """
    policy.require(actor, "node.admin", policy.NODE)
    row = Sent.objects.select_for_update(of=("self",)).filter(pk=key).select_related("partner").first()
    if row is None or row.state not in {"refused", "given_up"}:
        raise NoticeStateError
    if row.partner is None:
        raise NoSuchPartnerError
    if row.exchange:
        _refuse_second(row.partner, row.publication_id, row.pattern)
    row.run_id = runs.start(
        actor, "notice_sent", parameters={"pattern": row.pattern, "partner": row.partner.name}
    )
    row.state, row.made_at, row.next_try, row.attempts = "waiting", clock.now(), clock.now(), 0
    row.save()
    events.record(WANTED)
    return sent_card(row)
