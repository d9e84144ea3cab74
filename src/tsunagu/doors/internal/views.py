"""The byte server's calls to control: signed with the key that both share, on loopback."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from tsunagu.core import clock
from tsunagu.core.errors import CapabilityRefusedError, NotFoundError, TsunaguError
from tsunagu.data.capture import api as capture
from tsunagu.data.datasets import api as datasets
from tsunagu.doors import counting
from tsunagu.foundation.identity.api import ANONYMOUS, Actor
from tsunagu.foundation.storage import api as storage

_MESSAGE_AGE_S = 120
_PAGE = 2000


def signed(view: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[HttpRequest], HttpResponse]:
    """A view that hears the other processes of this node alone."""

    @csrf_exempt  # no browser comes here, and the signature says who speaks
    @require_POST
    @functools.wraps(view)
    def answer(request: HttpRequest) -> HttpResponse:
        body = request.body
        try:
            if not storage.signer().check_message(body, request.headers.get("Tsunagu-Signature", "")):
                raise CapabilityRefusedError("This message does not come from another process of this node.")
            message = orjson.loads(body)
            if abs(clock.epoch_s() - message.get("at", 0)) > _MESSAGE_AGE_S:
                raise CapabilityRefusedError("This message is too old.")
            return HttpResponse(orjson.dumps(view(message)), content_type="application/json")
        except TsunaguError as error:
            return HttpResponse(
                orjson.dumps(error.as_problem()), content_type="application/problem+json", status=error.status
            )

    return answer


@signed
def commit(message: dict[str, Any]) -> dict[str, Any]:
    """Write down files that are durable now."""
    place = message["object"]
    return capture.commit_arrival(
        capture.Arrival(
            run=message["run"],
            dataset_id=message["dataset"],
            unit=message["unit"],
            key=place["key"],
            byte_count=place["size"],
            kind=place["kind"],
            files=message["files"],
            domain=place.get("domain", ""),
        )
    )


@signed
def staged(message: dict[str, Any]) -> dict[str, Any]:
    """Let a durable object wait until a commit names it; says which object waits for this unit."""
    place = message["object"]
    new = storage.NewObject(place["key"], place["size"], "file", message["unit"], place.get("domain", ""))
    kind, actor_id, token_id = message["who"]
    sha256, byte_count = bytes.fromhex(message["sha256"]), message["bytes"]
    arrival = capture.StagedArrival(message["dataset"], (kind, actor_id, token_id), new, sha256, byte_count)
    return {"key": capture.stage_arrival(arrival)}


@signed
def known(message: dict[str, Any]) -> dict[str, Any]:
    """Which contents a sender need not send: SHA-256 and size."""
    kind, actor_id, token_id = message["who"]
    hashes = [bytes.fromhex(sha256) for sha256 in message["hashes"]]
    found = capture.known_to(message["dataset"], (kind, actor_id, token_id), message["domain"], hashes)
    return {"known": {sha256.hex(): size for sha256, size in found.items()}}


@signed
def listing(message: dict[str, Any]) -> dict[str, Any]:
    """A page of the content of a ``list`` capability, with places; the rules are asked for every page."""
    claims = storage.signer().read(message["capability"], "list")
    kind, name = claims.get("who", ["anonymous", ""])
    actor = Actor(kind, name, "") if kind != "anonymous" else ANONYMOUS
    card = datasets.get_dataset_by_id(actor, claims["ds"])
    page = datasets.list_files(
        actor, card, version=claims["v"], prefix=claims["pre"], after=message.get("after", ""), limit=_PAGE
    )
    if not message.get("after"):
        counting.fetched_archive(actor, card.slug, claims["v"], message["capability"])
    places = storage.locate((file.sha256 for file in page.files), card.domains)
    hidden = storage.hidden_keys(places.values())
    rows = []
    for file in page.files:
        place = places.get(file.sha256)
        if place is None:
            raise NotFoundError(f"The bytes of {file.path} are not in the store.", path=file.path)
        rows.append(
            [file.path, file.byte_count, file.sha256.hex(), place.key, place.offset, hidden[place.key]]
        )
    return {"files": rows, "next": page.after or None}
