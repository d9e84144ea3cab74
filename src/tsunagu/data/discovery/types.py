"""What the room hands out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tsunagu.foundation.runs.api import Ended


@dataclass(frozen=True, slots=True)
class Marked:
    """A piece of text; ``is_match``: it is what was searched for."""

    text: str
    is_match: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that was found.

    Attributes:
        kind: What it is: ``dataset``, or ``record`` of another repository.
        titles: In the languages there are, each cut into pieces.
        why: Where else the words stand: a piece of the description or of a file that introduces the data.
        sees_draft: Whether what is shown is the draft.
        url: Where a record of another repository leads; empty of our own datasets.
        source: What that repository calls itself.
        doi: Of a record of another repository, bare.
        outcomes: ``negative``, ``failed``, ``aborted``, as far as the asker may know.
        page_path, page: The file and its page on which ``why`` stands; empty and 0 where it stands elsewhere.
    """

    kind: str
    id: str
    project: str
    name: str
    titles: tuple[tuple[Marked, ...], ...]
    why: tuple[Marked, ...]
    creators: tuple[str, ...]
    keywords: tuple[str, ...]
    formats: tuple[str, ...]
    licence: str
    readiness: str
    access: str
    embargo_until: str
    file_count: int
    byte_count: int
    updated_at: str
    sees_draft: bool
    url: str = ""
    source: str = ""
    doi: str = ""
    page_path: str = ""
    page: int = 0
    outcomes: tuple[str, ...] = ()

    @property
    def slug(self) -> str:
        """``project/dataset``."""
        return f"{self.project}/{self.name}"

    @property
    def title(self) -> str:
        """The first title as plain text."""
        return "".join(piece.text for piece in self.titles[0]) if self.titles else ""


@dataclass(frozen=True, slots=True)
class Failure:
    """What was tried and failed.

    Attributes:
        said: What people tell: names of ``description.FAILURE`` and texts.
        runs: Experiments that failed or were aborted; only for those who see the draft.
    """

    said: tuple[tuple[str, Any], ...]
    runs: tuple[Ended, ...]


@dataclass(frozen=True, slots=True)
class Facet:
    """A value of a column and how many of the hits have it."""

    value: str
    count: int
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to a question.

    Attributes:
        total: How many records there are in all.
        after: What continues the list; empty at its end.
        facets: By column, the most frequent first.
        is_loosened: No record has all the words: these have some.
        cut: How many characters of the question were too many.
        is_building: The index is being made; what it does not have yet is missing here.
    """

    hits: tuple[Hit, ...] = ()
    total: int = 0
    after: str = ""
    facets: Mapping[str, tuple[Facet, ...]] = field(default_factory=dict)
    is_loosened: bool = False
    cut: int = 0
    unread: tuple[str, ...] = ()
    is_building: bool = False


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What one could go on typing, and how many records that one may see have it."""

    text: str
    count: int


@dataclass(frozen=True, slots=True)
class SavedCard:
    """A saved search. ``fresh_count``: how many records came since its owner last looked."""

    id: str
    name: str
    query: str
    chosen: Mapping[str, tuple[str, ...]]
    by_mail: bool
    fresh_count: int
    made_at: str
    asked_at: str
