"""The Japanese common metadata items of datasets."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from tsunagu.data.common_items import api as common_items
from tsunagu.data.datasets import api as datasets
from tsunagu.doors.rest.openapi import Input
from tsunagu.doors.who import actor_of, require_actor

router = Router(tags=["common items"])


class ItemValue(Schema):
    """An input of an item; `origin`: person, plan, institution, proposal, or node where nobody writes it."""

    name: str
    language: str
    value: str
    words: dict[str, str]
    origin: str
    proposed: str
    proposed_by: str


class CommonItemRow(Schema):
    """An item with its official name."""

    key: str
    label: dict[str, str]
    is_required: bool
    is_missing: bool
    remedy: dict[str, str]
    values: list[ItemValue]


class ItemTable(Schema):
    """Lines with the official names as their header."""

    header: list[str]
    rows: list[list[Any]]


class ItemSheet(Schema):
    """The items of a version; `missing`: keys of required items that are empty."""

    place: str
    version: int
    is_draft: bool
    missing: list[str]
    items: list[CommonItemRow]
    table: ItemTable


class ItemWish(Input):
    """Values by name, an empty one removes; `accept`: names whose proposed values are taken over."""

    values: dict[str, str] = Field(default_factory=dict)
    accept: list[str] = Field(default_factory=list)


@router.get("/datasets/{project}/{dataset}/common-items", response=ItemSheet)
def read_items(request: HttpRequest, project: str, dataset: str, version: int | None = None) -> Any:
    """The items of the draft, or of a version, with what is proposed and what is missing; for those who see the draft."""
    actor = actor_of(request)
    card = datasets.get_dataset(actor, project, dataset)
    return _answer(common_items.sheet_of(actor, card, version=version))


@router.put("/datasets/{project}/{dataset}/common-items", response=ItemSheet)
def write_items(request: HttpRequest, project: str, dataset: str, body: ItemWish) -> Any:
    """Set values of items, or take proposed ones over."""
    actor = require_actor(request)
    card = datasets.get_dataset(actor, project, dataset)
    offered = common_items.offered(
        actor, card, body.accept
    )  # before anything is written: what is refused changes nothing
    common_items.write(actor, card, body.values)
    common_items.accept(actor, card, offered)
    return _answer(common_items.sheet_of(actor, datasets.get_dataset(actor, project, dataset)))


@router.get("/projects/{project}/common-items", response=ItemTable)
def project_items(request: HttpRequest, project: str) -> Any:
    """The items of every dataset of a project whose draft you see, as lines with the official names."""
    actor = actor_of(request)
    found = common_items.sheets_of(actor, datasets.get_project(actor, project))
    return {"header": common_items.header(), "rows": list(common_items.rows(found))}


def _answer(sheet: common_items.Sheet) -> dict[str, Any]:
    table = {"header": common_items.header(), "rows": list(common_items.rows([sheet]))}
    return {**common_items.as_json(sheet), "table": table}
