"""What the room hands out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tsunagu.core import clock
from tsunagu.foundation.policy.api import Access, Resource


@dataclass(frozen=True, slots=True)
class ProjectCard:
    """A project as a list shows it."""

    id: str
    name: str
    title: str
    description: str
    created_at: str

    @property
    def resource(self) -> Resource:
        """The project as rules see it."""
        return Resource("project", self.id)


@dataclass(frozen=True, slots=True)
class DatasetCard:
    """A dataset as a list shows it; counts are of the draft, or of the last version for those who see no draft.

    Attributes:
        row_id: Database key, for rooms above that keep rows about a dataset.
        embargo_until_s: Until this moment (seconds since 1970, UTC) it counts as closed.
        state: ``draft`` (never frozen), ``changed`` (frozen, draft differs) or ``frozen``.
        key_domain: The key domain that seals its bytes; empty: they lie plain.
        seal_state: Empty, ``moving`` (new bytes are sealed, older ones are on their way), ``sealed`` or ``shredded``.
        last_released: Number of the newest version that everybody sees who may read the dataset; 0: there is none.
        sees_unreleased: Whether this asker sees the other versions too: by a role, and not because it is open.
    """

    id: str
    row_id: int
    project_id: str
    project: str
    name: str
    title: str
    access: Access
    state: Literal["draft", "changed", "frozen"]
    draft_number: int
    has_frozen: bool
    file_count: int
    byte_count: int
    created_by: str
    created_at: str
    updated_at: str
    sees_draft: bool = False
    described: Mapping[str, Any] = field(default_factory=dict)
    embargo_until_s: int = 0
    key_domain: str = ""
    seal_state: Literal["", "moving", "sealed", "shredded"] = ""
    last_released: int = 0
    sees_unreleased: bool = True

    @property
    def domains(self) -> tuple[str, ...]:
        """Where its bytes are looked for, the first place that has them counts."""
        return (self.key_domain, "") if self.seal_state == "moving" else (self.key_domain,)

    @property
    def embargo_until(self) -> str:
        """When the dataset opens by itself, while that is still to come; empty otherwise."""
        if self.embargo_until_s <= clock.now().timestamp():
            return ""
        return clock.isoformat(dt.datetime.fromtimestamp(self.embargo_until_s, dt.UTC))

    @property
    def slug(self) -> str:
        """``project/dataset``."""
        return f"{self.project}/{self.name}"

    @property
    def resource(self) -> Resource:
        """The dataset as rules see it."""
        return Resource(
            "dataset",
            self.id,
            project_id=self.project_id,
            access=self.access,
            has_frozen=self.has_frozen,
            embargo_until_s=self.embargo_until_s,
        )

    @property
    def last_version(self) -> int:
        """Number of the last frozen version that the asker sees; 0 when there is none."""
        return self.draft_number - 1 if self.sees_unreleased else self.last_released


@dataclass(frozen=True, slots=True)
class Difference:
    """How many datasets one filter shows and another does not, and names of some that the asker may read."""

    count: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SealingCard:
    """How far a dataset is sealed, and what became of its key.

    Attributes:
        state: ``moving``, ``sealed`` or ``shredded``.
        fingerprint: Commitment to the key, hex.
        total_count: Contents that have to be moved; ``done_count`` of them are.
        damaged_count: Contents that could not be moved because their bytes are not the recorded ones.
        shred_run_id: The run that destroyed the key; empty while it is there.
    """

    state: str
    fingerprint: str
    total_count: int
    done_count: int
    damaged_count: int
    sealed_at: str
    shred_run_id: str
    shredded_at: str
    shredded_by: str
    reason: str


@dataclass(frozen=True, slots=True)
class LabelCard:
    """A label of a dataset.

    Attributes:
        level: 0 is undecided, higher is stricter; for origins, how many countries.
        levels: What there is to choose from, the loosest first after "undecided".
        run_id: The run that brought it, if one did.
    """

    name: str
    value: str
    level: int
    levels: tuple[str, ...]
    run_id: str


@dataclass(frozen=True, slots=True)
class FileCard:
    """A file of a version."""

    path: str
    byte_count: int
    sha256: bytes
    run_row: int = 0

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class FolderCard:
    """A folder; counts are None where only the draft knows them."""

    path: str
    name: str
    file_count: int | None
    byte_count: int | None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of files; ``after`` continues it, empty at the end."""

    files: tuple[FileCard, ...]
    after: str = ""


@dataclass(frozen=True, slots=True)
class FolderPage:
    """A page of a folder: subfolders first, then files."""

    folders: tuple[FolderCard, ...]
    files: tuple[FileCard, ...]
    after: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A path that differs between two versions."""

    path: str
    change: Literal["added", "removed", "changed"]
    before: FileCard | None
    now: FileCard | None


@dataclass(frozen=True, slots=True)
class VersionRef:
    """A frozen version; one that is not released is seen only by people with a role."""

    number: int
    version_hash: str
    root: str
    record: str
    file_count: int
    byte_count: int
    note: str
    run_id: str
    frozen_by: str
    frozen_at: str
    described: Mapping[str, Any]
    is_released: bool = True


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit of files did to the draft."""

    added: int
    replaced: int
    same: int
    byte_count: int
    overwritten: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BuriedRef:
    """A version of a destroyed dataset."""

    number: int
    version_hash: str
    record: str
    frozen_at: str


@dataclass(frozen=True, slots=True)
class TombstoneCard:
    """What is left of a destroyed dataset.

    Attributes:
        is_gone: Whether its bytes and lists are gone too; a job sees to that.
    """

    id: str
    project_id: str
    project: str
    name: str
    title: str
    file_count: int
    byte_count: int
    created_at: str
    removed_by: str
    removed_at: str
    reason: str
    run_id: str
    is_gone: bool
    versions: tuple[BuriedRef, ...]

    @property
    def slug(self) -> str:
        """``project/dataset``."""
        return f"{self.project}/{self.name}"
