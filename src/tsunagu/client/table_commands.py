"""``tsunagu sql``: the tables of a version, and one SELECT over them."""

from __future__ import annotations

import csv
import sys
from typing import TYPE_CHECKING, Any

from tsunagu.client.messages import text
from tsunagu.client.names import at_version
from tsunagu.client.node import dataset_path
from tsunagu.client.workspace import connect
from tsunagu.core.cells import safe_cell

if TYPE_CHECKING:
    import argparse

    from tsunagu.client.output import Output


def run_sql(options: argparse.Namespace, output: Output) -> None:
    """Answer a query, or list the tables when none is given."""
    dataset, version = at_version(options.dataset)
    place = dataset_path(dataset)
    with connect(options.url, options.token) as client:
        if not options.query:
            _show_tables(client.node.get(f"{place}/tables", version=version), output)
            return
        wish = {"sql": options.query, "version": version, "limit": options.limit}
        found = client.node.post(f"{place}/sql", wish, repeatable=True)
    if output.as_json:
        output.json(found)
    elif options.csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow([safe_cell(name) for name in found["columns"]])
        writer.writerows([safe_cell(value) for value in row] for row in found["rows"])
    else:
        output.table([found["columns"], *([_shown(value) for value in row] for row in found["rows"])])
        output.note(text("sql_rows", count=len(found["rows"])))
    if found["is_cut"]:
        output.note(text("sql_cut", count=len(found["rows"])))


def _show_tables(found: dict[str, Any], output: Output) -> None:
    if output.as_json:
        output.json(found)
        return
    for table in found["tables"]:
        output.line(text("sql_table", name=table["name"], rows=table["row_count"], files=len(table["files"])))
        if table["problem"]:
            output.line(f"  {table['problem']}")
        output.table(
            (f"  {one['name']}", one["type"], one["unit"], one["description"]) for one in table["columns"]
        )


def _shown(value: Any) -> Any:
    return "" if value is None else value
