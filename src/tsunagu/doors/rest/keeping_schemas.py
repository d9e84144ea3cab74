"""What the REST interface says of keeping and of giving up."""

from __future__ import annotations

from ninja import Field, Schema

from tsunagu.doors.rest.openapi import Input


class Removal(Input):
    """Why a dataset is destroyed."""

    reason: str


class Tombstone(Schema):
    """What is left of a destroyed dataset."""

    id: str
    place: str
    title: str
    count: int
    bytes: int
    removed_by: str
    removed_at: str
    reason: str
    run: str
    versions: list[str] = Field(description="SHA-256 of each version's record, the last first")


class NewRetention(Input):
    """Until when something is kept; it can be prolonged and never shortened."""

    until: str = Field(description="The last day, as 2037-03-31")
    version: int = Field(0, description="A frozen version; 0 for the whole dataset")
    reason: str = ""


class RetentionRow(Schema):
    """Until when something is kept."""

    version: int
    until: str = Field(description="The moment at which it ends")
    last_day: str = Field(description="The last day, in the node's time zone")
    source: str = Field(description="person or plan")
    reason: str


class NewHold(Input):
    """A legal hold to place."""

    place: str = Field(description="PROJECT/DATASET or PROJECT")
    reason: str


class HoldRow(Schema):
    """A legal hold; `lifted_at` is empty while it stands."""

    id: str
    place: str
    reason: str
    placed_by: str
    placed_at: str
    lifted_by: str
    lifted_at: str
    lift_reason: str


class HoldList(Schema):
    """Legal holds of the node, those that stand first."""

    holds: list[HoldRow]


class Succession(Input):
    """Who hands over to whom, by address."""

    giver: str
    successor: str
    reason: str = ""


class Closing(Input):
    """An account to close, and who takes over what the person owns."""

    email: str
    successor: str = ""
    reason: str = ""


class Reopening(Input):
    """A closed account to open again."""

    email: str
    reason: str = ""


class Reopened(Schema):
    """Whose account is open again."""

    email: str


class HandoverRow(Schema):
    """What was handed over; `run` is empty where nothing was."""

    run: str
    projects: int
    datasets: int
    guests: int


class Keeping(Schema):
    """How a dataset is kept."""

    keep_until: str | None
    retentions: list[RetentionRow]
    is_held: bool
    holds: list[HoldRow] = Field(description="With their reasons, for those who manage the dataset")
    copies: str = Field(description="off, waiting or all: whether a second store has everything")
    read_since: str | None = Field(description="Every stored object was read again since then")
