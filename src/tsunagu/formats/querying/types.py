"""What is asked of tables, and what comes back."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

DESCRIBE, QUERY = "describe", "query"


@dataclass(frozen=True, slots=True)
class TableFiles:
    """A table: its name, and the sizes of its Parquet files in bytes, in the order in which they are asked for."""

    name: str
    sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """One question about tables.

    Attributes:
        kind: ``describe`` (columns and rows of every table) or ``query``.
        sql: One SELECT, in the words of DuckDB.
        parameters: Values of its ``?``.
        most_rows, most_bytes: Where the answer is cut; bytes as JSON.
    """

    kind: str
    tables: tuple[TableFiles, ...]
    sql: str = ""
    parameters: tuple[Any, ...] = ()
    most_rows: int = 1000
    most_bytes: int = 8 << 20

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> Question:
        """From what ``as_json`` gave."""
        tables = tuple(TableFiles(one["name"], tuple(one["sizes"])) for one in said["tables"])
        return cls(**{**said, "tables": tables, "parameters": tuple(said["parameters"])})


@dataclass(frozen=True, slots=True)
class ColumnCard:
    """A column: its type in the words of Arrow, and what the file says about it."""

    name: str
    type: str
    unit: str = ""
    description: str = ""
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class TableCard:
    """A table with its columns; ``problem`` says in words why it cannot be read."""

    name: str
    row_count: int = 0
    columns: tuple[ColumnCard, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows of a query: JSON values, one list per row.

    Attributes:
        is_cut: There are more rows than the question wanted.
    """

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...] = field(repr=False)
    is_cut: bool = False
