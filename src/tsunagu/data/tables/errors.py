"""What can go wrong before a query runs."""

from __future__ import annotations

from tsunagu.core.errors import NotFoundError, UnavailableError


class NoTablesError(NotFoundError):
    """The version has no Parquet files."""

    code = "tables.none"
    default_message = "This version has no tables: none of its files is a Parquet file."
    default_remedy = "Make an AI-ready version of it, which holds its tables: tsunagu ready PROJECT/DATASET."


class NoSuchTableError(NotFoundError):
    """There is no such table or column."""

    code = "tables.no_such_table"


class TooManyQueriesError(UnavailableError):
    """Others ask just now."""

    code = "tables.busy"
    default_message = "Other queries are being answered; yours did not get a turn."
    default_remedy = "Ask again in a moment."
