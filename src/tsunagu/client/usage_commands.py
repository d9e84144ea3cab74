"""``tsunagu usage``: how data were used, by month."""

from __future__ import annotations

import csv
import sys
from typing import TYPE_CHECKING, Any

from tsunagu.client.errors import UsageError
from tsunagu.client.messages import text
from tsunagu.client.node import dataset_path
from tsunagu.client.workspace import connect

if TYPE_CHECKING:
    import argparse

    from tsunagu.client.output import Output

_SHOWN = (
    "total_investigations",
    "unique_investigations",
    "downloads",
    "loads",
    "runs",
    "trainings",
    "ai_grants",
    "citations",
)


def run_usage(options: argparse.Namespace, output: Output) -> None:
    """The months of a dataset as a table, CSV or JSON; or the report of a month for DataCite."""
    with connect(options.url, options.token) as client:
        if options.report:
            output.json(client.node.get("/usage/reports/dsr", month=options.report))
            return
        if not options.dataset:
            raise UsageError(text("usage_dataset_missing"), remedy=text("usage_dataset_remedy"))
        wish = {"from": options.first, "to": options.last, "version": options.number}
        found = client.node.get(f"{dataset_path(options.dataset)}/usage", **wish)
    if output.as_json:
        output.json(found)
    elif options.csv:
        writer = csv.DictWriter(sys.stdout, list(found["months"][0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(found["months"])
    else:
        _show(found, output)


def _show(found: dict[str, Any], output: Output) -> None:
    rows = [("", *(text(f"usage_{name}") for name in _SHOWN))]
    rows += [(one["month"], *(f"{one[name]:,}" for name in _SHOWN)) for one in found["months"]]
    rows.append((text("usage_total"), *(f"{found['total'][name]:,}" for name in _SHOWN)))
    output.table(rows)
    for name in found["models"]:
        output.line(text("usage_model", name=name))
    for one in found["citations"]:
        output.line(text("usage_cited", citing=one["citing"], title=one["title"]))
    for one in found["institutions"]:
        output.line(text("usage_institution", **one))
