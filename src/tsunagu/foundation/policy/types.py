"""What rules speak about: actions, resources, decisions, visibility."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from django.db.models import Q


class Role(StrEnum):
    """What somebody is on a project or a dataset."""

    OWNER = "owner"
    EDITOR = "editor"
    READER = "reader"
    INSTRUMENT = "instrument"


class Access(StrEnum):
    """Who beyond the members may see frozen versions: 公開 / 共有 / 非共有・非公開."""

    OPEN = "open"
    SHARED = "shared"
    CLOSED = "closed"


Effect = Literal["allow", "deny", "needs"]


@dataclass(frozen=True, slots=True)
class Resource:
    """What somebody wants to act on, as far as rules care.

    Attributes:
        kind: ``project``, ``dataset``, ``publication``, ``instrument`` or ``node``.
        id: ULID; of a publication, that of the dataset which is to be published.
        project_id: ULID of the project around a dataset.
        access: The dataset's access.
        has_frozen: Whether the dataset has a frozen version.
        embargo_until_s: Until this moment (seconds since 1970, UTC) the dataset counts as closed.
        owner_id: The person who made an instrument.
        curators: People who review for the institution of a publication.
        asked_by: Who asked for the publication, where another curator can decide about it; else empty.
        members_may_publish: Whether that institution lets owners publish without review.
    """

    kind: Literal["project", "dataset", "publication", "instrument", "node"]
    id: str = ""
    project_id: str = ""
    access: Access = Access.CLOSED
    has_frozen: bool = False
    embargo_until_s: int = 0
    owner_id: str = ""
    curators: tuple[str, ...] = ()
    asked_by: str = ""
    members_may_publish: bool = False


NODE = Resource("node", "node")


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer of ``decide``: effect, reasons in words, the basis and what to do about it."""

    effect: Effect
    reasons: tuple[str, ...] = ()
    basis: str = ""
    remedy: str = ""

    def __bool__(self) -> bool:
        return self.effect == "allow"


@dataclass(frozen=True, slots=True)
class Visibility:
    """Which rows somebody may see: the union of ``branches``.

    Each branch alone can walk an index in list order, so a list asks for the first rows of every branch and merges;
    ``q`` is the union as one filter for counts and look-ups.
    """

    branches: tuple[Q, ...] = ()
    q: Q = field(default_factory=lambda: Q(pk__in=[]))


_UNDECIDED = ("sensitivity", "personal", "export_control", "contract", "consent")


@dataclass(frozen=True, slots=True)
class Labels:
    """What an entity must be treated as.

    Attributes:
        levels: Label -> level; 0 is undecided, higher is stricter.
        origins: Countries of origin, ISO 3166 two-letter codes.
        inherited: Label -> ULID of the run that brought it.
    """

    levels: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(_UNDECIDED, 0))
    origins: tuple[str, ...] = ()
    inherited: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HeldAction:
    """An action on a dataset that a room forbids, with words in ``en`` and ``ja``.

    Attributes:
        action: ``freeze``, ``destroy``, ``remove`` (files from the draft), or the access that it must not get:
            ``shared`` or ``open``.
        lifts_s: Opening or destroying at this moment (seconds since 1970) or later is allowed; 0: it is not.
    """

    dataset_id: str
    action: Literal["freeze", "destroy", "remove", "shared", "open"]
    reason: Mapping[str, str]
    basis: Mapping[str, str]
    remedy: Mapping[str, str]
    lifts_s: int = 0


@dataclass(frozen=True, slots=True)
class EndedGrant:
    """A role that ended by itself."""

    scope_kind: str
    scope_id: str
    subject_kind: str
    subject_id: str
    role: str
    ended_at: str


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody with a role."""

    subject_kind: Literal["person", "instrument"]
    subject_id: str
    role: Role
    expires_at: str | None


@dataclass(frozen=True, slots=True)
class TextCard:
    """A version of a layer's text."""

    number: int
    layer: str
    text: str
    note: str
    written_by: str
    written_at: str
    sha256: str
