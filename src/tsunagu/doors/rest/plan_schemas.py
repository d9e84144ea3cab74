"""What the REST interface says of plans."""

from __future__ import annotations

from ninja import Field, Schema


class PlanVersion(Schema):
    """A version of a data management plan."""

    number: int
    title: str
    note: str
    run: str
    written_at: str


class PlanVersions(Schema):
    """Versions of a plan."""

    versions: list[PlanVersion]


class PlanFindingRow(Schema):
    """What a check found; texts are `{en, ja}`."""

    check: str
    place: str
    state: str = Field(description="broken, due or green")
    severity: str
    blocks: list[str]
    title: dict[str, str]
    says: dict[str, str]
    todo: dict[str, str]
    basis: dict[str, str]
    basis_date: str
    due_on: str


class PlanFindings(Schema):
    """What the last check of a plan found."""

    broken: int
    due: int
    green: int
    run: str
    checked_at: str
    findings: list[PlanFindingRow]
