"""Something that happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal


class Outcome(StrEnum):
    """How a run ended. A failed run is data."""

    OK = "ok"
    FAILED = "failed"
    ABORTED = "aborted"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True)
class Link:
    """An entity that a run used or made (W3C PROV: used, wasGeneratedBy).

    Attributes:
        direction: ``in`` or ``out``.
        kind: ``dataset``, ``version``, ``files``, ``extraction``, ``value`` ...
        id: Its id in the room that owns it.
        label: What people call it.
    """

    direction: Literal["in", "out"]
    kind: str
    id: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """A run of an experiment that did not end well: how, and why."""

    id: str
    kind: str
    outcome: str
    reason: str
    ended_at: str


@dataclass(frozen=True, slots=True)
class RunCard:
    """A run as others see it.

    Attributes:
        agent: The program that acted for the actor; empty for the actor's own hand.
    """

    id: str
    kind: str
    outcome: str
    reason: str
    actor_kind: str
    actor_id: str
    actor_name: str
    dataset_id: str
    started_at: str
    ended_at: str | None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    software: Mapping[str, Any] = field(default_factory=dict)
    links: tuple[Link, ...] = ()
    agent: str = ""

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self.ended_at is None
