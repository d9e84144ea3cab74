"""Searching, suggestions while typing, and saved searches."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status
from pydantic import Field

from tsunagu.data.discovery import api as discovery
from tsunagu.doors.rest.openapi import Input
from tsunagu.doors.who import actor_of, require_actor

router = Router(tags=["search"])


class SearchWish(Schema):
    """What is asked.

    ``q``: words, "phrases", -without, name:value, name:>40kV, name:300K..400K. The lists narrow by a facet: one of each
    list must fit. ``sort``: relevance, newest, oldest or largest. ``after``: ``next`` of the answer before.
    """

    q: str = ""
    sort: str = "relevance"
    after: str = ""
    limit: int = 20
    project: list[str] = Field(default_factory=list)
    format: list[str] = Field(default_factory=list)
    licence: list[str] = Field(default_factory=list)
    year: list[str] = Field(default_factory=list)
    creator: list[str] = Field(default_factory=list)
    access: list[str] = Field(default_factory=list)
    readiness: list[str] = Field(default_factory=list)
    outcome: list[str] = Field(default_factory=list)


class Piece(Schema):
    """A piece of text; ``is_match``: it is what was searched for."""

    text: str
    is_match: bool


class HitRow(Schema):
    """A dataset (``kind`` dataset) or a record of another repository (record, with ``url``, ``source``, ``doi``).

    ``why``: where else the words stand; ``page_path`` and ``page``: the scanned page on which that is.
    ``outcomes``: negative (people tell what was tried and failed), failed, aborted (a run that you may see ended so).
    """

    kind: str
    id: str
    project: str
    name: str
    titles: list[str]
    why: list[Piece]
    creators: list[str]
    keywords: list[str]
    formats: list[str]
    licence: str
    readiness: str
    access: str
    embargo_until: str
    file_count: int
    byte_count: int
    updated_at: str
    url: str
    source: str
    doi: str
    page_path: str
    page: int
    outcomes: list[str]


class FacetRow(Schema):
    """A value and how many of the hits have it."""

    value: str
    count: int


class Results(Schema):
    """What was found; ``is_loosened``: no record has all the words, these have some; ``cut``: letters too many."""

    total: int
    hits: list[HitRow]
    facets: dict[str, list[FacetRow]]
    next: str | None
    is_loosened: bool
    is_building: bool
    cut: int
    unread: list[str]


class SuggestionRow(Schema):
    """What one could go on typing, and how many records have it."""

    text: str
    count: int


class SuggestionList(Schema):
    """Suggestions, the most frequent first."""

    suggestions: list[SuggestionRow]


class SavedRow(Schema):
    """A saved search; ``fresh_count``: what came since its owner last looked."""

    id: str
    name: str
    query: str
    chosen: dict[str, list[str]]
    by_mail: bool
    fresh_count: int
    made_at: str
    asked_at: str


class SavedList(Schema):
    """One's saved searches, newest first."""

    searches: list[SavedRow]


class NewSearch(Input):
    """A search to be saved."""

    query: str = Field(default="", max_length=1000)
    name: str = Field(default="", max_length=200)
    chosen: dict[str, list[str]] = Field(default_factory=dict)
    by_mail: bool = False


@router.get("/search", response=Results)
def search(request: HttpRequest, wish: Query[SearchWish]) -> Any:
    """Find records; hits, counts and facets are of what one may see. Nothing in ``q`` is an error."""
    chosen = {name: getattr(wish, name) for name in discovery.FACETS}
    found = discovery.search(
        actor_of(request), wish.q, chosen=chosen, sort=wish.sort, after=wish.after, limit=wish.limit
    )
    return {**asdict(found), "hits": [hit_row(hit) for hit in found.hits], "next": found.after or None}


@router.get("/search/suggestions", response=SuggestionList)
def suggestions(request: HttpRequest, q: str = "", limit: int = 8) -> Any:
    """Titles, keywords and names that begin so, of records that one may see."""
    found = discovery.suggest(actor_of(request), q, limit=max(1, min(limit, 50)))
    return {"suggestions": [asdict(one) for one in found]}


@router.get("/searches", response=SavedList)
def list_searches(request: HttpRequest) -> Any:
    """One's saved searches."""
    return {"searches": [asdict(one) for one in discovery.list_saved(require_actor(request))]}


@router.post("/searches", response={201: SavedRow})
def save_search(request: HttpRequest, body: NewSearch) -> Any:
    """Save a search: it is asked again every ten minutes, and what is new is counted."""
    actor = require_actor(request)
    made = discovery.save(actor, body.query, name=body.name, chosen=body.chosen, by_mail=body.by_mail)
    return Status(201, asdict(made))


@router.delete("/searches/{search}", response={204: None})
def forget_search(request: HttpRequest, search: str) -> Any:
    """Remove a saved search."""
    discovery.forget(require_actor(request), search)
    return Status(204, None)


def hit_row(hit: discovery.Hit) -> dict[str, Any]:
    """A hit as JSON values; titles as plain text."""
    return {**asdict(hit), "titles": ["".join(piece.text for piece in title) for title in hit.titles]}
