"""What the room hands out."""

from __future__ import annotations

from dataclasses import dataclass

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
