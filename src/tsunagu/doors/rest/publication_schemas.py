"""What the REST interface says of publishing."""

from __future__ import annotations

from ninja import Field, Schema

from tsunagu.doors.rest.openapi import Input


class Skill(Schema):
    """What a curator knows."""

    fields: list[str] = Field([], description="Words of fields")
    languages: list[str] = Field([], description="ja, en ...")


class SkillWish(Input):
    """What a curator knows."""

    fields: list[str] = Field([], description="Words of fields")
    languages: list[str] = Field([], description="ja, en ...")


class CheckItem(Schema):
    """What a curator confirms before a version is published."""

    id: str
    ja: str
    en: str
    project: str = Field(description="The collection for which it is asked; empty: for all")


class CheckItemWish(Input):
    """An item of a checklist; in one language alone it is shown so in both."""

    ja: str = ""
    en: str = ""
    project: str = ""


class CheckLine(CheckItem):
    """An item with what was answered for a version."""

    answer: str = Field(description="yes, no, none (does not apply) or empty")
    author: str
    answered_at: str


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
    skills: dict[str, Skill] = Field(
        description="Mail address of a curator: what they know; for administrators"
    )
    hands_out: bool = Field(description="New requests are given to the curator who fits best")
    answer_days: int = Field(description="Within how many days its curators promise to answer; 0: no promise")
    checklist: list[CheckItem]
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
    skills: dict[str, SkillWish] | None = Field(None, description="Mail address of a curator: what they know")
    hands_out: bool | None = Field(None, description="Give new requests to the curator who fits best")
    answer_days: int | None = Field(None, description="0: no promise", ge=0, le=365)
    checklist: list[CheckItemWish] | None = None
    policies: str | None = None
    colour: str | None = Field(None, description="#0b5394")


class ArticleWish(Input):
    """What there is to say of an article."""

    text_version: str = Field("", description="AM, VoR, SMUR, AO, P, CVoR, EVoR or NA")
    doi: str = Field("", description="Of the published article")
    journal: str = ""
    issn: str = ""
    volume: str = ""
    issue: str = ""
    first_page: str = ""
    last_page: str = ""
    published_on: str = Field("", description="When the journal published it, as 2027-04-01")
    data: list[str] = Field(
        [], description="PROJECT/DATASET@VERSION, DOIs or addresses of the data behind it"
    )
    no_data: str = Field("", description="Why there are none")
    duty: str = Field("", description="Whether a grant asks for immediate open access: yes, no or empty")
    reason_code: str = Field(
        "", description="publisher_embargo, policy_unclear, apc, evidence_data_restricted or other"
    )
    reason: str = ""
    planned_on: str = Field("", description="The day on which it is to open")


class OpenAccess(Schema):
    """How far immediate open access of an article is."""

    status: str = Field(description="open, due, overdue, delayed or exempt")
    published_on: str
    age_days: int
    reason_code: str
    reason: str
    planned_on: str


class PublicationWish(Input):
    """A version to be published."""

    version: int = Field(0, description="A frozen version; 0: the newest")
    institution: str = Field("", description="Empty: the node's own")
    access: str = Field("open", description="open, embargoed, restricted or metadata")
    opens_on: str = Field("", description="The day on which an embargoed one opens, as 2027-10-01")
    resource_type: str = Field(
        "dataset", description="JPCOAR's label: dataset, experimental data, software, journal article ..."
    )
    note: str = ""
    article: ArticleWish | None = Field(None, description="Of an article")


class NextWish(Input):
    """Of which institution the next one is wanted."""

    institution: str = Field("", description="Empty: any of yours")


class Step(Input):
    """What a step of the review needs."""

    text: str = ""
    field: str = Field("", description="The metadata field that a comment is about")
    path: str = Field("", description="The file that a comment is about")
    to: str = Field("", description="Mail address of a curator, for assign; empty: oneself")
    answers: dict[str, str] = Field(
        {}, description="For check: id of an item of the checklist: yes, no or none"
    )


class PublicationRow(Schema):
    """A version on its way to the public, or there."""

    id: str
    place: str
    version: int
    title: str
    institution: str
    state: str = Field(
        description="requested, in_review, changes_asked, approved, published, rejected, withdrawn or moved"
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
    due_at: str = Field(description="When the institution promised to have answered; empty: it did not")
    is_late: bool
    moved_to: str = Field(description="Its page at the node to which it was moved")


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


class ArticleRow(PublicationRow):
    """An article with how far open access is."""

    open_access: OpenAccess
    text_version: str
    journal: str
    data_count: int


class ArticleList(Schema):
    """Articles, those that need somebody first."""

    articles: list[ArticleRow]


class Publication(PublicationRow):
    """A publication with its history."""

    history: list[ReviewStep]
    checklist: list[CheckLine]
    open_access: OpenAccess | None = Field(None, description="Of an article")
    findings: list[CheckFinding]
    effects: list[DoiEffect]
