"""What the REST interface takes and gives; OpenAPI is made from it."""

from __future__ import annotations

from typing import Any

from ninja import Schema
from pydantic import Field

from tsunagu.doors.rest.openapi import Input


class NewProject(Input):
    """A project to make."""

    name: str = Field(
        description="Lower-case letters, digits, dots, hyphens, underscores; stands in addresses."
    )
    title: str = ""
    description: str = ""


class Project(Schema):
    """A project."""

    id: str
    name: str
    title: str
    description: str
    created_at: str


class ProjectList(Schema):
    """A page of projects; ``next`` goes into ``after``."""

    projects: list[Project]
    next: str | None


class NewMember(Input):
    """Somebody to give a role."""

    email: str = ""
    instrument: str = Field("", description="ULID of an instrument, instead of an e-mail address.")
    role: str = Field(description="owner, editor, reader or instrument")
    until: str = Field("", description="Last day (2027-03-31) or moment; the role then ends by itself.")


class MemberRow(Schema):
    """Somebody with a role."""

    kind: str
    id: str
    name: str
    role: str
    expires_at: str | None


class MemberList(Schema):
    """Everybody with a role."""

    members: list[MemberRow]


class DecisionAnswer(Schema):
    """What the rules say: ``answer`` is allow, deny or needs."""

    action: str
    place: str
    about: str = Field(description="ULID of the person asked about; empty: the asker.")
    answer: str
    reasons: list[str]
    basis: str
    remedy: str


class NewRequest(Input):
    """A request for access; the answer is the same whether there is such a dataset or not."""

    place: str = Field(description="PROJECT/DATASET")
    reason: str
    role: str = Field("reader", description="reader or editor")


class RequestAnswer(Input):
    """An answer to a request: approve (with role and last day) or decline (with words); the asker: withdraw."""

    answer: str = Field(description="approve, decline or withdraw")
    role: str = ""
    until: str = ""
    words: str = ""


class RequestRow(Schema):
    """A request for access."""

    id: str
    place: str
    asker: str
    email: str
    role: str
    reason: str
    asked_at: str
    state: str
    answer: str


class RequestList(Schema):
    """Requests that wait for one's answer, and one's own."""

    waiting: list[RequestRow]
    own: list[RequestRow]


class NewLabel(Input):
    """A label to put on a dataset."""

    name: str = Field(description="sensitivity, personal, export_control, contract, consent or origin")
    value: str = Field("", description="A level; for origin, country codes with commas.")
    reason: str = Field("", description="Needed to make a label less strict.")


class LabelRow(Schema):
    """A label; ``run`` is the run that brought it, if one did."""

    name: str
    value: str
    level: int
    levels: list[str]
    run: str


class LabelList(Schema):
    """All labels of a dataset."""

    labels: list[LabelRow]


class NewPolicyText(Input):
    """A text of a layer, and why."""

    text: str
    note: str = ""


class PolicyText(NewPolicyText):
    """The text of a layer."""

    layer: str


class Difference(Schema):
    """How many datasets, and names of some that the asker may read."""

    count: int
    names: list[str]


class EffectRow(Schema):
    """What other rules would change for somebody."""

    kind: str
    name: str
    action: str
    gained: Difference
    lost: Difference


class EffectList(Schema):
    """Who would gain, who would lose."""

    effects: list[EffectRow]


class NewDataset(Input):
    """A dataset to make."""

    project: str
    name: str
    title: str = ""
    sealed: bool = False


class DatasetPatch(Input):
    """What may be changed of a dataset; left-out fields stay."""

    title: str | None = None
    description: str | None = None
    access: str | None = Field(None, description="open, shared or closed")
    embargo: str | None = Field(
        None,
        description="Day or moment on which it opens by itself; it counts as closed until then. Empty: none.",
    )


class Draft(Schema):
    """The draft of a dataset, for those who may see it."""

    number: int
    count: int
    bytes: int
    is_changed: bool


class VersionRow(Schema):
    """A frozen version; ``hash`` is its name, the SHA-256 of ``record``.

    One that is not released is seen only by people with a role on the dataset.
    """

    number: int
    hash: str
    root: str
    record: str
    count: int
    bytes: int
    note: str
    run: str
    frozen_at: str
    is_released: bool


class VersionPatch(Input):
    """Who sees a version."""

    is_released: bool


class VersionList(Schema):
    """Versions, newest first."""

    versions: list[VersionRow]
    next: int | None


class DatasetRow(Schema):
    """A dataset as lists show it."""

    id: str
    project: str
    name: str
    title: str
    access: str
    embargo_until: str | None
    state: str
    seal: str
    count: int
    bytes: int
    updated_at: str
    url: str


class Dataset(DatasetRow):
    """A dataset with draft and latest versions."""

    description: str
    draft: Draft | None
    versions: list[VersionRow]
    you_may: dict[str, bool]


class DatasetList(Schema):
    """A page of datasets, last changed first."""

    datasets: list[DatasetRow]
    next: str | None


class FileRow(Schema):
    """A file with what its reader said."""

    path: str
    size: int
    sha256: str
    reader: str | None
    status: str
    reason: str


class FileList(Schema):
    """A page of files in path order."""

    version: int
    files: list[FileRow]
    next: str | None


class FolderRow(Schema):
    """A folder; counts are null where only the draft knows them."""

    name: str
    path: str
    files: int | None
    bytes: int | None


class Tree(Schema):
    """A page of a folder: subfolders first, then files."""

    version: int
    folders: list[FolderRow]
    files: list[FileRow]
    next: str | None


class Paths(Input):
    """Files, or folders that end with a slash."""

    paths: list[str]


class Removed(Schema):
    """How many files left the draft."""

    removed: int


class NewPush(Input):
    """A push to open."""

    create: bool = True
    kind: str = "push"
    client: str = ""
    note: str = ""
    inputs: list[str] = Field(
        [],
        max_length=1000,
        description="PROJECT/DATASET[@VERSION] from which the files were derived; their labels travel.",
    )


class Push(Schema):
    """What a client needs to send files."""

    run: str
    capability: str
    expires_at: str
    byte_url: str
    dataset_id: str
    is_empty: bool


class PlanRequest(Input):
    """Files that a client holds: [path, size, sha256]."""

    files: list[tuple[str, int, str]] = Field(max_length=10_000)


class Plan(Schema):
    """Indexes of the files that must travel."""

    send: list[int]
    same: int
    linked: int


class Finish(Input):
    """How a push ended, as the client sees it."""

    outcome: str = "ok"
    reason: str = ""


class PullPage(Input):
    """Which page of the files somebody wants to read; ``suffix``: only those whose paths end so."""

    prefix: str = ""
    suffix: str = Field("", max_length=100)
    after: str = ""
    limit: int = Field(1000, ge=1, le=5000)


class PullRequest(PullPage):
    """Which files somebody wants to read."""

    version: int | None = None


class PullFile(Schema):
    """A file with a signed permission to read it."""

    path: str
    size: int
    sha256: str
    capability: str


class Pull(Schema):
    """A page of readable files."""

    version: int
    version_hash: str | None
    byte_url: str
    files: list[PullFile]
    next: str | None


class Note(Input):
    """Why a version is frozen."""

    note: str = ""


class ChangeRow(Schema):
    """A path that differs."""

    path: str
    change: str
    before: dict[str, Any] | None
    now: dict[str, Any] | None


class Diff(Schema):
    """Differences of two versions."""

    counts: dict[str, int | None]
    files: list[ChangeRow]
    next: str | None


class RunRow(Schema):
    """Something that happened."""

    id: str
    kind: str
    outcome: str
    reason: str
    actor: dict[str, str]
    agent: str
    started_at: str
    ended_at: str | None
    parameters: dict[str, Any]
    software: dict[str, Any]
    links: list[dict[str, str]]


class RunList(Schema):
    """Runs, newest first."""

    runs: list[RunRow]
    next: str | None


class VerifyRequest(Input):
    """Continue a check."""

    after: str = ""


class VerifyReport(Schema):
    """What was checked and what is wrong."""

    ok: bool
    done: bool
    after: str
    checked: dict[str, int]
    problems: list[str]
    shredded: str = ""


class Me(Schema):
    """Who asks, and what the token lets through: verbs, and projects where it names any."""

    kind: str
    id: str
    name: str
    is_admin: bool
    agent: str = ""
    verbs: list[str] | None = None
    projects: list[str] | None = None
