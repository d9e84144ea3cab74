"""What goes from node to node when a published dataset moves."""

from __future__ import annotations

from typing import Any

from ninja import Field, Schema

from tsunagu.doors.rest.openapi import Input

_ULID = r"^[0-9A-HJKMNP-TV-Z]{26}$"
_Described = dict[str, dict[str, Any]]


class MovingName(Input):
    """A DOI with its agency."""

    doi: str = Field(max_length=200)
    agency: str = Field(pattern="^(DataCite|JaLC)$")
    is_registered: bool = Field(description="The agency has confirmed it")


class MovingVersion(Input):
    """A frozen version; `root` is the hash over its paths, sizes and contents."""

    number: int = Field(ge=1)
    note: str = Field(max_length=20_000)
    root: str = Field(pattern="^[0-9a-f]{64}$")
    file_count: int
    byte_count: int
    described: _Described = Field(description="Name of a value: value, unit, origin")


class MovingStep(Input):
    """A step of a history."""

    number: int
    step: str = Field(max_length=14)
    text: str = Field(max_length=20_000)
    field: str = Field(max_length=100)
    path: str = Field(max_length=4096)
    author: str = Field(max_length=200)
    written_at: str


class MovingPublication(Input):
    """What one node publishes, as another one takes it over; `record` is there to compare with."""

    id: str = Field(pattern=_ULID)
    number: int = Field(ge=1)
    state: str = Field(pattern="^(published|withdrawn)$")
    access: str = Field(pattern="^(open|embargoed|restricted|metadata)$")
    opens_on: str = Field(max_length=10)
    resource_type: str = Field(max_length=60)
    title: str = Field(max_length=300)
    requested_at: str
    published_at: str
    withdrawn_at: str
    made_on: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$", description="When the version was frozen first")
    reason: str = Field(max_length=20_000)
    name: MovingName | None = None
    corrected: _Described
    article: dict[str, str]
    data: list[str] = Field(max_length=100, description="Addresses of the data behind an article")
    related: list[tuple[str, str]] = Field(max_length=1000, description="Relation and address")
    history: list[MovingStep] = Field(max_length=10_000)
    record: dict[str, Any]


class Moving(Schema):
    """Everything about a published dataset that goes along, but for the bytes, which come by `pulls`."""

    place: str
    title: str
    source: str = Field(description="Its page at the first node")
    concept: MovingName | None
    versions: list[MovingVersion]
    publications: list[MovingPublication]


class ArrivingVersion(Input):
    """A version whose files were pushed into the draft."""

    source: str = Field(max_length=500)
    version: MovingVersion


class ArrivingPublications(Input):
    """What was published at the other node."""

    source: str = Field(max_length=500)
    institution: str = Field("", description="Name of the institution here; empty: the node's own")
    concept: MovingName | None = None
    publications: list[MovingPublication] = Field(max_length=1000)


class ArrivedVersion(Schema):
    """The version as it stands here."""

    number: int
    version_hash: str
    root: str


class Arrived(Schema):
    """What became of them."""

    ids: list[str]
    differing: list[str] = Field(description="Parts of the records that are not as they were")
    foreign_dois: list[str] = Field(
        description="DOIs for whose prefix this node has no account: they lead to the first node, which hands on"
    )


class Leaving(Input):
    """Where the dataset stands now."""

    to: str = Field(max_length=400, description="https://data.example.ac.jp/d/PROJECT/DATASET")


class Left(Schema):
    """How many records lead there now."""

    moved: int


class Collection(Schema):
    """Names of datasets."""

    datasets: list[str]
