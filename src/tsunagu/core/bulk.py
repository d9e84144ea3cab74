"""Writing many rows at once: ``executemany`` on SQLite, ``COPY`` on PostgreSQL.

``bulk_create`` costs 5 to 14 times as much; the figures stand in docs/adr/0003.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from django.db import connection


def is_postgresql() -> bool:
    """Which of the two engines this node runs on."""
    return connection.vendor == "postgresql"


def insert(
    table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, ignore_duplicates: bool = False
) -> None:
    """Insert rows into a table in the running transaction.

    Args:
        table: Table name, a constant of the program.
        columns: Column names, constants of the program.
        rows: Values in the order of the columns.
        ignore_duplicates: Leave rows alone that are there already.
    """
    names = ", ".join(f'"{column}"' for column in columns)
    with connection.cursor() as cursor:
        if not is_postgresql():
            verb = "insert or ignore" if ignore_duplicates else "insert"
            marks = ", ".join(["%s"] * len(columns))
            cursor.executemany(f'{verb} into "{table}" ({names}) values ({marks})', cast("Any", rows))
            return
        target = f'"{table}"'
        if ignore_duplicates:
            # COPY knows no ON CONFLICT: copy aside, then insert.
            target = f'"new_{table}"'
            cursor.execute(
                f'create temporary table {target} on commit drop as select {names} from "{table}" limit 0'  # noqa: S608
            )
        with cursor.copy(f"copy {target} ({names}) from stdin") as copy:
            for row in rows:
                copy.write_row(row)
        if ignore_duplicates:
            cursor.execute(
                f'insert into "{table}" ({names}) select distinct {names} from {target} on conflict do nothing'  # noqa: S608
            )
            cursor.execute(f"drop table {target}")


def analyze(*tables: str) -> None:
    """Have PostgreSQL count tables again, in the running transaction, after it wrote much into them.

    Until its own round a minute later it plans for the few rows that were there before: each of the new rows would be
    compared with each. SQLite keeps no such counts.
    """
    if is_postgresql():
        with connection.cursor() as cursor:
            cursor.execute("analyze " + ", ".join(f'"{table}"' for table in tables))


def select_in(sql: str, values: Sequence[Any], *parameters: Any) -> list[tuple[Any, ...]]:
    """Run a query whose ``{values}`` stands for a list, as one query on both engines.

    Args:
        sql: Query with ``... in ({values})`` and ``%s`` marks for ``parameters`` BEFORE it.
        values: Texts, numbers or bytes.
        parameters: Values of the marks before the list.
    """
    if not values:
        return []
    with connection.cursor() as cursor:
        if is_postgresql():
            cursor.execute(sql.replace("in ({values})", "= any(%s)"), [*parameters, list(values)])
            return list(cursor.fetchall())
        found: list[tuple[Any, ...]] = []
        for start in range(0, len(values), 30000):  # SQLite takes 32,766 marks a query
            part = values[start : start + 30000]
            cursor.execute(sql.format(values=", ".join(["%s"] * len(part))), [*parameters, *part])
            found.extend(cursor.fetchall())
        return found
