"""What the room hands out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


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
