"""A question as every engine takes it: nothing of people's words and nothing of an engine's own language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from tsunagu.foundation.policy.api import Condition

# Columns of documents that can be counted by value, in the order in which a page shows them.
FACETS = ("project", "format", "licence", "year", "creator", "access", "readiness", "outcome")
TEXTS = ("everything", "title", "creator", "keyword", "project", "value")
NUMBERS = ("updated_s", "year", "byte_count", "file_count")
Sort = Literal["relevance", "newest", "oldest", "largest"]


@dataclass(frozen=True, slots=True)
class Phrase:
    """Tokens side by side in a text field (one of ``TEXTS``); ``is_open``: the last may go on."""

    field: str
    tokens: tuple[str, ...]
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Exactly:
    """A column (one of ``FACETS``, ``kind``) has one of the values, which are folded."""

    column: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Between:
    """A number of the record (one of ``NUMBERS``); both ends belong to it, None is open."""

    column: str
    low: int | None
    high: int | None


@dataclass(frozen=True, slots=True)
class Measured:
    """One of the named values of the record, in the unit of its name, lies in a range; None is open."""

    names: tuple[str, ...]
    low: float | None
    high: float | None
    with_low: bool = True
    with_high: bool = True


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of these holds at least; none at all: nothing is found."""

    parts: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Without:
    """This does not hold."""

    inner: Clause


Clause = Phrase | Exactly | Between | Measured | AnyOf | Without


@dataclass(frozen=True, slots=True)
class Seen:
    """For whom: which datasets are read, which drafts of these, and which are left out until the index has caught up.

    Attributes:
        read: Who may be found at all.
        draft: Whose draft is seen, among those; everybody else's last version stands for them.
        hidden: ULIDs whose rules just changed.
        now_s: The clock, seconds since 1970: embargoes end by it.
    """

    read: Condition
    draft: Condition
    hidden: frozenset[str]
    now_s: int


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of an engine.

    Attributes:
        clauses: All must hold.
        ranked: Phrases that move a record up and keep none out.
        sort: By what.
        skip: How many of the first hits to leave out.
        limit: How many hits to give.
        facets: Columns to count, of ``FACETS``.
    """

    clauses: tuple[Clause, ...]
    ranked: tuple[Phrase, ...] = ()
    sort: Sort = "relevance"
    skip: int = 0
    limit: int = 20
    facets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What an engine found: ULIDs in order, how many there are in all, and what counts by column and value.

    An engine may still be counting: whoever has something else to do asks for ``counts`` last.
    """

    ids: tuple[str, ...] = ()
    total: int = 0
    counts: Callable[[], Mapping[str, list[tuple[str, int]]]] = dict
