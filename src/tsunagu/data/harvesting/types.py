"""What the room shows."""

from __future__ import annotations

from dataclasses import dataclass

from tsunagu.standards.api import PublicRecord


@dataclass(frozen=True, slots=True)
class SourceCard:
    """A source as administrators see it. Moments: RFC 3339.

    Attributes:
        prefix: The form in which its records are asked for.
        deletions: ``persistent``, ``transient`` or ``no``: whether it says what it withdrew.
        state: ``waiting``, ``idle``, ``failed`` or ``paused``.
        reason: Why it failed, or waits.
        seen_count: Records of the round under way, or of the last one.
        announced_count: How many the source said there would be; 0: it did not say.
        record_count: Records that are kept, withdrawn ones not among them.
        problem_count: Of these, those that could not be read.
    """

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


@dataclass(frozen=True, slots=True)
class FoundRecord:
    """A record as an index and a list of hits take it.

    Attributes:
        id: Here.
        source: What the repository calls itself.
        changed_s: When it changed at the source, seconds since 1970; here, where the source does not say.
    """

    id: int
    source: str
    record: PublicRecord
    changed_s: int


@dataclass(frozen=True, slots=True)
class RecordCard:
    """A record of a source, without its content.

    Attributes:
        id: Here.
        identifier: At the source.
        problem: Why it could not be read; empty when it could.
        same_doi: Names of other sources that gave a record with the same DOI.
    """

    id: int
    identifier: str
    datestamp: str
    is_deleted: bool
    sets: tuple[str, ...]
    title: str
    doi: str
    problem: str
    changed_at: str
    same_doi: tuple[str, ...] = ()
