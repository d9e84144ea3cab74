"""What the room hands out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OpenUse:
    """A use that is open.

    Attributes:
        id: Its run.
        opening: Names the process that opened it; its workers report under the same name.
        may_cache: Whether plain bytes may lie on the reader's disk: not those of a sealed dataset.
    """

    id: str
    opening: str
    training: str
    dataset: str
    version: int
    version_hash: str
    may_cache: bool


@dataclass(frozen=True, slots=True)
class Report:
    """What one process has read since it opened the use.

    Attributes:
        reader: Names the process: 8 to 40 letters and digits.
        epochs: How often it went through the data, the one under way included.
        rows: Rows that it delivered.
        bytes: Bytes that it fetched for them.
    """

    reader: str
    epochs: int
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class UseCard:
    """What a training read of one version.

    Attributes:
        epochs: How often the data were gone through at most, the one under way included.
        rows: Rows delivered, by all processes, over all epochs.
        bytes: Bytes fetched for them; what a cache held is not among them.
        outcome: Empty while it is open.
    """

    run: str
    training: str
    dataset: str
    version: int
    version_hash: str
    service: str
    purpose: str
    person: str
    started_at: str
    ended_at: str
    outcome: str
    epochs: int
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class TrainingCard:
    """A training and everything it read, newest first; ``hidden`` counts data that its owner may no longer see."""

    name: str
    uses: tuple[UseCard, ...]
    hidden: int
