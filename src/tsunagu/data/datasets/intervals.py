"""Reading the rows of a version by keyset, at a cost that depends on the page alone.

A version holds the rows with ``since <= v < until``. Walking the path index would step over every dead row in
between (500,000 of them cost 50 to 130 ms). The table of intervals says which pairs (since, until) exist, so a page
merges one exact index range per living pair. With many pairs and few dead rows the plain walk is cheaper.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection

from tsunagu.data.datasets.models import Interval
from tsunagu.data.datasets.types import FileCard

Pair = tuple[int, int]
END = "\U0010ffff"
_FEW_PAIRS = 24
_MANY_DEAD = 20_000
_MOST_PAIRS = 400  # SQLite takes 500 terms in a compound select
_COLUMNS = "path, byte_count, sha256, run_row, since"


def pairs_of(dataset_row: int) -> dict[Pair, int]:
    """Every pair (since, until) of a dataset with its number of rows."""
    rows = Interval.objects.filter(dataset_id=dataset_row, row_count__gt=0)
    return {(since, until): count for since, until, count in rows.values_list("since", "until", "row_count")}


def rows_at(
    dataset_row: int,
    version: int,
    *,
    prefix: str = "",
    after: str = "",
    limit: int,
    pairs: dict[Pair, int] | None = None,
) -> list[FileCard]:
    """Files of a version whose path starts with ``prefix`` and comes after ``after``, in path order."""
    known = pairs_of(dataset_row) if pairs is None else pairs
    living = [pair for pair in known if pair[0] <= version < pair[1]]
    # A prefix itself may be the path of a file, so the lower bound lies just before it.
    low, high = (after, prefix + END) if after >= prefix else (_just_before(prefix), prefix + END)
    high = high if prefix else ""
    dead = sum(known.values()) - sum(known[pair] for pair in living)
    if len(living) <= _FEW_PAIRS or (dead > _MANY_DEAD and len(living) <= _MOST_PAIRS):
        return [_card(row) for row in rows_in(dataset_row, living, low, high, limit)]
    sql = f"select {_COLUMNS} from datasets_filerow where dataset_id = %s and path > %s"  # noqa: S608 - constants
    values: list[Any] = [dataset_row, low]
    if high:
        sql += " and path < %s"
        values.append(high)
    sql += " and since <= %s and until > %s order by path limit %s"
    with connection.cursor() as cursor:
        cursor.execute(sql, [*values, version, version, limit])
        return [_card(row) for row in cursor.fetchall()]


def _just_before(path: str) -> str:
    """The greatest text below a path that no path has: paths hold no control characters."""
    last = ord(path[-1]) - 1
    if 0xD800 <= last <= 0xDFFF:  # noqa: PLR2004 - surrogates are no characters
        last = 0xD7FF
    return path[:-1] + chr(last) + END


def rows_in(
    dataset_row: int, pairs: Sequence[Pair], low: str, high: str, limit: int
) -> list[tuple[Any, ...]]:
    """Raw rows of the pairs, merged in path order: (path, byte count, sha256, run row, since)."""
    if not pairs:
        return []
    part = (
        f"select * from (select {_COLUMNS} from datasets_filerow where dataset_id = %s and until = %s and since = %s "  # noqa: S608
        f"and path > %s {'and path < %s' if high else ''} order by path limit %s) as p"
    )
    values: list[Any] = []
    for since, until in pairs:
        values += [dataset_row, until, since, low, *([high] if high else []), limit]
    sql = " union all ".join([part] * len(pairs))
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} order by path limit %s", [*values, limit])
        return list(cursor.fetchall())


def _card(row: tuple[Any, ...]) -> FileCard:
    return FileCard(row[0], row[1], bytes(row[2]), row[3])
