"""What the node says, as frozen dataclasses; facts that this client does not know yet are kept in ``more``."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True)
class Record:
    """The common part: made from JSON."""

    @classmethod
    def of(cls, content: dict[str, Any]) -> Self:
        """From a JSON object; unknown keys go into ``more``, absent ones keep their default."""
        names = {one.name for one in dataclasses.fields(cls)}
        known = {key: value for key, value in content.items() if key in names}
        if "more" in names:
            known["more"] = {key: value for key, value in content.items() if key not in names}
        return cls(**known)


@dataclass(frozen=True)
class ProjectInfo(Record):
    """A project."""

    name: str
    title: str = ""
    id: str = ""
    more: dict[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class DatasetInfo(Record):
    """A dataset: what ``tsunagu show`` shows."""

    project: str
    name: str
    id: str = ""
    title: str = ""
    description: str = ""
    access: str = ""
    state: str = ""
    draft: dict[str, Any] = field(default_factory=dict)
    versions: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""
    more: dict[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class FileInfo(Record):
    """A file, and what the extractor made of it."""

    path: str
    size: int
    sha256: str
    reader: str | None = None
    status: str = "pending"
    reason: str | None = None
    more: dict[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Value(Record):
    """One value of the metadata and where it comes from."""

    key: str
    name: str
    value: Any
    unit: str | None = None
    origin: Any = None
    more: dict[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class VersionInfo(Record):
    """A frozen version."""

    number: int = 0
    hash: str = ""
    root: str = ""
    count: int = 0
    bytes: int = 0
    record: str = ""  # canonical JSON, whose SHA-256 is the name
    more: dict[str, Any] = field(default_factory=dict, repr=False)
