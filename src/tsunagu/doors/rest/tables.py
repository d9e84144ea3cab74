"""Tables of a version, and SQL over them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from tsunagu.data.datasets import api as datasets
from tsunagu.data.tables import api as tables
from tsunagu.doors import counting
from tsunagu.doors.rest.openapi import Input
from tsunagu.doors.who import require_actor

router = Router(tags=["tables"])


class ColumnRow(Schema):
    """A column; the type in the words of Arrow."""

    name: str
    type: str
    unit: str
    description: str
    is_number: bool


class TableRow(Schema):
    """A table: files of one name and number are one. ``problem``: why it cannot be read."""

    name: str
    row_count: int
    columns: list[ColumnRow]
    problem: str
    files: list[str]


class TableList(Schema):
    """The tables of a version."""

    version: int
    tables: list[TableRow]


class Query(Input):
    """One SELECT in the words of DuckDB over the tables of a version; null: the newest state."""

    sql: str = Field(max_length=100_000)
    version: int | None = Field(default=None, ge=1, lt=2**31)
    limit: int = Field(default=1000, ge=1, le=tables.MOST_ROWS)


class Rows(Schema):
    """The answer; ``is_cut``: there are more rows, or they are larger than 8 MiB."""

    version: int
    columns: list[str]
    types: list[str]
    rows: list[list[Any]]
    is_cut: bool


@router.get("/datasets/{project}/{dataset}/tables", response=TableList)
def list_tables(request: HttpRequest, project: str, dataset: str, version: int | None = None) -> Any:
    """The tables of a version with their columns."""
    actor = require_actor(request)
    found = tables.open_tables(actor, datasets.get_dataset(actor, project, dataset), version=version)
    return {
        "version": found.version,
        "tables": [{**asdict(one), "files": found.paths(one.name)} for one in found.describe()],
    }


@router.post("/datasets/{project}/{dataset}/sql", response=Rows)
def query(request: HttpRequest, project: str, dataset: str, body: Query) -> Any:
    """Answer one SELECT; nothing is changed and nothing is kept."""
    actor = require_actor(request)
    card = datasets.get_dataset(actor, project, dataset)
    found = tables.open_tables(actor, card, version=body.version)
    rows = asdict(found.query(body.sql, most_rows=body.limit))
    counting.fetched(request, actor, card.slug, found.version, "sql", is_job=True)
    return {"version": found.version, **rows}
