"""What people make of notices: let one through, throw it away, accept or refuse what it proposes."""

from __future__ import annotations

from django.db import transaction

from tsunagu.core import clock
from tsunagu.data.notices import reading, receiving
from tsunagu.data.notices.errors import NoSuchNoticeError, NoticeStateError
from tsunagu.data.notices.models import Partner, Received
from tsunagu.data.notices.selectors import card_of
from tsunagu.data.notices.types import NoticeCard
from tsunagu.data.publication import api as publication
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

_VERDICTS = {"accept": "accepted", "reject": "rejected", "reopen": "proposed"}


def held(actor: Actor, key: str) -> Received:
    """A notice about a publication that the actor tends, locked.

    Raises:
        NoSuchNoticeError: there is none, or the actor may not see it.
        ActionDeniedError: the actor sees the publication and may not decide.
    """
    row = Received.objects.select_for_update(of=("self",)).filter(pk=key).select_related("partner").first()
    if row is None or not row.publication_id:
        raise NoSuchNoticeError
    try:
        publication.require_tending(actor, row.publication_id)
    except publication.NoPublicationError as error:
        raise NoSuchNoticeError from error
    return row


@transaction.atomic
def decide(actor: Actor, key: str, verdict: str, *, relation: str = "") -> NoticeCard:
    """Accept what a notice proposes, reject it, or open it again; what was accepted leaves the record then.

    Args:
        actor: A curator of the publication, or who may ask for it.
        key: ULID.
        verdict: ``accept``, ``reject`` or ``reopen``.
        relation: Another word than the proposed one, when accepting.

    Raises:
        NoSuchNoticeError, ActionDeniedError: as for ``held``.
        NoticeStateError: it proposes nothing, or the publication is not public any more.
        BadRequestError: the relation cannot be.
    """
    publication.take_turn()  # of two that say the same, the one reopened last takes it out of the record
    row = held(actor, key)
    if verdict not in _VERDICTS or row.state not in _VERDICTS.values():
        raise NoticeStateError(f"The notice is {row.state}.", state=row.state)
    wanted = _VERDICTS[verdict]
    if row.state == wanted:
        return card_of(row)
    if row.state == "accepted":
        shared = Received.objects.filter(
            publication_id=row.publication_id, relation=row.relation, address=row.address, state="accepted"
        )
        if not shared.exclude(pk=row.pk).exists():  # another notice may have said the same
            publication.unrelate(actor, row.publication_id, row.relation, row.address)
    if wanted == "accepted":
        row.relation = relation or row.relation
        source = row.partner.name if row.partner else row.origin_id
        publication.relate(actor, row.publication_id, row.relation, row.address, source)
    row.state, row.decided_by, row.decided_at = wanted, actor.id, clock.now()
    row.save()
    note(actor, row, f"notice_{verdict}")
    return card_of(row)


def note(actor: Actor, row: Received, kind: str) -> None:
    """Write down that somebody decided."""
    links, dataset_id = [runs.Link("in", "notice", row.uid, row.pattern)], ""
    if row.publication_id:
        card = publication.get_publication(actor, row.publication_id)
        dataset_id = card.dataset_id
        links.append(runs.Link("out", "publication", card.id, card.place))
    said = {"state": row.state, "relation": row.relation}
    runs.record(actor, kind, dataset_id=dataset_id, parameters=said, links=links)


def _quarantined(actor: Actor, key: str) -> Received:
    policy.require(actor, "node.admin", policy.NODE)
    row = Received.objects.select_for_update(of=("self",)).filter(pk=key).first()
    if row is None:
        raise NoSuchNoticeError
    if row.state not in {"quarantined", "unmatched"}:
        raise NoticeStateError(f"The notice is {row.state}.", state=row.state)
    return row


@transaction.atomic
def let_through(actor: Actor, key: str) -> NoticeCard:
    """Have a notice acted on that was held, once its sender is a partner that may say such things.

    Raises:
        ActionDeniedError: the actor does not administer the node.
        NoSuchNoticeError: there is none.
        NoticeStateError: it is not held, or its sender is no partner, or may not do this.
    """
    row = _quarantined(actor, key)
    partner = Partner.objects.filter(origin_id=row.origin_id, inbox=row.origin_inbox).first()
    if partner is None:
        raise NoticeStateError(
            "The sender is no partner service.",
            remedy="Take the service up first, with this origin and inbox.",
            state=row.state,
        )
    receiving.act(row, partner, reading.read_kept(row.body))
    if row.state == "quarantined":
        raise NoticeStateError(
            "The service may not do this.", remedy="Give it the right first.", state=row.state
        )
    row.decided_by, row.decided_at = actor.id, clock.now()
    row.save()
    runs.record(
        actor,
        "notice_let_through",
        parameters={"state": row.state, "partner": partner.name},
        links=[runs.Link("in", "notice", row.uid, row.pattern)],
    )
    return card_of(row)


@transaction.atomic
def throw_away(actor: Actor, key: str) -> None:
    """Throw a held notice away. Raises ActionDeniedError, NoSuchNoticeError, NoticeStateError as ``let_through``."""
    row = _quarantined(actor, key)
    runs.record(
        actor,
        "notice_thrown_away",
        parameters={"pattern": row.pattern},
        links=[runs.Link("in", "notice", row.uid, row.pattern)],
    )
    row.delete()
