"""The graph: things, what they have to do with each other, and who decides which of them are one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Router, Schema, Status

from tsunagu.data.graph import api as graph
from tsunagu.doors.who import actor_of, require_actor

router = Router(tags=["graph"])
State = Literal["proposed", "accepted", "rejected", "undone"]


class NameRow(Schema):
    """A name; ``language`` is empty where nobody said."""

    text: str
    language: str


class PidRow(Schema):
    """An identifier and where it leads; ``url`` may be empty."""

    scheme: str
    value: str
    url: str


class CardRow(Schema):
    """A thing in a list; ``kind``: article, data, software, project, person, institution, instrument, grant, run or work."""

    uid: str
    kind: str
    names: list[NameRow]
    identifiers: list[PidRow]


class SourceRow(Schema):
    """Who says it in how many records, and when the graph read it last."""

    label: str
    url: str
    seen_at: str
    count: int


class NeighbourRow(Schema):
    """Another thing; ``sources``: the first and the last of the ``source_count`` that say so."""

    card: CardRow
    sources: list[SourceRow]
    source_count: int


class NeighbourGroup(Schema):
    """Neighbours by a relation.

    ``is_from``: the thing is its subject (the thing has this creator), else its object. ``after`` continues the list.
    """

    relation: str
    is_from: bool
    count: int
    neighbours: list[NeighbourRow]
    after: str


class ConflictRow(Schema):
    """Where sources do not agree: identifiers, several (of a scheme of which a thing has one), kinds or titles."""

    kind: str
    values: list[str]
    others: list[CardRow]
    sources: list[SourceRow]


class EvidenceRow(Schema):
    """Why two things may be one: affiliation, work, coauthor or said."""

    kind: str
    text: str


class MergeRow(Schema):
    """Two things that may be one, with a thing that each made; ``state``: proposed, accepted, rejected or undone."""

    id: int
    state: str
    left: CardRow
    right: CardRow
    evidence: list[EvidenceRow]
    made_at: str
    decided_by: str
    decided_at: str
    run_id: str
    left_work: CardRow | None
    right_work: CardRow | None


class ThingRow(Schema):
    """A thing with the first neighbours by each relation. ``card.uid`` is its address now, also if another was asked for."""

    card: CardRow
    groups: list[NeighbourGroup]
    conflicts: list[ConflictRow]
    merges: list[MergeRow]
    sources: list[SourceRow]
    source_count: int


class ThingPage(Schema):
    """Things; ``next`` is the ``after`` of the next page."""

    things: list[CardRow]
    next: str | None


class MergePage(Schema):
    """Proposals or decisions, the oldest first; ``next`` is the ``after`` of the next page."""

    proposals: list[MergeRow]
    next: str | None


class Begun(Schema):
    """The run of the decision."""

    run: str


@router.get("/graph/things", response=ThingPage)
def things(
    request: HttpRequest,
    identifier: str = "",
    name: str = "",
    kind: str = "",
    after: str = "",
    limit: int = 20,
) -> Any:
    """Things by an identifier in any spelling, a whole name, a kind."""
    found, more = graph.find(
        actor_of(request), identifier=identifier, name=name, kind=kind, after=after, limit=limit
    )
    return {"things": [asdict(one) for one in found], "next": more or None}


@router.get("/graph/things/{thing}", response=ThingRow)
def thing(request: HttpRequest, thing: str) -> Any:
    """One thing, with the first neighbours by each relation."""
    return asdict(graph.get_thing(actor_of(request), thing))


@router.get("/graph/things/{thing}/neighbours", response=NeighbourGroup)
def neighbours(
    request: HttpRequest,
    thing: str,
    relation: str = "creator",
    way: Literal["from", "to"] = "from",
    after: str = "",
    limit: int = 50,
) -> Any:
    """The neighbours of a thing by one relation, some at a time; ``way=to``: where the thing is the object."""
    return asdict(
        graph.neighbours(actor_of(request), thing, relation, is_from=way == "from", after=after, limit=limit)
    )


@router.get("/graph/proposals", response=MergePage)
def proposals(request: HttpRequest, state: State = "proposed", after: int = 0, limit: int = 50) -> Any:
    """What may be one thing, for those who decide."""
    found, more = graph.list_merges(require_actor(request), state=state, after=after, limit=limit)
    return {"proposals": [asdict(one) for one in found], "next": str(more) if more else None}


@router.post("/graph/rebuild", response={202: Begun})
def rebuild(request: HttpRequest) -> Any:
    """Have the graph made anew from its sources; it goes on answering meanwhile, and decisions stay."""
    return Status(202, {"run": graph.begin_anew(require_actor(request))})


@router.post("/graph/proposals/{merge}/{decision}", response=MergeRow)
def decide(request: HttpRequest, merge: int, decision: Literal["accept", "reject", "undo"]) -> Any:
    """Accept or reject a proposal, or take either back; a recorded decision."""
    actor = require_actor(request)
    graph.decide(actor, merge, decision)
    return asdict(graph.get_merge(actor, merge))
