"""Requests for access, as clients of the Hub list and answer them; the requests are those of the node's own pages."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from tsunagu.core.errors import InvalidInputError, NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.sharing import api as sharing
from tsunagu.doors.hub.answers import answer, read_json, writing_door
from tsunagu.doors.hub.uploads import writable
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy

_STATES = {"accepted": "approved", "rejected": "declined"}


class NoSuchRequestError(NotFoundError):
    """Nobody of that name waits for an answer."""

    code = "hub.no_such_request"
    default_message = "Nobody of that name is waiting for an answer."


@writing_door
def may_write(request: HttpRequest, actor: Actor, *, project: str, dataset: str) -> HttpResponse:
    """``GET .../auth-check/write``: whether the actor may commit."""
    card = writable(actor, project, dataset, request)
    policy.require(actor, "dataset.freeze", card.resource)
    return answer({})


@writing_door
def requests(request: HttpRequest, actor: Actor, *, project: str, dataset: str, status: str) -> HttpResponse:
    """``GET .../user-access-request/STATUS``: who asked, and why; for whoever manages the dataset."""
    del request
    card = _managed(actor, project, dataset)
    if status == "pending":
        found = sharing.to_answer(actor, dataset=card, limit=200)
    else:
        found = sharing.answered(actor, card, _STATES[status])
    return answer([_row(one, status) for one in found])


@writing_door
def handle(request: HttpRequest, actor: Actor, *, project: str, dataset: str) -> HttpResponse:
    """``POST .../user-access-request/handle``: let somebody in as reader, or decline with words."""
    card = _managed(actor, project, dataset)
    asked = read_json(request)
    name = str(asked.get("requestId") or asked.get("user") or "")
    waiting = sharing.to_answer(actor, dataset=card, limit=1000)
    found = next((one for one in waiting if name and name in _names(one)), None)
    if found is None:
        raise NoSuchRequestError
    if asked.get("status") == "accepted":
        sharing.approve(actor, found.id)
    elif asked.get("status") == "rejected":
        sharing.decline(actor, found.id, words=str(asked.get("rejectionReason") or ""))
    else:
        raise InvalidInputError(
            "A request is accepted or rejected; an answer is not taken back.",
            remedy="Take the role away on the dataset's page of members.",
        )
    return answer({})


@writing_door
def grant(request: HttpRequest, actor: Actor, *, project: str, dataset: str) -> HttpResponse:
    """``POST .../user-access-request/grant``: make somebody a reader who did not ask."""
    card = _managed(actor, project, dataset)
    sharing.share(actor, card, role="reader", email=str(read_json(request).get("user") or ""))
    return answer({})


def _managed(actor: Actor, project: str, dataset: str) -> datasets.DatasetCard:
    card = datasets.get_dataset(actor, project, dataset)
    policy.require(actor, "dataset.manage", card.resource)
    return card


def _names(one: sharing.RequestCard) -> set[str]:
    return {one.id} | ({one.asker.email, one.asker.id} if one.asker else set())


def _row(one: sharing.RequestCard, status: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "requestId": one.id,
        "status": status,
        "timestamp": one.asked_at,
        "fields": {"reason": one.reason, "role": one.role},
    }
    if one.asker:
        found["user"] = {"user": one.asker.email, "fullname": one.asker.name, "email": one.asker.email}
    return found
