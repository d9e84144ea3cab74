"""The door of tables: Parquet files of a version as tables that answer SQL."""

from tsunagu.data.tables.asking import MOST_ROWS, Tables, open_tables, stop
from tsunagu.data.tables.errors import NoSuchTableError, NoTablesError, TooManyQueriesError
from tsunagu.data.tables.types import OPERATORS, Bar, Filter, Histogram, Look, Points, View
from tsunagu.data.tables.viewing import PAGE_ROWS, histogram, look, points

__all__ = [
    "MOST_ROWS",
    "OPERATORS",
    "PAGE_ROWS",
    "Bar",
    "Filter",
    "Histogram",
    "Look",
    "NoSuchTableError",
    "NoTablesError",
    "Points",
    "Tables",
    "TooManyQueriesError",
    "View",
    "histogram",
    "look",
    "open_tables",
    "points",
    "stop",
]
