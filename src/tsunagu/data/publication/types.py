"""What the room hands out."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tsunagu.foundation.identity.api import PersonCard
from tsunagu.foundation.policy.api import Resource
from tsunagu.standards.api import PublicRecord, from_kept

State = Literal[
    "requested", "in_review", "changes_asked", "approved", "published", "rejected", "withdrawn", "moved"
]
OPEN_STATES = ("requested", "in_review", "changes_asked", "approved")
# Before the answer to an item of a checklist, in the steps of a history.
ANSWER_STEP = "check_"
ACCESSES = ("open", "embargoed", "restricted", "metadata")
Words = Mapping[str, str]  # {"en": ..., "ja": ...}


@dataclass(frozen=True, slots=True)
class Skill:
    """What a curator knows: words of fields, and languages (``ja``, ``en`` ...); none: whatever comes."""

    fields: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckItem:
    """Something that a curator confirms before a version is published.

    Attributes:
        id: Made of its words: other words are another item, and have to be confirmed anew.
        project: The collection for which it is asked; empty: for all.
    """

    id: str
    says: Words
    project: str = ""


@dataclass(frozen=True, slots=True)
class CheckLine:
    """An item with what was answered for this version: ``yes``, ``no``, ``none`` (does not apply) or nothing yet."""

    item: CheckItem
    answer: str
    author: str
    answered_at: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who could review a publication.

    Attributes:
        fields: Words of theirs that the publication names.
        speaks: Whether they know a language in which it is described.
        load: How many they have open.
    """

    person: PersonCard
    fields: tuple[str, ...]
    speaks: bool
    load: int


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """What waits for curators; ``is_more``: there are more than were counted."""

    mine: int
    free: int
    late: int
    all: int
    is_more: bool


@dataclass(frozen=True, slots=True)
class InstitutionCard:
    """An institution that publishes on this node.

    Attributes:
        name: Its key, also in addresses and the OAI set ``institution:NAME``.
        ror: Its whole address at ror.org, or empty.
        contact: A mail address that everybody may see.
        doi_prefix: ``10.12345``; empty: no DOIs are minted.
        doi_agency: ``DataCite``, ``JaLC`` or empty.
        skills: Id of a curator -> what they know.
        hands_out: Whether new requests are given to a curator by themselves.
        answer_days: Within how many days its curators promise to answer; 0: no promise.
        policies: What applies to its publications, in words.
        colour: ``#rrggbb`` of the line on its pages, or empty.
    """

    name: str
    name_ja: str
    name_en: str
    ror: str
    address: str
    contact: str
    doi_prefix: str
    doi_agency: str
    members_may_publish: bool
    curators: tuple[PersonCard, ...]
    skills: Mapping[str, Skill]
    hands_out: bool
    answer_days: int
    checklist: tuple[CheckItem, ...]
    policies: str
    colour: str
    is_default: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """What a machine check found, in both languages.

    Attributes:
        severity: ``block`` must be put right first; ``warn`` is for people to judge.
        field: The metadata field that it is about, or empty.
    """

    code: str
    severity: Literal["block", "warn"]
    says: Words
    todo: Words
    field: str = ""


@dataclass(frozen=True, slots=True)
class EntryCard:
    """A step or a comment; none is ever removed.

    Attributes:
        step: ``comment``, ``request``, ``assign``, ``ask_changes``, ``approve``, ``publish`` ...
        field, path: What it is about: a metadata field, or a file of the version.
    """

    step: str
    text: str
    field: str
    path: str
    number: int
    author: str
    written_at: str
    run_id: str


@dataclass(frozen=True, slots=True)
class EffectCard:
    """What an outside service was asked for, and how far that is.

    Attributes:
        state: ``waiting``, ``sending``, ``unknown``, ``done``, ``refused`` or ``given_up``.
    """

    id: str
    service: str
    operation: str
    doi: str
    state: str
    attempts: int
    next_try_at: str
    last_status: int
    last_error: str
    done_at: str


@dataclass(frozen=True, slots=True)
class PublicationCard:
    """A version on its way to the public, or there.

    Attributes:
        place: ``PROJECT/DATASET``.
        access: ``open``, ``embargoed``, ``restricted`` or ``metadata``: what was asked for.
        opens_on: The day on which an embargoed one opens.
        doi: Empty until one is minted; ``is_doi_registered`` says whether the agency has confirmed it.
        age_days: Whole days since it was asked for.
        due_at: When the institution promised to have answered; empty where it did not, or others are to act.
        is_late: Whether that is past.
        moved_to: Its page at the node to which it was moved.
    """

    id: str
    place: str
    dataset_id: str
    number: int
    title: str
    institution: str
    state: State
    access: str
    opens_on: str
    resource_type: str
    requested_by: PersonCard | None
    requested_at: str
    assigned_to: PersonCard | None
    changed_at: str
    published_at: str
    doi: str
    doi_agency: str
    is_doi_registered: bool
    is_test_doi: bool
    reason: str
    age_days: int
    due_at: str
    is_late: bool
    moved_to: str
    resource: Resource

    @property
    def project(self) -> str:
        """The name of the project."""
        return self.place.partition("/")[0]

    @property
    def dataset(self) -> str:
        """The name of the dataset."""
        return self.place.partition("/")[2]

    @property
    def stands_at(self) -> str:
        """The page of the dataset at the node to which it was moved."""
        return self.moved_to.rpartition("/v")[0]


@dataclass(frozen=True, slots=True)
class OpenAccess:
    """How far immediate open access of an article is.

    Attributes:
        status: ``open``, ``due`` (no reason on record, or it ended), ``overdue`` (and the days of grace are over),
            ``delayed`` (for a reason) or ``exempt``.
        published_on: When the journal published it; empty where nobody said.
        age_days: Days since then.
        reason_code: ``publisher_embargo``, ``policy_unclear``, ``apc``, ``evidence_data_restricted`` or ``other``.
        planned_on: The day on which it is to open.
    """

    status: str
    published_on: str
    age_days: int
    reason_code: str
    reason: str
    planned_on: str


@dataclass(frozen=True, slots=True)
class ArticleLine:
    """An article in the list of those who follow open access; ``said`` is what its wish said."""

    card: PublicationCard
    open_access: OpenAccess
    said: Mapping[str, str]
    data_count: int


@dataclass(frozen=True)
class Entry:
    """What harvesters see of one publication; ``changed_at`` is UTC in whole seconds.

    Attributes:
        id: Of the record.
        kept: The record as its row keeps it.
        jpcoar: The record as JPCOAR 2.0, nothing where the aggregator's rules refuse it; None: it has to be written.
    """

    id: str
    kept: str
    changed_at: dt.datetime
    is_deleted: bool
    sets: tuple[str, ...]
    jpcoar: str | None = None

    @functools.cached_property
    def record(self) -> PublicRecord:
        """The record itself: read when somebody asks for it."""
        return from_kept(self.kept)


@dataclass(frozen=True, slots=True)
class SetCard:
    """A set of records that can be harvested alone."""

    spec: str
    name_ja: str
    name_en: str


@dataclass(frozen=True, slots=True)
class VersionLine:
    """A published version in the list of its landing page."""

    number: int
    published_on: str
    doi: str
    is_withdrawn: bool


@dataclass(frozen=True, slots=True)
class FileLine:
    """A file that anybody may have."""

    path: str
    byte_count: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Landing:
    """What the public page of a version shows.

    Attributes:
        doi: Only one that the agency has confirmed; ``concept_doi`` names all versions together.
        is_free: Whether anybody may read the files now.
        opens_on: The day on which they open, while that is still to come.
        moved_to: Its page at the node to which it was moved; empty: it stands here.
        files: The first files, only where ``is_free``.
    """

    id: str
    place: str
    number: int
    record: PublicRecord
    institution: InstitutionCard
    published_on: str
    version_hash: str
    doi: str
    concept_doi: str
    is_free: bool
    opens_on: str
    is_withdrawn: bool
    withdrawn_on: str
    reason: str
    moved_to: str
    file_count: int
    byte_count: int
    files: tuple[FileLine, ...]
    versions: tuple[VersionLine, ...]


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What a curator looks at: the description of the version, and what its files are called. No bytes.

    Attributes:
        values: Name and value, those that the record is made of first.
        files: The first files.
        before: The version that was asked for last time; 0 where this is the first.
        changed: Names of the values that differ from those of ``before``.
        diff: How many files were added, removed and changed since.
    """

    values: tuple[tuple[str, object], ...] = ()
    files: tuple[FileLine, ...] = ()
    file_count: int = 0
    byte_count: int = 0
    before: int = 0
    changed: frozenset[str] = frozenset()
    diff: Mapping[str, int | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MovingName:
    """A DOI with its agency, and whether the agency has confirmed it."""

    doi: str
    agency: str
    is_registered: bool


@dataclass(frozen=True, slots=True)
class MovingVersion:
    """A frozen version on its way to another node; ``root`` is the hash over its paths, sizes and contents."""

    number: int
    note: str
    root: str
    file_count: int
    byte_count: int
    described: Mapping[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class MovingStep:
    """A step of a history on its way."""

    number: int
    step: str
    text: str
    field: str
    path: str
    author: str
    written_at: str


@dataclass(frozen=True, slots=True)
class MovingPublication:
    """What one node publishes, as another one takes it over.

    Attributes:
        id: Of the record; it never changes.
        made_on: The day on which the version was frozen first.
        data: Addresses of the data behind an article.
        related: Relation and address of what was confirmed about it.
        record: The public record as it stands, to compare with.
    """

    id: str
    number: int
    state: str
    access: str
    opens_on: str
    resource_type: str
    title: str
    requested_at: str
    published_at: str
    withdrawn_at: str
    made_on: str
    reason: str
    name: MovingName | None
    corrected: Mapping[str, Mapping[str, object]]
    article: Mapping[str, str]
    data: tuple[str, ...]
    related: tuple[tuple[str, str], ...]
    history: tuple[MovingStep, ...]
    record: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Moving:
    """A published dataset on its way to another node, but for its bytes; ``source`` is its page at the first one."""

    place: str
    title: str
    source: str
    concept: MovingName | None
    versions: tuple[MovingVersion, ...]
    publications: tuple[MovingPublication, ...]


@dataclass(frozen=True, slots=True)
class Arrived:
    """What became of a dataset that came from another node.

    Attributes:
        ids: Ids of the records, which stand here now.
        differing: Names of parts of the records that are not as they were, such as ``fundings``.
        foreign_dois: DOIs for whose prefix this node has no account: they lead to the first node, which hands on.
    """

    ids: tuple[str, ...]
    differing: tuple[str, ...]
    foreign_dois: tuple[str, ...]
