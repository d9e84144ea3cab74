"""What the room hands out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tsunagu.foundation.policy.api import Resource


@dataclass(frozen=True, slots=True)
class InstrumentCard:
    """An instrument as its page shows it.

    Attributes:
        state: ``never`` (no agent has reported), ``online`` or ``silent`` (no report for three poll intervals).
        beat: What the agent reported last: queue, oldest_waiting_at, clock_offset_s, errors, unplaced, recent.
    """

    id: str
    name: str
    title: str
    manufacturer: str
    model: str
    serial_number: str
    description: str
    owner_id: str
    state: str
    beat_at: str | None
    config: Mapping[str, Any] = field(default_factory=dict)
    beat: Mapping[str, Any] = field(default_factory=dict)

    @property
    def resource(self) -> Resource:
        """The instrument as rules see it."""
        return Resource("instrument", self.id, owner_id=self.owner_id)
