"""What the room hands out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tsunagu.compute.jobs.api import Amounts, Limits, State
from tsunagu.compute.partners.api import OfferCard


@dataclass(frozen=True, slots=True)
class GuestCard:
    """A run of another node as this one's administrators see it.

    Attributes:
        asker: Who asked, as the partner says.
        code: ``ok``, or why it did not succeed; ``sentence`` says the same in words.
        cpu_s: Used, or reserved while it is open; so for the other two.
        account: What the wrapper measured, and the hash of its signed result; ``signature`` is this node's over it.
    """

    run: str
    offer_id: str
    partner: str
    partner_run: str
    asker: str
    executor: str
    state: State
    code: str
    sentence: str
    limits: Limits
    cpu_s: float
    memory_gb_h: float
    output_bytes: int
    asked_at: str
    started_at: str | None
    ended_at: str | None
    is_ending: bool
    account: Mapping[str, Any]
    signature: str

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state.is_over


@dataclass(frozen=True, slots=True)
class Lent:
    """An offer with what its partner used and reserved of it."""

    offer: OfferCard
    used: Amounts
    reserved: Amounts

    @property
    def left(self) -> Amounts:
        """What a new run of the partner may reserve."""
        whole = Amounts(self.offer.cpu_s, self.offer.memory_gb_h, self.offer.output_bytes)
        return whole.left_of(self.used).left_of(self.reserved)
