"""How data were used, for those who provide them; the month's report for DataCite."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from tsunagu.data.datasets import api as datasets
from tsunagu.data.usage import api as usage
from tsunagu.doors.who import actor_of, require_actor

router = Router(tags=["usage"])


class Counts(Schema):
    """COUNTER's numbers (Code of Practice for Research Data, release RD1), of people and of scripts together."""

    total_investigations: int
    unique_investigations: int
    total_requests: int
    unique_requests: int
    downloads: int = Field(description="Requests by browser, REST and the command line")
    loads: int = Field(description="Requests by the Hub's wire, the streaming loader and SQL")


class VersionCounts(Counts):
    """The same of one version."""

    version: int


class UseCounts(Counts):
    """With what other records of the node tell."""

    machine_investigations: int
    machine_requests: int
    runs: int
    runs_elsewhere: int
    trainings: int
    ai_grants: int
    citations: int


class MonthCounts(UseCounts):
    """The same of one month."""

    month: str = Field(description="2027-03")


class InstitutionRow(Schema):
    """An institution with at least `institutions_from` people in the month."""

    month: str
    institution: str
    people: int
    requests: int


class CitationRow(Schema):
    """A publication that says of itself that it cites or uses the dataset; version 0: it names none."""

    citing: str
    title: str
    relation: str
    version: int
    source: str
    first_seen_on: str


class UsageAnswer(Schema):
    """How a dataset was used; version 0: all versions."""

    place: str
    version: int
    total: UseCounts
    months: list[MonthCounts]
    versions: list[VersionCounts]
    models: list[str] = Field(description="Names of trainings that read it, as far as you may know them")
    ai_services: dict[str, int]
    institutions: list[InstitutionRow]
    institutions_from: int
    citations: list[CitationRow]


@router.get("/datasets/{project}/{dataset}/usage", response=UsageAnswer)
def read_use(
    request: HttpRequest,
    project: str,
    dataset: str,
    first: Annotated[str, Query(alias="from")] = "",
    last: Annotated[str, Query(alias="to")] = "",
    version: Annotated[int, Query(ge=0, lt=2**31)] = 0,
) -> Any:
    """Views, downloads, loads, runs, trainings, uses by AI and citations by month (`from`, `to`: 2027-03); for owners and editors."""
    actor = actor_of(request)
    card = datasets.get_dataset(actor, project, dataset)
    found = usage.use_of(actor, card, first=first, last=last, version=version)
    return {
        "place": found.place,
        "version": found.version,
        "total": found.total.as_row(),
        "months": [{"month": one.month, **one.as_row()} for one in found.months],
        "versions": [{"version": number, **one.as_row()} for number, one in found.versions],
        "models": found.models,
        "ai_services": found.ai_services,
        "institutions": [asdict(one) for one in found.institutions],
        "institutions_from": found.institutions_from,
        "citations": [asdict(one) for one in found.citations],
    }


@router.get("/usage/reports/dsr", response=dict[str, Any])
def dataset_report(request: HttpRequest, month: str) -> Any:
    """The dataset report (DSR, release rd1) of a `month` as DataCite takes it; for administrators of the node."""
    return usage.dataset_report(require_actor(request), month)
