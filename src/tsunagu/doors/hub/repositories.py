"""Repositories as a whole: making, opening, closing and removing them, and checking a card before it is committed."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from tsunagu.core import settings
from tsunagu.core.errors import InvalidInputError, NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.keeping import api as keeping
from tsunagu.doors.hub import card
from tsunagu.doors.hub.answers import (
    NoSuchNamespaceError,
    OneLineError,
    answer,
    read_json,
    writing_door,
)
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy


@writing_door
def create(request: HttpRequest, actor: Actor) -> HttpResponse:
    """``POST /api/repos/create``: a dataset in a project; closed, unless the client says that it is to be public.

    Older clients say ``private``, newer ones ``visibility``; a word that is neither makes nothing public.
    """
    asked = read_json(request)
    if asked.get("type", "model") != "dataset":
        raise InvalidInputError("This node keeps datasets; a model or a space cannot be made here.")
    project, name = str(asked.get("organization") or ""), str(asked.get("name") or "")
    if not project:
        project, _, name = name.rpartition("/")
    is_public = asked.get("visibility") == "public" or (
        "visibility" not in asked and asked.get("private") is False
    )
    address = f"{settings.current().control_address}/datasets/{project}/{name}"
    try:
        made = _make(actor, project, name, is_public=is_public)
    except datasets.NameTakenError as error:
        return answer(
            {"error": str(error), "url": address},
            status=409,
            headers={"X-Error-Message": error.default_message},
        )
    return answer({"url": address, "name": made.slug, "id": made.id})


@transaction.atomic
def _make(actor: Actor, project: str, name: str, *, is_public: bool) -> datasets.DatasetCard:
    try:
        made = datasets.create_dataset(actor, project, name)
    except datasets.DatasetRemovedError:
        raise
    except NotFoundError:
        raise NoSuchNamespaceError(project=project) from None
    if is_public:
        datasets.set_access(actor, made.id, policy.Access.OPEN)
    return made


@writing_door
def delete(request: HttpRequest, actor: Actor) -> HttpResponse:
    """``DELETE /api/repos/delete``: destroy a dataset; retention and holds of the node stand in the way as ever."""
    asked = read_json(request)
    project, name = str(asked.get("organization") or ""), str(asked.get("name") or "")
    found = datasets.get_dataset(actor, project, name)
    client = request.headers.get("User-Agent", "").partition(";")[0][:200]
    keeping.destroy(actor, found, reason=f"Deleted by a client of the Hub: {client or 'unnamed'}")
    return answer({})


@writing_door
def change(request: HttpRequest, actor: Actor, *, project: str, dataset: str) -> HttpResponse:
    """``PUT .../settings``: open or close a dataset; gates come from its terms and are not switched here."""
    found = datasets.get_dataset(actor, project, dataset)
    asked = read_json(request)
    if "gated" in asked:
        raise InvalidInputError(
            "Whether a dataset is gated follows from its access and its terms for use by AI.",
            remedy=f"Change them at {settings.current().control_address}/d/{found.slug}.",
        )
    word = asked.get("visibility") or {True: "private", False: "public"}.get(asked.get("private", ""))
    access = {"public": policy.Access.OPEN, "private": policy.Access.CLOSED}.get(str(word))
    if access is None:
        raise InvalidInputError("A dataset is public or private.")
    datasets.set_access(actor, found.id, access)
    return answer({"visibility": word, "private": word == "private"})


@writing_door
def keep_name(request: HttpRequest, actor: Actor) -> HttpResponse:
    """``POST /api/repos/move``: refused; an address never comes to mean something else."""
    del request, actor
    raise InvalidInputError(
        "A dataset keeps its address: it stands in versions, citations and the ledger.",
        remedy="Make a new dataset, or change the title.",
    )


@writing_door
def keep_line(
    request: HttpRequest, actor: Actor, *, project: str, dataset: str, kind: str, name: str
) -> HttpResponse:
    """Making or removing branches and tags, and squashing: refused; every version keeps its number."""
    del request, kind, name
    datasets.get_dataset(actor, project, dataset)
    raise OneLineError


@writing_door
def validate_card(request: HttpRequest, actor: Actor) -> HttpResponse:
    """``POST /api/validate-yaml``: what is wrong with the head of a README.md, and what will not have an effect."""
    del actor
    asked = read_json(request)
    content = asked.get("content")
    if not isinstance(content, str):
        raise InvalidInputError("The body names no content.")
    errors, warnings = card.faults(content)
    found: dict[str, Any] = {"errors": _said(errors), "warnings": _said(warnings)}
    return answer(found, status=400 if errors else 200)


def _said(messages: list[str]) -> list[dict[str, str]]:
    return [{"message": message} for message in messages]
