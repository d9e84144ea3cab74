"""Inboxes of a project: what lies unsorted, what the node proposes, and decisions about many files."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status
from pydantic import Field

from tsunagu.core.errors import InvalidInputError
from tsunagu.data.unsorted import api as unsorted
from tsunagu.doors.rest.openapi import Input
from tsunagu.doors.who import actor_of, require_actor

router = Router(tags=["unsorted"])
_MOST_LISTED = 200
_MOST_DECISIONS = 50
_MOST_PICKED = 20_000


class Narrow(Schema):
    """Which files: those that have all of the named values. ``by``: what groups have in common."""

    by: str = "folder"
    inbox: str | None = None
    folder: str | None = None
    format: str | None = None
    instrument: str | None = None
    month: str | None = None
    kind: str | None = None


class FileNarrow(Narrow):
    """The same, with the page of the list."""

    after: str = ""
    limit: int = _MOST_LISTED


class NewInbox(Input):
    """What lies in it: the name of a disk or folder, say; empty: the project's own inbox."""

    name: str = ""


class InboxRow(Schema):
    """An inbox is a dataset: files are pushed into it as into any other. ``file_count``: what lies there already."""

    project: str
    name: str
    title: str
    file_count: int


class GroupRow(Schema):
    """Files that have the same value; ``kinds``: duplicate, scan, unreadable, data, waiting -> how many."""

    inbox: str
    value: str
    file_count: int
    byte_count: int
    kinds: dict[str, int]


class Unsorted(Schema):
    """What lies unsorted; ``is_cut``: there are more files than are looked at once. ``left_count``: with a note."""

    inboxes: list[str]
    file_count: int
    byte_count: int
    left_count: int
    is_cut: bool
    groups: list[GroupRow]


class UnsortedFile(Schema):
    """A file and what the node sees of it."""

    inbox: str
    path: str
    byte_count: int
    sha256: str
    folder: str
    format: str
    instrument: str
    day: str
    kind: str
    same_as: str
    note: str


class UnsortedFileList(Schema):
    """Files by inbox and path; ``next`` is the ``after`` of the next page."""

    files: list[UnsortedFile]
    next: str | None = None


class SortingProposal(Schema):
    """Files that look like one dataset: what all share is the evidence."""

    key: str
    inbox: str
    name: str
    folder: str
    instrument: str
    week: str
    file_count: int
    byte_count: int
    formats: list[str]


class SortingProposalList(Schema):
    """Proposals of the node; nothing happens until somebody accepts."""

    proposals: list[SortingProposal]


class Accept(Input):
    """Keys of proposals, and other names than the proposed ones."""

    keys: list[str] = Field(max_length=1000)
    names: dict[str, str] = Field(default_factory=dict)


class NewDecision(Input):
    """What is to become of files; ``verdict``: make, add, negative, duplicate, remove or leave.

    A path that ends with ``/`` is a folder. ``told``: negative_tried, negative_expected, negative_outcome, negative_reason.
    """

    inbox: str
    paths: list[str] = Field(max_length=_MOST_PICKED)
    verdict: str
    target: str = ""
    title: str = ""
    note: str = ""
    told: dict[str, str] = Field(default_factory=dict)


class SortingDecision(Schema):
    """A decision; ``state``: open, done or failed, with a reason."""

    id: str
    inbox: str
    verdict: str
    target: str
    note: str
    file_count: int
    byte_count: int
    state: str
    reason: str
    run: str
    by: str
    made_at: str


class SortingDecisionList(Schema):
    """Decisions, newest first; ``next`` is the ``after`` of the next page."""

    decisions: list[SortingDecision]
    next: str | None = None


def _filters(narrow: Narrow) -> dict[str, str]:
    named = narrow.dict(exclude={"by", "after", "limit"})
    return {name: value for name, value in named.items() if value is not None}


@router.get("/projects/{project}/unsorted", response=Unsorted)
def overview(request: HttpRequest, project: str, narrow: Query[Narrow]) -> Any:
    """What lies unsorted in a project, in groups."""
    if narrow.by not in unsorted.DIMENSIONS:
        raise InvalidInputError(f"Groups are made by {', '.join(unsorted.DIMENSIONS)}.")
    pile = unsorted.pile(actor_of(request), project)
    items = unsorted.narrowed(pile.items, _filters(narrow))
    return {
        "inboxes": pile.inboxes,
        "file_count": len(items),
        "byte_count": sum(item.byte_count for item in items),
        "left_count": len(pile.left),
        "is_cut": pile.is_cut,
        "groups": [asdict(one) for one in unsorted.groups(items, narrow.by)],
    }


@router.post("/projects/{project}/unsorted", response={201: InboxRow})
def open_inbox(request: HttpRequest, project: str, body: NewInbox) -> Any:
    """The inbox of a name; it is made if it is not there."""
    card = unsorted.open_inbox(require_actor(request), project, body.name)
    row = {
        "project": card.project,
        "name": card.name,
        "title": card.title,
        "file_count": card.file_count,
    }
    return Status(201, row)


@router.get("/projects/{project}/unsorted/files", response=UnsortedFileList)
def files(request: HttpRequest, project: str, narrow: Query[FileNarrow]) -> Any:
    """Unsorted files by inbox and path, those with a note among them."""
    pile = unsorted.pile(actor_of(request), project)
    found = unsorted.narrowed([*pile.items, *pile.left], _filters(narrow))
    ordered = sorted(found, key=lambda item: (item.inbox, item.path))
    inbox, _slash, path = narrow.after.partition("/")
    rest = [item for item in ordered if (item.inbox, item.path) > (inbox, path)]
    limit = max(1, min(narrow.limit, _MOST_LISTED))
    shown = rest[:limit]
    return {
        "files": [asdict(item) for item in shown],
        "next": f"{shown[-1].inbox}/{shown[-1].path}" if len(rest) > limit else None,
    }


@router.get("/projects/{project}/unsorted/proposals", response=SortingProposalList)
def proposals(request: HttpRequest, project: str) -> Any:
    """Sets of files that look like one dataset each."""
    pile = unsorted.pile(actor_of(request), project)
    return {"proposals": [asdict(one) for one in unsorted.proposals(pile.items)]}


@router.post("/projects/{project}/unsorted/proposals", response={202: SortingDecisionList})
def accept(request: HttpRequest, project: str, body: Accept) -> Any:
    """Accept proposals in bulk: each becomes a dataset."""
    made = unsorted.accept(require_actor(request), project, body.keys, names=body.names)
    return Status(202, {"decisions": [asdict(one) for one in made]})


@router.get("/projects/{project}/unsorted/decisions", response=SortingDecisionList)
def decisions(request: HttpRequest, project: str, after: str = "", limit: int = _MOST_DECISIONS) -> Any:
    """What was decided, and what became of it."""
    limit = max(1, min(limit, _MOST_DECISIONS))
    found = unsorted.decisions(actor_of(request), project, after=after, limit=limit + 1)
    shown = found[:limit]
    return {
        "decisions": [asdict(one) for one in shown],
        "next": shown[-1].id if len(found) > limit else None,
    }


@router.post("/projects/{project}/unsorted/decisions", response={202: SortingDecision})
def decide(request: HttpRequest, project: str, body: NewDecision) -> Any:
    """Decide about many files at once; carried out in the background."""
    wish = unsorted.Wish(body.verdict, body.target, title=body.title, note=body.note, told=dict(body.told))
    made = unsorted.decide(require_actor(request), project, body.inbox, body.paths, wish)
    return Status(202, asdict(made))
