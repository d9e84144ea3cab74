"""COAR Notify: partner services, what came, what is sent."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from ninja import Field, Router, Schema, Status

from tsunagu.data.notices import api as notices
from tsunagu.doors.rest.openapi import Input
from tsunagu.doors.who import require_actor

router = Router(tags=["notices"])
_MOST_LISTED = 100


class PartnerWish(Input):
    """A service: what its notices say of it, what it may do, what lives there; ``token`` null: as before."""

    title: str
    origin_id: str
    inbox: str
    may: list[str]
    holds: list[str] = Field(default_factory=list)
    token: str | None = None


class Partner(Schema):
    """A service, and how many notices to it wait or were refused."""

    name: str
    title: str
    origin_id: str
    inbox: str
    may: list[str]
    holds: list[str]
    has_token: bool
    waiting_count: int
    refused_count: int


class PartnerList(Schema):
    """Every service."""

    partners: list[Partner]


class Notice(Schema):
    """A notice that came, and what it would say in the record of a publication."""

    id: str
    notice_id: str
    partner: str
    partner_title: str
    origin_id: str
    origin_inbox: str
    pattern: str
    state: str
    publication: str
    place: str
    number: int
    relation: str
    said_relation: str
    address: str
    actor: str
    received_at: str
    decided_at: str
    body: dict[str, Any]


class NoticePage(Schema):
    """Notices, newest first; ``next`` is the ``after`` of the next page."""

    notices: list[Notice]
    next: str | None = None


class SentNotice(Schema):
    """A notice from here: how its delivery and the exchange stand."""

    id: str
    notice_id: str
    partner: str
    partner_title: str
    pattern: str
    publication: str
    about: str
    state: str
    exchange: str
    said: str
    attempts: int
    last_status: int
    last_error: str
    made_at: str
    done_at: str


class SentList(Schema):
    """What was sent, newest first."""

    sent: list[SentNotice]


class Exchanges(Schema):
    """What came about a publication and what was sent, newest first."""

    notices: list[Notice]
    sent: list[SentNotice]


class Verdict(Input):
    """Another relation than the proposed one, when accepting; empty: as proposed."""

    relation: str = ""


class Offer(Input):
    """To which service a version is offered, for ``review`` or ``endorsement``."""

    partner: str
    kind: str


class Answer(Input):
    """``accept``, ``reject``, ``tentative_accept`` or ``tentative_reject``."""

    answer: str


@router.get("/notices/partners", response=PartnerList)
def partners(request: HttpRequest) -> Any:
    """Services whose notices are acted on; for administrators."""
    return {"partners": [asdict(one) for one in notices.list_partners(require_actor(request))]}


@router.put("/notices/partners/{service}", response=Partner)
def put_partner(request: HttpRequest, service: str, body: PartnerWish) -> Any:
    """Take a service up, or change one; for administrators."""
    return asdict(notices.write(require_actor(request), service, **body.model_dump()))


@router.delete("/notices/partners/{service}", response={204: None})
def remove_partner(request: HttpRequest, service: str) -> Any:
    """Forget a service; what waits for it is not sent."""
    notices.remove(require_actor(request), service)
    return Status(204, None)


@router.get("/notices", response=NoticePage)
def received(request: HttpRequest, state: str = "", after: str = "", limit: int = 50) -> Any:
    """Notices that came: all for administrators, those about their publications for curators.

    ``state=held``: what waits for an administrator.
    """
    limit = max(1, min(limit, _MOST_LISTED))
    found = notices.list_received(require_actor(request), state=state, after=after, limit=limit + 1)
    shown = found[:limit]
    return {
        "notices": [asdict(one) for one in shown],
        "next": shown[-1].id if len(found) > limit else None,
    }


@router.get("/notices/sent", response=SentList)
def list_sent(request: HttpRequest) -> Any:
    """What was sent to services; for administrators."""
    return {"sent": [asdict(one) for one in notices.list_sent(require_actor(request))]}


@router.post("/notices/sent/{sent}/again", response=SentNotice)
def again(request: HttpRequest, sent: str) -> Any:
    """Send again what was refused or given up; for administrators."""
    return asdict(notices.try_again(require_actor(request), sent))


@router.post("/notices/{notice}/verdicts/{verdict}", response=Notice)
def decide(request: HttpRequest, notice: str, verdict: str, body: Verdict) -> Any:
    """``accept``, ``reject`` or ``reopen`` what a notice proposes for the record."""
    return asdict(notices.decide(require_actor(request), notice, verdict, relation=body.relation))


@router.post("/notices/{notice}/answers", response=SentNotice)
def answer(request: HttpRequest, notice: str, body: Answer) -> Any:
    """Answer what a service offered."""
    return asdict(notices.answer(require_actor(request), notice, body.answer))


@router.post("/notices/{notice}/let-through", response=Notice)
def let_through(request: HttpRequest, notice: str) -> Any:
    """Act on a notice that was held, once its sender is a service that may say so; for administrators."""
    return asdict(notices.let_through(require_actor(request), notice))


@router.delete("/notices/{notice}", response={204: None})
def throw_away(request: HttpRequest, notice: str) -> Any:
    """Throw a held notice away; for administrators."""
    notices.throw_away(require_actor(request), notice)
    return Status(204, None)


@router.get("/publications/{publication}/notices", response=Exchanges)
def of_publication(request: HttpRequest, publication: str) -> Any:
    """What came about a publication and what was sent, for those who decide about it."""
    came, went = notices.of_publication(require_actor(request), publication)
    return {"notices": [asdict(one) for one in came], "sent": [asdict(one) for one in went]}


@router.post("/publications/{publication}/offers", response={201: SentNotice})
def offer(request: HttpRequest, publication: str, body: Offer) -> Any:
    """Offer a published version to a service for review or endorsement."""
    made = notices.offer(require_actor(request), publication, body.partner, body.kind)
    return Status(201, asdict(made))
