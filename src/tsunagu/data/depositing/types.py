"""What the room hands out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["waiting", "sending", "unknown", "held", "done", "refused", "withdrawn"]


@dataclass(frozen=True, slots=True)
class RepositoryCard:
    """A repository that an institution's publications go into.

    Attributes:
        title: Its name for people.
        problem: Why nothing is sent to it at the moment, or empty.
    """

    name: str
    title: str
    problem: str


@dataclass(frozen=True, slots=True)
class DepositCard:
    """What became of a publication in a repository.

    Attributes:
        repository, title: Its key, and its name for people.
        state: ``waiting`` (to be sent), ``sending``, ``unknown`` (sent, no answer), ``held`` (at the repository, where a
            person looks at it), ``done``, ``refused`` or ``withdrawn``.
        is_removal: Whether it is to be taken out of the repository.
        needs_person: Nobody knows whether it arrived, and the repository cannot be asked.
        held_since: Since when it is there; empty before.
        item_url: The item's page in the repository.
        activity_url: Where people of the repository decide about it.
        last_error: The repository's own words.
        has_files: Whether the files went along; otherwise the description with a link.
    """

    id: str
    publication: str
    place: str
    version: int
    repository: str
    title: str
    state: State
    is_removal: bool
    needs_person: bool
    held_since: str
    item_url: str
    activity_url: str
    deposit_url: str
    attempts: int
    next_try_at: str
    last_status: int
    last_error: str
    has_files: bool
    done_at: str
