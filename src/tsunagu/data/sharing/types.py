"""What the room hands out."""

from __future__ import annotations

from dataclasses import dataclass

from tsunagu.data.datasets.api import Difference
from tsunagu.foundation.identity.api import PersonCard
from tsunagu.foundation.policy.api import Decision

# What somebody may be asked about on a dataset, in the order of pages.
DATASET_ACTIONS = ("read", "read_draft", "push", "write", "describe", "freeze", "manage")


@dataclass(frozen=True, slots=True)
class Explained:
    """The answer to "may they do this?", for oneself or for somebody else.

    Attributes:
        person: About whom, when the question was about somebody else.
    """

    action: str
    decision: Decision
    person: PersonCard | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """What other rules would change for somebody.

    Attributes:
        kind: ``anonymous`` or ``person``.
        name: The person's; empty for somebody signed in without any role.
        action: ``read``, ``push`` or ``manage``.
    """

    kind: str
    name: str
    action: str
    gained: Difference
    lost: Difference


@dataclass(frozen=True, slots=True)
class RequestCard:
    """A request for access.

    Attributes:
        place: ``project/dataset`` as it was asked; there may be no such dataset.
        asker: Who asked.
        state: ``open``, ``approved``, ``declined``, ``withdrawn`` or ``expired``.
        answer: What whoever answered wrote.
    """

    id: str
    place: str
    asker: PersonCard | None
    role: str
    reason: str
    asked_at: str
    state: str
    answer: str
    answered_by: PersonCard | None

    @property
    def project(self) -> str:
        """The project part of the place."""
        return self.place.partition("/")[0]

    @property
    def name(self) -> str:
        """The dataset part of the place."""
        return self.place.partition("/")[2]
