"""Tables of a dataset: look, sort, filter, see how values are spread, plot, ask with SQL."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.http import urlencode

from tsunagu.core.cells import safe_cell
from tsunagu.core.errors import InvalidInputError
from tsunagu.data.tables import api as tables
from tsunagu.doors.web.views.dataset_frame import asked_card, frame
from tsunagu.doors.web.views.frame import member
from tsunagu.formats.api import Answer, QueryFailedError, TableCard
from tsunagu.foundation.identity.api import Actor

_ASK_ROWS = 500
_MOST_FILTERS = 4
_LONGEST_NUMBER = 8


@member
def show(request: HttpRequest, actor: Actor, *, project: str, dataset: str) -> HttpResponse:
    """A table of the version, or the answer to a query."""
    card, version = asked_card(request, actor, project, dataset)
    context = frame(actor, card, "tables", version)
    asked = request.GET
    try:
        found = tables.open_tables(actor, card, version=version)
    except tables.NoTablesError as error:
        return render(request, "web/tables.html", context | {"problem": error, "tables": []})
    sql = asked.get("sql", "").strip()
    cards = found.describe()
    example = f'select * from "{asked.get("table") or cards[0].name}" limit 100'  # noqa: S608 - a text to edit
    context |= {"tables": cards, "shown_sql": sql or example, "operators": tables.OPERATORS}
    try:
        if sql:
            answer = found.query(sql, most_rows=tables.MOST_ROWS if asked.get("form") == "csv" else _ASK_ROWS)
            if asked.get("form") == "csv":
                return _csv(answer, f"{card.name}.csv")
            context |= {"answer": answer, "csv_url": "?" + _kept(asked, form="csv")}
        else:
            context |= _look(found, _chosen(cards, asked), asked)
    except (QueryFailedError, InvalidInputError, tables.NoSuchTableError) as error:
        context["problem"] = error
    return render(request, "web/tables.html", context)


def _chosen(cards: list[TableCard], asked: QueryDict) -> TableCard:
    name = asked.get("table") or cards[0].name
    found = next((one for one in cards if one.name == name), None)
    if found is None:
        raise tables.NoSuchTableError(f"There is no table {name} in this version.", table=name)
    return found


def _look(found: tables.Tables, card: TableCard, asked: QueryDict) -> dict[str, Any]:
    """What the page shows of one table."""
    if card.problem:
        return {"table": card}
    filters = _filters(asked)
    number = asked.get("page", "")
    page = int(number) if number.isdigit() and len(number) < _LONGEST_NUMBER else 1
    wish = tables.Look(card.name, asked.get("sort", ""), bool(asked.get("down")), filters, max(1, page))
    view = tables.look(found, card, wish)
    shown: dict[str, Any] = {
        "table": card,
        "view": view,
        "look": wish,
        "columns": [{"card": one, **_order(asked, wish, one.name)} for one in card.columns],
        "numbers": [one.name for one in card.columns if one.is_number],
        "filter_rows": [*filters, tables.Filter("", "=")][:_MOST_FILTERS],
        "previous_url": "?" + _kept(asked, page=str(page - 1)) if page > 1 else "",
        "next_url": "?" + _kept(asked, page=str(page + 1)) if page < view.page_count else "",
    }
    if column := asked.get("spread"):
        shown["spread"] = tables.histogram(found, card, column, filters)
    if (x := asked.get("x")) and (y := asked.get("y")):
        shown["plot"] = _drawn(tables.points(found, card, x, y, filters))
    return shown


def _filters(asked: QueryDict) -> tuple[tables.Filter, ...]:
    rows = zip(asked.getlist("column"), asked.getlist("is"), asked.getlist("value"), strict=False)
    kept = (tables.Filter(column, operator, value.strip()) for column, operator, value in rows if column)
    return tuple(kept)[:_MOST_FILTERS]


def _order(asked: QueryDict, wish: tables.Look, column: str) -> dict[str, Any]:
    """The address that sorts by a column, and how it is sorted now: up, then down, then not at all."""
    is_sorted = wish.sort == column
    following = {"sort": column, "down": ""}
    if is_sorted:
        following = {"sort": "", "down": ""} if wish.is_down else {"sort": column, "down": "1"}
    direction = ("descending" if wish.is_down else "ascending") if is_sorted else "none"
    return {"url": "?" + _kept(asked, page="", **following), "direction": direction}


def _kept(asked: Mapping[str, Any], **changed: str) -> str:
    """The address of the page with some parts changed; empty ones are left out."""
    assert isinstance(asked, QueryDict)
    parts = [(name, value) for name, values in asked.lists() for value in values if name not in changed]
    return urlencode(
        [
            *((name, value) for name, value in parts if value or name == "value"),
            *((name, value) for name, value in changed.items() if value),
        ]
    )


def _drawn(found: tables.Points) -> dict[str, Any]:
    """Points as the drawing of curves wants them."""
    xs, ys = [point[0] for point in found.points], [point[1] for point in found.points]
    return {
        "title": f"{found.y} / {found.x}",
        "series": [{"x": xs, "y": ys}],
        "x_label": found.x,
        "y_label": found.y,
        "x_unit": found.x_unit,
        "y_unit": found.y_unit,
        "is_points": len(set(xs)) < len(xs),
        "row_count": found.row_count,
        "shown_count": len(xs),
    }


def _csv(answer: Answer, name: str) -> HttpResponse:
    """The rows as a file that spreadsheets open without running anything."""
    made = HttpResponse(content_type="text/csv; charset=utf-8")
    made["Content-Disposition"] = f'attachment; filename="{name}"'
    made.write("\ufeff")  # Excel takes UTF-8 for something else without it
    writer = csv.writer(made)
    writer.writerow([safe_cell(column) for column in answer.columns])
    writer.writerows([safe_cell(value) for value in row] for row in answer.rows)
    return made
