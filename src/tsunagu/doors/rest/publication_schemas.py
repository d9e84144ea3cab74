"""What the REST interface says of publishing."""

from __future__ import annotations

from ninja import Field, Schema

from tsunagu.doors.rest.openapi import Input


class Institution(Schema):
    """An institution that publishes on this node."""

    name: str
    name_ja: str
    name_en: str
    ror: str
    address: str
    contact: str
    doi_prefix: str
    doi_agency: str = Field(description="DataCite, JaLC or empty")
    members_may_publish: bool
    curators: list[str] = Field(description="Names of people; addresses for administrators")
    policies: str
    colour: str
    is_default: bool


class InstitutionList(Schema):
    """Every institution of the node, its own first."""

    institutions: list[Institution]


class InstitutionWish(Input):
    """What to change of an institution; what is left out stays."""

    name_ja: str | None = None
    name_en: str | None = None
    ror: str | None = Field(None, description="https://ror.org/00hhkn466")
    address: str | None = None
    contact: str | None = Field(None, description="A mail address that everybody may see")
    doi_prefix: str | None = Field(None, description="10.12345")
    doi_agency: str | None = Field(None, description="DataCite, JaLC or empty")
    members_may_publish: bool | None = Field(None, description="Owners publish without review")
    curators: list[str] | None = Field(None, description="Mail addresses of people of this node")
    policies: str | None = None
    colour: str | None = Field(None, description="#0b5394")


class PublicationWish(Input):
    """A version to be published."""

    version: int = Field(0, description="A frozen version; 0: the newest")
    institution: str = Field("", description="Empty: the node's own")
    access: str = Field("open", description="open, embargoed, restricted or metadata")
    opens_on: str = Field("", description="The day on which an embargoed one opens, as 2027-10-01")
    resource_type: str = Field(
        "dataset", description="JPCOAR's label: dataset, experimental data, software ..."
    )
    note: str = ""


class Step(Input):
    """What a step of the review needs."""

    text: str = ""
    field: str = Field("", description="The metadata field that a comment is about")
    path: str = Field("", description="The file that a comment is about")
    to: str = Field("", description="Mail address of a curator, for assign; empty: oneself")


class PublicationRow(Schema):
    """A version on its way to the public, or there."""

    id: str
    place: str
    version: int
    title: str
    institution: str
    state: str = Field(
        description="requested, in_review, changes_asked, approved, published, rejected or withdrawn"
    )
    access: str
    opens_on: str
    resource_type: str
    requested_by: str
    requested_at: str
    assigned_to: str
    changed_at: str
    published_at: str
    doi: str
    doi_agency: str
    is_doi_registered: bool = Field(description="The agency has confirmed it; before, nobody else sees it")
    url: str = Field(description="The public page")
    reason: str
    age_days: int


class PublicationList(Schema):
    """Publications."""

    publications: list[PublicationRow]
    next: str | None = Field(None, description="What to ask for with `after`; null at the end")


class CheckFinding(Schema):
    """What a machine check found; texts are `{en, ja}`."""

    code: str
    severity: str = Field(description="block or warn")
    field: str
    says: dict[str, str]
    todo: dict[str, str]


class ReviewStep(Schema):
    """A step or a comment; none is ever removed."""

    step: str
    text: str
    field: str
    path: str
    version: int
    author: str
    written_at: str
    run: str


class DoiEffect(Schema):
    """How far a DOI is with its agency."""

    service: str
    operation: str
    doi: str
    state: str = Field(description="waiting, sending, unknown, done, refused or given_up")
    attempts: int
    next_try_at: str
    last_status: int
    last_error: str
    done_at: str


class Publication(PublicationRow):
    """A publication with its history."""

    history: list[ReviewStep]
    findings: list[CheckFinding]
    effects: list[DoiEffect]
