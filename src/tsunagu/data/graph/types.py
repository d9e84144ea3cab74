"""What the room hands out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Name:
    """A name in a language; empty where nobody said which."""

    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Pid:
    """An identifier of a thing and where it leads; ``url`` may be empty."""

    scheme: str
    value: str
    url: str


@dataclass(frozen=True, slots=True)
class Card:
    """A thing in a list.

    Attributes:
        uid: Its address; 26 characters, the same whenever the graph is made anew.
        names: The most frequent in each language first.
        identifiers: The best first.
    """

    uid: str
    kind: str
    names: tuple[Name, ...]
    identifiers: tuple[Pid, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceCard:
    """Who said it: a repository, a publication or a dataset of this node.

    Attributes:
        url: Where the record leads; empty where it is about several.
        seen_at: When the graph read it last; RFC 3339.
        count: How many of its records.
    """

    label: str
    url: str
    seen_at: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another thing and who says that the two hang together."""

    card: Card
    sources: tuple[SourceCard, ...]
    source_count: int


@dataclass(frozen=True, slots=True)
class Group:
    """The neighbours by one relation.

    Attributes:
        is_from: The thing is the subject: ``thing creator person``; else the object.
        count: Of all of them that the asker may see.
        after: What continues the list; empty at its end.
    """

    relation: str
    is_from: bool
    count: int
    neighbours: tuple[Neighbour, ...]
    after: str = ""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Sources that do not agree; nothing is made one or two because of it.

    Attributes:
        kind: ``identifiers`` (one identifier is given to several things), ``several`` (a thing has two identifiers of a
            scheme of which it has one), ``kinds`` or ``titles``.
        values: What stands against each other.
        others: Things that it is about.
    """

    kind: str
    values: tuple[str, ...]
    others: tuple[Card, ...] = ()
    sources: tuple[SourceCard, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why two things may be one: ``affiliation``, ``work``, ``coauthor`` or ``said``, and its name."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class MergeCard:
    """Two things that may be one, or are since somebody said so.

    Attributes:
        state: ``proposed``, ``accepted``, ``rejected`` or ``undone``.
        decided_by: A name, only for those who may decide.
        left_work: One of the things that the left one made, to tell the two apart.
    """

    id: int
    state: str
    left: Card
    right: Card
    evidence: tuple[Evidence, ...]
    made_at: str
    decided_by: str = ""
    decided_at: str = ""
    run_id: str = ""
    left_work: Card | None = None
    right_work: Card | None = None


@dataclass(frozen=True, slots=True)
class Thing:
    """A thing with everything that its page shows."""

    card: Card
    groups: tuple[Group, ...]
    conflicts: tuple[Conflict, ...]
    merges: tuple[MergeCard, ...]
    sources: tuple[SourceCard, ...]
    source_count: int
