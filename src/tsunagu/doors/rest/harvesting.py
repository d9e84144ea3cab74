"""Repositories that are harvested, and what came from them: for administrators."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema, Status

from tsunagu.data.harvesting import api as harvesting
from tsunagu.doors.rest.openapi import Input
from tsunagu.doors.who import require_actor

router = Router(tags=["harvest"])
_MOST_LISTED = 100
_ID = re.compile(r"[0-9]{1,18}")


class NewSource(Input):
    """A repository: the base URL of OAI-PMH, one of its sets, a form (empty: the best), hours between rounds."""

    url: str
    set_spec: str = ""
    prefix: str = ""
    name: str = ""
    every_hours: int = 24


class Source(Schema):
    """A repository and how its harvest stands."""

    name: str
    url: str
    set_spec: str
    prefix: str
    title: str
    contact: str
    deletions: str
    every_hours: int
    state: str
    reason: str
    due_at: str
    ended_at: str
    seen_count: int
    announced_count: int
    record_count: int
    problem_count: int
    deleted_count: int


class SourceList(Schema):
    """Every repository."""

    sources: list[Source]


class Ask(Input):
    """Whether everything is asked for again, and not only what is new."""

    whole: bool = False


class HarvestedRecord(Schema):
    """A record as its source gave it last; ``same_doi``: other sources that gave the same DOI."""

    id: int
    identifier: str
    datestamp: str
    is_deleted: bool
    sets: list[str]
    title: str
    doi: str
    problem: str
    changed_at: str
    same_doi: list[str]


class HarvestedPage(Schema):
    """Records, the newest here first; ``next`` is the ``after`` of the next page."""

    records: list[HarvestedRecord]
    next: str | None = None


@router.get("/harvest/sources", response=SourceList)
def sources(request: HttpRequest) -> Any:
    """Repositories that are harvested."""
    return {"sources": [asdict(one) for one in harvesting.list_sources(require_actor(request))]}


@router.post("/harvest/sources", response={201: Source})
def add(request: HttpRequest, body: NewSource) -> Any:
    """Take up a repository; its first round begins at once."""
    made = harvesting.add(
        require_actor(request),
        body.url,
        set_spec=body.set_spec,
        prefix=body.prefix,
        name=body.name,
        every_hours=body.every_hours,
    )
    harvesting.soon(made.name)
    return Status(201, asdict(made))


@router.get("/harvest/sources/{source}", response=Source)
def source(request: HttpRequest, source: str) -> Any:
    """One repository."""
    return asdict(harvesting.get_source(require_actor(request), source))


@router.post("/harvest/sources/{source}/ask", response=Source)
def ask(request: HttpRequest, source: str, body: Ask) -> Any:
    """Begin a round now, or go on with one that waits."""
    found = harvesting.ask_now(require_actor(request), source, is_whole=body.whole)
    harvesting.soon(found.name)
    return asdict(found)


@router.post("/harvest/sources/{source}/pause", response=Source)
def pause(request: HttpRequest, source: str) -> Any:
    """Ask it no more until somebody says so."""
    return asdict(harvesting.pause(require_actor(request), source))


@router.delete("/harvest/sources/{source}", response={204: None})
def remove(request: HttpRequest, source: str) -> Any:
    """Forget it, and everything that came from it."""
    harvesting.remove(require_actor(request), source)
    return Status(204, None)


@router.get("/harvest/sources/{source}/records", response=HarvestedPage)
def records(
    request: HttpRequest, source: str, problems: str = "false", after: str = "", limit: int = 50
) -> Any:
    """What came from it; ``problems=true``: only what could not be read."""
    limit = max(1, min(limit, _MOST_LISTED))
    found = harvesting.list_records(
        require_actor(request),
        source,
        only_problems=problems == "true",
        after=int(after) if _ID.fullmatch(after) else 0,
        limit=limit + 1,
    )
    shown = found[:limit]
    return {
        "records": [asdict(one) for one in shown],
        "next": str(shown[-1].id) if len(found) > limit else None,
    }


@router.get("/harvest/sources/{source}/records/{record}", response={200: None})
def content(request: HttpRequest, source: str, record: int) -> HttpResponse:
    """The metadata of one record as they came, whatever they are."""
    found, _problem = harvesting.record_content(require_actor(request), source, record)
    return HttpResponse(
        found,
        content_type="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="record-{record}.xml"'},
    )
