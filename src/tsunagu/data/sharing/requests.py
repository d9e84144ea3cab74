"""Requests for access: ask, answer, withdraw, end.

The asker learns nothing about a dataset that they may not know: the answer to asking is the same whether it exists
or not, and so is their list of requests until an owner answers.
"""

from __future__ import annotations

import datetime as dt

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from tsunagu.core import clock
from tsunagu.core.errors import InvalidInputError, NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.sharing.errors import NoReasonError, TooManyRequestsError
from tsunagu.data.sharing.models import AccessRequest
from tsunagu.data.sharing.services import share
from tsunagu.data.sharing.types import RequestCard
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

ASKABLE_ROLES = ("reader", "editor")
_MOST_OPEN = 20
_LIFETIME = dt.timedelta(days=90)
_LONGEST_TEXT = 4000


def ask(actor: Actor, project: str, dataset: str, *, reason: str, role: str = "reader") -> RequestCard:
    """Ask the owners of a dataset for a role; asking again while the request is open changes its words.

    Args:
        actor: A signed-in person.
        project: Name of the project; it may not exist, the answer is the same.
        dataset: Name of the dataset; the same.
        reason: What for, in words.
        role: ``reader`` or ``editor``.

    Raises:
        NotSignedInError: nobody is signed in.
        NoReasonError: no reason was given.
        InvalidInputError: no such role can be asked for.
        TooManyRequestsError: the asker has very many open requests.
    """
    if actor.kind != "person":
        raise identity.NotSignedInError
    policy.require_verb(actor, "write")
    if not reason.strip():
        raise NoReasonError
    if role not in ASKABLE_ROLES:
        raise InvalidInputError(f"{role!r} cannot be asked for.", remedy="Ask to be reader or editor.")
    name = f"{project}/{dataset}"[:201]
    dataset_id = datasets.find_dataset(project, dataset) or ""
    mine = AccessRequest.objects.filter(asker_id=actor.id, state="open")
    with transaction.atomic():
        row = mine.select_for_update().filter(asked_name=name).first()
        if row is None:
            if mine.count() >= _MOST_OPEN:
                raise TooManyRequestsError
            row = _new_row(actor, name, dataset_id, reason, role)
        row.reason, row.role = reason.strip()[:_LONGEST_TEXT], role
        row.save(update_fields=["reason", "role"])
        _record(actor, "request_access", row)
    return _cards([row])[0]


def _new_row(actor: Actor, name: str, dataset_id: str, reason: str, role: str) -> AccessRequest:
    home = datasets.any_project(name.partition("/")[0]).id if dataset_id else ""
    try:
        with transaction.atomic():
            return AccessRequest.objects.create(
                asked_name=name,
                dataset_id=dataset_id,
                project_id=home,
                asker_id=actor.id,
                role=role,
                reason=reason,
                asked_at=clock.now(),
            )
    except IntegrityError:  # the same form, sent twice at once
        return AccessRequest.objects.get(asker_id=actor.id, asked_name=name, state="open")


def approve(actor: Actor, request_id: str, *, role: str = "", until: str = "", words: str = "") -> None:
    """Give what was asked for, or another role, until a date.

    Raises:
        NotFoundError: there is no such open request for this actor.
        InvalidInputError: no such role, or the end is no date or is past.
    """
    with transaction.atomic():
        row, card = _to_answer(actor, request_id)
        share(actor, card, role=role or row.role, email=row.asker_id, until=until)
        _settle(actor, row, "approved", words)
        _record(actor, "approve_request", row)


def decline(actor: Actor, request_id: str, *, words: str) -> None:
    """Decline with words for the asker.

    Raises:
        NoReasonError: no words were given.
        NotFoundError: there is no such open request for this actor.
    """
    if not words.strip():
        raise NoReasonError
    with transaction.atomic():
        row, _ = _to_answer(actor, request_id)
        _settle(actor, row, "declined", words)
        _record(actor, "decline_request", row)


def withdraw(actor: Actor, request_id: str) -> None:
    """Take one's own request back, or put an answered one out of sight.

    Raises:
        NotFoundError: one has no such request.
    """
    with transaction.atomic():
        mine = AccessRequest.objects.select_for_update().filter(uid=request_id, asker_id=actor.id)
        row = mine.first()
        if row is None or not actor.id:
            raise NotFoundError
        row.is_seen = True
        row.save(update_fields=["is_seen"])
        if row.state == "open":
            _settle(actor, row, "withdrawn", "")
            _record(actor, "withdraw_request", row)


def expire() -> int:
    """End requests that nobody answered in 90 days; returns how many."""
    old = AccessRequest.objects.filter(state="open", asked_at__lt=clock.now() - _LIFETIME)
    count = 0
    for row in old.order_by("pk")[:1000]:
        with transaction.atomic():
            _settle(identity.SYSTEM, row, "expired", "")
            _record(identity.SYSTEM, "expire_request", row)
        count += 1
    return count


def own(actor: Actor, *, limit: int = 50) -> list[RequestCard]:
    """One's own requests that are open, or answered and not put away yet; newest first."""
    if actor.kind != "person":
        return []
    rows = AccessRequest.objects.filter(asker_id=actor.id, is_seen=False).exclude(state="withdrawn")
    return _cards(list(rows.order_by("-pk")[:limit]))


def to_answer(
    actor: Actor, *, dataset: datasets.DatasetCard | None = None, limit: int = 50
) -> list[RequestCard]:
    """Open requests that wait for this actor, oldest first; of one dataset, or of all."""
    if dataset is not None:
        if not policy.decide(actor, "dataset.manage", dataset.resource):
            return []
        return _cards(list(_waiting().filter(dataset_id=dataset.id).order_by("pk")[:limit]))
    projects, single = policy.scopes(actor, "dataset.manage")
    rows = _waiting().filter(Q(project_id__in=projects) | Q(dataset_id__in=single))
    return _cards(list(rows.order_by("pk")[:limit]))


def answered(
    actor: Actor, dataset: datasets.DatasetCard, state: str, *, limit: int = 200
) -> list[RequestCard]:
    """Requests for a dataset that were ``approved`` or ``declined``, newest first; empty for who does not manage it."""
    if not policy.decide(actor, "dataset.manage", dataset.resource):
        return []
    rows = AccessRequest.objects.filter(dataset_id=dataset.id, state=state)
    return _cards(list(rows.order_by("-pk")[:limit]))


def end_of_removed(dataset_id: str) -> int:
    """Decline the open requests for a dataset that was destroyed; returns how many."""
    count = 0
    with transaction.atomic():
        for row in _waiting().select_for_update().filter(dataset_id=dataset_id):
            _settle(
                identity.SYSTEM,
                row,
                "declined",
                "This dataset was removed. / このデータセットは削除されました。",
            )
            _record(identity.SYSTEM, "decline_request", row)
            count += 1
    return count


def _waiting() -> QuerySet[AccessRequest]:
    return AccessRequest.objects.filter(state="open").exclude(dataset_id="")


def _to_answer(actor: Actor, request_id: str) -> tuple[AccessRequest, datasets.DatasetCard]:
    row = _waiting().select_for_update().filter(uid=request_id).first()
    if row is None:
        raise NotFoundError
    card = datasets.get_dataset_by_id(identity.SYSTEM, row.dataset_id)
    if not policy.decide(actor, "dataset.manage", card.resource):
        raise NotFoundError  # who does not manage it must not learn who asks for what
    return row, card


def _settle(actor: Actor, row: AccessRequest, state: str, words: str) -> None:
    row.state, row.answer = state, words.strip()[:_LONGEST_TEXT]
    row.answered_by, row.answered_at = actor.id, clock.now()
    row.save(update_fields=["state", "answer", "answered_by", "answered_at"])


def _record(actor: Actor, what: str, row: AccessRequest) -> None:
    """The words stay in the request's own row: what stands in the ledger can never be taken out."""
    runs.record(
        actor,
        what,
        dataset_id=row.dataset_id,
        parameters={"role": row.role},
        links=[runs.Link("in", "request", row.uid), runs.Link("in", "person", row.asker_id)],
    )


def _cards(rows: list[AccessRequest]) -> list[RequestCard]:
    people = identity.people({row.asker_id for row in rows} | {row.answered_by for row in rows})
    return [
        RequestCard(
            id=row.uid,
            place=row.asked_name,
            asker=people.get(row.asker_id),
            role=row.role,
            reason=row.reason,
            asked_at=clock.isoformat(row.asked_at),
            state=row.state,
            answer=row.answer,
            answered_by=people.get(row.answered_by),
        )
        for row in rows
    ]
