"""What the room hands out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ValueCard:
    """A value in the description of a dataset with its origin."""

    name: str
    value: Any
    unit: str
    origin: Mapping[str, Any]
    run_id: str
    set_at: str


@dataclass(frozen=True, slots=True)
class ProposalCard:
    """A value that a machine proposes."""

    id: str
    name: str
    value: Any
    unit: str
    confidence: float
    rule: str
    state: str
    evidence: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class ReadingCard:
    """What a reader said of a file, without its fields."""

    id: str
    sha256: bytes
    path: str
    reader: str | None
    reader_version: str
    status: str
    reason: str
    reason_code: str
    previews: Sequence[Mapping[str, Any]]
    run_id: str
    made_at: str


@dataclass(frozen=True, slots=True)
class FactSummary:
    """A normalised field over the files of a dataset.

    Attributes:
        values: The most frequent values (text, how many files), at most five.
        low, high: Range of numbers, when they are numbers.
        example: Path of one file that says so, and the key in it.
    """

    name: str
    unit: str
    file_count: int
    values: tuple[tuple[str, int], ...]
    low: float | None = None
    high: float | None = None
    example: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MappingCard:
    """The node's mapping text with who wrote it."""

    text: str
    version: str
    note: str
    written_by: str
    written_at: str


@dataclass(frozen=True, slots=True)
class ReadingProgress:
    """How far the readers are with the files of a dataset.

    Attributes:
        is_running: Whether reading still waits or goes on.
        is_again: Whether files that have a reading are being read anew.
        done, total: Files; approximate where one content stands under several paths.
    """

    is_running: bool
    is_again: bool
    done: int
    total: int
