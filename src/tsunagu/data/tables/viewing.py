"""A table as people look at it: this module writes the SQL, and values are its parameters."""

from __future__ import annotations

from tsunagu.core.errors import InvalidInputError
from tsunagu.data.tables.asking import Tables
from tsunagu.data.tables.errors import NoSuchTableError
from tsunagu.data.tables.types import OPERATORS, Bar, Filter, Histogram, Look, Points, View
from tsunagu.formats.api import ColumnCard, TableCard

PAGE_ROWS = 50
_BARS, _WORDS, _POINTS = 40, 30, 2000


def look(tables: Tables, card: TableCard, wish: Look) -> View:
    """A page of the table, sorted and filtered.

    Raises:
        NoSuchTableError: there is no such column.
        InvalidInputError: an operator that is none, or text where a number is wanted.
        QueryFailedError, TooManyQueriesError: it could not be asked.
    """
    where, values = _where(card, wish.filters)
    table = _quoted(card.name)
    counted = tables.query(f"select count(*) from {table} {where}", values)
    order = ""
    if wish.sort:
        order = f"order by {_quoted(_column(card, wish.sort).name)} {'desc' if wish.is_down else 'asc'} nulls last"
    start = (wish.page - 1) * PAGE_ROWS
    sql = f"select * from {table} {where} {order} limit {PAGE_ROWS} offset {start}"
    found = tables.query(sql, values, most_rows=PAGE_ROWS)
    total = int(counted.rows[0][0])
    return View(found.columns, found.rows, total, max(1, -(-total // PAGE_ROWS)))


def histogram(tables: Tables, card: TableCard, column: str, filters: tuple[Filter, ...] = ()) -> Histogram:
    """How the values are spread: 40 equal steps for numbers, the 30 most frequent ones for everything else.

    Raises:
        As ``look``.
    """
    found = _column(card, column)
    where, values = _where(card, filters)
    source = f"(select {_quoted(found.name)} as v from {_quoted(card.name)} {where})"
    if found.is_number:
        return _numbers(tables, found, source, values)
    top = f"select v::varchar, count(*) n from {source} where v is not null group by 1 order by n desc, 1 limit {_WORDS}"
    bars = tuple(Bar(str(label), int(count)) for label, count in tables.query(top, values).rows)
    whole = tables.query(f"select count(*), count(v) from {source}", values).rows[0]
    return Histogram(
        found.name, found.unit, bars, whole[0] - whole[1], whole[1] - sum(bar.count for bar in bars)
    )


def _numbers(tables: Tables, column: ColumnCard, source: str, values: tuple[object, ...]) -> Histogram:
    finite = f"(select v::double d from {source} where isfinite(v::double))"
    low, high, count = tables.query(f"select min(d), max(d), count(*) from {finite}", values).rows[0]
    whole, present = tables.query(f"select count(*), count(v) from {source}", values).rows[0]
    bars: tuple[Bar, ...] = ()
    if count:
        width = (high - low) / _BARS or 1.0
        steps = f"least({_BARS - 1}, floor((d - ?) / ?))::int"
        sql = f"select {steps} step, count(*) from {finite} group by 1"
        counts = dict(tables.query(sql, (low, width, *values)).rows)
        edges = [low + width * step for step in range(_BARS + 1)]
        bars = tuple(
            Bar(
                f"{edges[step]:.6g} – {edges[step + 1]:.6g}",
                counts.get(step, 0),
                edges[step],
                edges[step + 1],
            )
            for step in range(_BARS if high > low else 1)
        )
    return Histogram(column.name, column.unit, bars, whole - present, present - count)


def points(tables: Tables, card: TableCard, x: str, y: str, filters: tuple[Filter, ...] = ()) -> Points:
    """Two columns of numbers against each other, in the order of x; every n-th row where there are many.

    Raises:
        As ``look``; NoSuchTableError also for columns that hold no numbers.
    """
    one, two = _column(card, x), _column(card, y)
    if not (one.is_number and two.is_number):
        raise NoSuchTableError(f"{x} and {y} are not both numbers.", column=x if not one.is_number else y)
    where, values = _where(card, filters)
    source = f"(select {_quoted(one.name)}::double x, {_quoted(two.name)}::double y from {_quoted(card.name)} {where})"
    sql = (
        f"with s as (select x, y from {source} where isfinite(x) and isfinite(y)), "
        "n as (select *, row_number() over (order by x, y) - 1 as place, count(*) over () as total from s) "
        f"select x, y, total from n where place % greatest(1, total // {_POINTS}) = 0 order by x, y"
    )
    rows = tables.query(sql, values, most_rows=2 * _POINTS).rows
    total = int(rows[0][2]) if rows else 0
    return Points(one.name, two.name, one.unit, two.unit, tuple((row[0], row[1]) for row in rows), total)


def _where(card: TableCard, filters: tuple[Filter, ...]) -> tuple[str, tuple[object, ...]]:
    parts: list[str] = []
    values: list[object] = []
    for one in filters:
        column = _column(card, one.column)
        name = _quoted(column.name)
        if one.operator not in OPERATORS:
            raise InvalidInputError(f"There is no condition {one.operator}.", operator=one.operator)
        match one.operator:
            case "empty":
                parts.append(f"{name} is null")
            case "present":
                parts.append(f"{name} is not null")
            case "contains":
                parts.append(f"contains(lower({name}::varchar), lower(?))")
                values.append(one.value)
            case operator:
                parts.append(f"{name} {operator} ?")
                values.append(_number(one.value) if column.is_number else one.value)
    return (f"where {' and '.join(parts)}" if parts else ""), tuple(values)


def _number(text: str) -> float | int:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        raise InvalidInputError(f"{text} is no number.", value=text) from None


def _column(card: TableCard, name: str) -> ColumnCard:
    found = next((one for one in card.columns if one.name == name), None)
    if found is None:
        raise NoSuchTableError(f"{card.name} has no column {name}.", column=name)
    return found


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
