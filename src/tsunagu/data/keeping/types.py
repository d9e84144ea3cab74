"""What the room hands out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetentionCard:
    """Until when something is kept.

    Attributes:
        version: 0 for the whole dataset.
        until: RFC 3339, the moment at which it ends.
        last_day: The last day, in the node's time zone.
        source: ``person`` or ``plan``.
    """

    version: int
    until: str
    last_day: str
    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class HoldCard:
    """A legal hold; times RFC 3339, ``lifted_at`` empty while it stands."""

    id: str
    place: str
    reason: str
    placed_by: str
    placed_at: str
    lifted_by: str
    lifted_at: str
    lift_reason: str


@dataclass(frozen=True, slots=True)
class KeepingCard:
    """How a dataset is kept.

    Attributes:
        keep_until: The last of its retentions that is not over, or empty.
        copies: ``off`` (no second store is set), ``waiting``, or ``all``.
        read_since: Every stored object was read again since then; empty: not all of them yet.
    """

    keep_until: str
    retentions: tuple[RetentionCard, ...]
    is_held: bool
    holds: tuple[HoldCard, ...]
    copies: str
    read_since: str


@dataclass(frozen=True, slots=True)
class Handover:
    """What a succession handed over; ULIDs of projects and datasets, and how many guests."""

    run_id: str
    projects: tuple[str, ...]
    datasets: tuple[str, ...]
    guest_count: int
