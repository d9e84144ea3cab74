"""What the room hands out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tsunagu.foundation.storage.api import NewObject


@dataclass(frozen=True, slots=True)
class OpenPush:
    """What a client needs to send files; ``capability`` goes to the byte server."""

    run: str
    capability: str
    expires_at: str
    byte_url: str
    dataset_id: str
    is_empty: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """Which of the announced files must travel (indexes), and how many need not."""

    send: tuple[int, ...]
    same: int
    linked: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """What the byte server tells: one durable object and the files in it (path, byte count, sha256 hex, offset).

    ``byte_count`` is the object's size as it lies in the store, ``domain`` the key domain in which it is sealed.
    """

    run: str
    dataset_id: str
    unit: str
    key: str
    byte_count: int
    kind: str
    files: Sequence[tuple[str, int, str, int]]
    domain: str = ""


@dataclass(frozen=True, slots=True)
class PushCard:
    """A push as lists show it."""

    run: str
    dataset_id: str
    file_count: int
    byte_count: int
    opened_at: str
    closed_at: str | None
    actor_name: str


Receipt = dict[str, Any]


Who = tuple[str, str, str]  # kind, id and token of a sender, as a capability carries them


@dataclass(frozen=True, slots=True)
class StagedArrival:
    """What the byte server tells of an object that no commit names yet."""

    dataset_id: str
    who: Who
    object: NewObject
    sha256: bytes
    byte_count: int


@dataclass(frozen=True, slots=True)
class NewFile:
    """A change of a commit: a small file whose bytes came with it."""

    path: str
    content: bytes


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A change of a commit: a file whose bytes were sent before; ``byte_count`` None: nobody said how long it is."""

    path: str
    sha256: bytes
    byte_count: int | None = None


@dataclass(frozen=True, slots=True)
class RemovedFile:
    """A change of a commit: a file goes."""

    path: str


@dataclass(frozen=True, slots=True)
class RemovedFolder:
    """A change of a commit: everything below a folder goes."""

    path: str


CommitChange = NewFile | NamedFile | RemovedFile | RemovedFolder
