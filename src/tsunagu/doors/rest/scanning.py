"""Pages of paper: have them read, and their text with places."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import Field

from tsunagu.data.datasets import api as datasets
from tsunagu.data.scans import api as scans
from tsunagu.doors.rest.openapi import Input
from tsunagu.doors.who import actor_of, require_actor

router = Router(tags=["scans"])
_MOST_LISTED = 200


class Wish(Input):
    """Which files; none: every PDF, TIFF, PNG and JPEG of the draft, a thousand at a go. ``again``: also those read before.

    ``after``: with no paths, the ``next`` of the answer before; ask on until there is none.
    """

    paths: list[str] = Field(default_factory=list, max_length=1000)
    again: bool = False
    after: str = ""


class PageReading(Schema):
    """How far the pages of a file are read; ``state``: waiting, reading, done or failed, with a reason."""

    id: str
    path: str
    sha256: str
    state: str
    reason: str
    reason_code: str
    page_count: int
    done_count: int
    text_count: int
    empty_count: int
    unreadable_count: int
    run: str
    asked_at: str
    changed_at: str


class PageReadingList(Schema):
    """Files in the order in which they were asked for; ``next`` is the ``after`` of the next page."""

    readings: list[PageReading]
    next: str | None = None


class PageWord(Schema):
    """A word: its box in pixels of the upright page, how sure it is (0 to 100), and the number of its line."""

    text: str
    left: int
    top: int
    width: int
    height: int
    confidence: int
    line: int


class ScannedPage(Schema):
    """A page; ``status``: text_layer, recognised, empty or unreadable. Sizes in pixels, ``rotation`` in degrees."""

    path: str
    number: int
    page_count: int
    status: str
    reason: str
    reason_code: str
    width: int
    height: int
    dpi: int
    rotation: int
    is_vertical: bool
    confidence: int
    engine: str
    text: str
    words: list[PageWord]


@router.post("/datasets/{project}/{dataset}/page-readings", response={202: PageReadingList})
def start(request: HttpRequest, project: str, dataset: str, body: Wish) -> Any:
    """Have pages read; files that were read or are being read come back as they stand. With ``next``, ask for the rest."""
    actor = require_actor(request)
    card = datasets.get_dataset(actor, project, dataset)
    if body.paths:
        begun, after = scans.start(actor, card, body.paths, again=body.again), ""
    else:
        begun, after = scans.start_some(actor, card, after=body.after, again=body.again)
    return Status(202, {"readings": [asdict(one) for one in begun], "next": after or None})


@router.get("/datasets/{project}/{dataset}/page-readings", response=PageReadingList)
def readings(
    request: HttpRequest, project: str, dataset: str, after: str = "", limit: int = _MOST_LISTED
) -> Any:
    """How far the pages of the dataset's files are read."""
    actor = actor_of(request)
    card = datasets.get_dataset(actor, project, dataset)
    limit = max(1, min(limit, _MOST_LISTED))
    found = scans.list_scans(actor, card, after=after, limit=limit + 1)
    shown = found[:limit]
    return {
        "readings": [asdict(one) for one in shown],
        "next": shown[-1].id if len(found) > limit else None,
    }


@router.get("/datasets/{project}/{dataset}/pages", response=ScannedPage)
def one_page(
    request: HttpRequest,
    project: str,
    dataset: str,
    path: str,
    page: int = 1,
    version: int | None = None,
) -> Any:
    """The text of a page with the place of every word."""
    actor = actor_of(request)
    card = datasets.get_dataset(actor, project, dataset)
    return asdict(scans.page(actor, card, path, page, version=version))
