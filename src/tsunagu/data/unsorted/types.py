"""What the room hands out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

VERDICTS = ("make", "add", "negative", "duplicate", "remove", "leave")
WITH_TARGET = ("make", "add", "negative")
DIMENSIONS = ("folder", "format", "instrument", "month", "kind")
KINDS = ("duplicate", "scan", "unreadable", "data", "waiting")


@dataclass(frozen=True, slots=True)
class Item:
    """An unsorted file and what the node sees of it.

    Attributes:
        inbox: Name of the dataset in which it lies.
        folder: Where it lay, two folders deep; empty: at the top.
        format: The reader that knows it, else the ending of its name.
        instrument: What the file says; empty when it does not.
        day: When it was measured, as YYYY-MM-DD; empty when the file does not say.
        kind: ``duplicate`` (the same bytes stand at ``same_as``), ``scan`` (pages of paper), ``unreadable``, ``data``, or
            ``waiting`` (not read yet).
        note: Why somebody left it here; empty: nobody has decided.
    """

    inbox: str
    path: str
    byte_count: int
    sha256: str
    folder: str
    format: str
    instrument: str
    day: str
    kind: str
    same_as: str = ""
    note: str = ""

    @property
    def month(self) -> str:
        """YYYY-MM, or empty."""
        return self.day[:7]

    def value(self, dimension: str) -> str:
        """What it counts as under one of ``DIMENSIONS``."""
        return str(getattr(self, dimension))


@dataclass(frozen=True, slots=True)
class Group:
    """Files that have the same value under a dimension."""

    inbox: str
    value: str
    file_count: int
    byte_count: int
    kinds: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Proposal:
    """Files that look like one dataset.

    Attributes:
        key: Names it; another set of files has another key.
        name: A name for the dataset.
        folder, instrument, week: The evidence: what all of them share; a week as YYYY-Www, empty where files do not say.
    """

    key: str
    inbox: str
    name: str
    folder: str
    instrument: str
    week: str
    file_count: int
    byte_count: int
    formats: tuple[str, ...]
    paths: tuple[str, ...] = field(repr=False, default=())


@dataclass(frozen=True, slots=True)
class Pile:
    """What lies unsorted in a project.

    Attributes:
        items: Those that were looked at, without what was left with a note.
        is_cut: There are more files than are looked at once.
    """

    inboxes: tuple[str, ...]
    items: tuple[Item, ...]
    left: tuple[Item, ...]
    is_cut: bool


@dataclass(frozen=True, slots=True)
class DecisionCard:
    """A decision and what became of it. Moments: RFC 3339.

    Attributes:
        state: ``open`` (being carried out), ``done`` or ``failed`` with a reason; a reason with ``done`` says what was left.
        target: ``PROJECT/DATASET``, where there is one.
    """

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
