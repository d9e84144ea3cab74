"""What the room hands out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tsunagu.data.common_items.items import Item, Slot, Words

Origin = Literal["plan", "institution"]


@dataclass(frozen=True, slots=True)
class Proposed:
    """A value that the node found somewhere and nobody has accepted.

    Attributes:
        source: The plan by number and title, or the name of the institution.
    """

    value: str
    origin: Origin
    source: str


@dataclass(frozen=True, slots=True)
class SlotCard:
    """An input with what it holds.

    Attributes:
        value: A code where one is chosen.
        shown: The value in words of both languages.
        origin: Who or what said it, as a description keeps it; empty where the node knows it by itself.
    """

    slot: Slot
    value: str = ""
    shown: Words = field(default_factory=dict)
    origin: Mapping[str, Any] = field(default_factory=dict)
    proposed: Proposed | None = None


@dataclass(frozen=True, slots=True)
class ItemCard:
    """An item of a dataset.

    Attributes:
        is_missing: Required here, and empty.
        remedy: What to do then.
    """

    item: Item
    slots: tuple[SlotCard, ...]
    is_required: bool
    is_missing: bool
    remedy: Words

    @property
    def is_known(self) -> bool:
        """Whether the node knows it, so that nobody writes it here."""
        return not self.item.slots[0].name

    def text(self, language: str) -> str:
        """What it says in words, in both languages where it does."""
        return " / ".join(dict.fromkeys(one.shown[language] for one in self.slots if one.shown.get(language)))


@dataclass(frozen=True, slots=True)
class Sheet:
    """The items of a version of a dataset.

    Attributes:
        number: Of the version; that of the draft where it is the draft.
        may_write: Whether the asker may change it: the draft, for those who describe the dataset.
    """

    place: str
    number: int
    is_draft: bool
    may_write: bool
    items: tuple[ItemCard, ...]

    @property
    def missing(self) -> tuple[ItemCard, ...]:
        """What is required and not there."""
        return tuple(one for one in self.items if one.is_missing)

    @property
    def proposed_count(self) -> int:
        """How many values wait to be accepted."""
        return sum(slot.proposed is not None for one in self.items for slot in one.slots)
