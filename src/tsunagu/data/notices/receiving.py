"""The inbox: keep a notice once, act on it where a partner may say such things, else hold it for a person."""

from __future__ import annotations

import hashlib

from django.db import IntegrityError, transaction

from tsunagu.core import clock
from tsunagu.data.notices import reading
from tsunagu.data.notices.errors import InboxFullError
from tsunagu.data.notices.meaning import PROPOSING, Meaning, meaning_of
from tsunagu.data.notices.models import Partner, Received, Sent
from tsunagu.data.notices.reading import Notice
from tsunagu.data.publication import api as publication
from tsunagu.foundation.identity.api import SYSTEM
from tsunagu.foundation.runs import api as runs

_MOST_QUARANTINED = 500
_MOST_OPEN = 2000  # undecided, of one partner
_OF_ANSWERS = {
    "accept": "accepted",
    "reject": "rejected",
    "tentative-accept": "tentatively_accepted",
    "tentative-reject": "tentatively_rejected",
    "flag": "flagged",
}
_RIGHT_OF = {
    **PROPOSING,
    "announce": "results",
    "offer-review": "reviews",
    "offer-endorsement": "endorsements",
}
_RIGHT_OF |= {"offer-ingest": "results", "announce-ingest": "results"}
_SETTLED = frozenset({"accepted", "rejected", "announced"})


def receive(content: bytes) -> str:
    """Take a notice in; ULID of what was kept, the same for the same notice of the same sender.

    Args:
        content: The body of the request. Whoever posts it is not known: only ids that partners know change anything by
            themselves, and everything else waits for a person.

    Raises:
        BadNoticeError, NoticeTooLargeError: it is none.
        InboxFullError: too much waits for a person already.
    """
    notice = reading.read(content)
    key = hashlib.sha256(f"{notice.origin_id}\n{notice.origin_inbox}\n{notice.id}".encode()).hexdigest()
    kept = Received.objects.filter(key=key).values_list("uid", flat=True).first()
    if kept:
        return str(kept)
    partner = Partner.objects.filter(origin_id=notice.origin_id, inbox=notice.origin_inbox).first()
    _refuse_more(partner)
    try:
        with transaction.atomic():
            row = Received.objects.create(
                key=key,
                notice_id=notice.id,
                origin_id=notice.origin_id,
                origin_inbox=notice.origin_inbox,
                partner=partner,
                pattern=notice.pattern,
                state="quarantined",
                body=notice.body,
                received_at=clock.now(),
            )
            if partner is not None:
                act(row, partner, notice)
            _note(row)
    except IntegrityError:  # the same one came twice at once
        return str(Received.objects.values_list("uid", flat=True).get(key=key))
    return row.uid


def _refuse_more(partner: Partner | None) -> None:
    if partner is None:
        count = Received.objects.filter(state="quarantined", partner=None)[:_MOST_QUARANTINED].count()
        is_full = count >= _MOST_QUARANTINED
    else:
        waiting = partner.received.filter(state__in=("proposed", "offered", "unmatched", "quarantined"))
        is_full = waiting[:_MOST_OPEN].count() >= _MOST_OPEN
    if is_full:
        raise InboxFullError


def _note(row: Received) -> None:
    """What came is a run; the words of the sender stay in the room, where they can be thrown away."""
    dataset_id, links = "", [runs.Link("out", "notice", row.uid, row.pattern)]
    if row.publication_id:
        card = publication.get_publication(SYSTEM, row.publication_id)
        dataset_id = card.dataset_id
        links.append(runs.Link("in", "publication", card.id, card.place))
    said = {"pattern": row.pattern, "state": row.state, "partner": row.partner.name if row.partner else ""}
    runs.record(SYSTEM, "notice_received", dataset_id=dataset_id, parameters=said, links=links)


def act(row: Received, partner: Partner, notice: Notice) -> None:
    """Do what a notice of a partner asks for; in the running transaction."""
    right = _RIGHT_OF.get(notice.pattern)
    row.partner = partner
    if right and right not in partner.may:
        row.state = "quarantined"  # known, but not for this
    elif notice.pattern == "undo":
        row.state = _take_back(partner, notice)
    elif notice.pattern in _OF_ANSWERS:
        row.state = _follow(row, partner, notice, _OF_ANSWERS[notice.pattern])
    else:
        _take_in(row, partner, notice)
    row.save()


def _take_in(row: Received, partner: Partner, notice: Notice) -> None:
    found: Meaning = meaning_of(notice)
    row.publication_id, row.relation = found.publication_id, found.relation
    row.address, row.said_relation = found.address, found.said
    if notice.in_reply_to and notice.pattern.startswith("announce"):
        _follow(row, partner, notice, "announced")
    if notice.pattern in PROPOSING:
        if row.answers is not None and not row.address:
            _from_offer(row, notice)
        row.state = "proposed" if row.publication_id and row.address else "unmatched"
    elif not row.publication_id:
        row.state = "unmatched"
    else:
        row.state = "offered" if notice.pattern.startswith("offer") else "noted"


def _from_offer(row: Received, notice: Notice) -> None:
    """What answers our offer may name its subject by that alone."""
    row.address = next((one for one in notice.object if one.startswith(("https://", "http://"))), "")
    row.relation = "isReferencedBy" if notice.pattern == "announce-relationship" else "isReviewedBy"


def _follow(row: Received, partner: Partner, notice: Notice, exchange: str) -> str:
    """Move our own offer on; its id is known to the partner alone."""
    offer = Sent.objects.select_for_update().filter(partner=partner, notice_id=notice.in_reply_to).first()
    if offer is None or not offer.exchange:
        return "unmatched"
    row.answers = offer
    row.publication_id = row.publication_id or offer.publication_id
    if offer.exchange not in _SETTLED or exchange == "announced":
        offer.exchange, offer.said = exchange, notice.said
        offer.save(update_fields=["exchange", "said"])
    return "noted"


def _take_back(partner: Partner, notice: Notice) -> str:
    offers = partner.received.select_for_update().filter(notice_id=notice.in_reply_to)
    offer = offers.filter(state__in=("offered", "answered", "proposed", "unmatched", "quarantined")).first()
    if offer is None:
        return "unmatched"  # what was accepted stands in the record, and a person takes it out
    offer.state = "undone"
    offer.save(update_fields=["state"])
    return "noted"
