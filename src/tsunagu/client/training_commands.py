"""Commands about data read for training: what one's trainings read, and the data section of a model's card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tsunagu.client.messages import text
from tsunagu.client.workspace import connect

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from tsunagu.client.output import Output


def run_trainings(options: argparse.Namespace, output: Output) -> None:
    """List one's trainings with what they read, or write the data section of a model's card."""
    with connect(options.url, options.token) as client:
        if options.name:
            found = [client.node.get(f"/trainings/{quote(options.name, safe='')}")]
        else:
            found = client.node.get("/trainings")["trainings"]
        url = client.node.account.url
    if output.as_json:
        output.json(found[0] if options.name else {"trainings": found})
    elif options.card:
        for line in card(found, url):
            output.line(line)
    elif not found:
        output.line(text("trainings_none"))
    else:
        output.table(
            (
                one["name"],
                f"{use['dataset']}@{use['version']}",
                text("trainings_read", rows=use["rows"], epochs=use["epochs"]),
                use["outcome"] or text("trainings_open"),
                use["started_at"],
            )
            for one in found
            for use in one["uses"]
        )
    for one in found:
        if one["hidden"]:
            output.note(text("trainings_hidden", name=one["name"], count=one["hidden"]))


def card(trainings: Sequence[dict[str, Any]], url: str) -> list[str]:
    """The data section of a model's card: YAML that the Hub's clients read, and a table with versions and hashes."""
    uses = [use for one in trainings for use in one["uses"]]
    names = sorted({use["dataset"] for use in uses})
    lines = ["---", "datasets:", *(f"- {name}" for name in names), "---", "", f"## {text('card_title')}", ""]
    lines += [f"| {text('card_head')} |", "|---|---|---|---|"]
    for key in sorted({(use["dataset"], use["version"], use["version_hash"]) for use in uses}):
        dataset, version, version_hash = key
        mine = [use for use in uses if (use["dataset"], use["version"]) == key[:2]]
        runs = ", ".join(use["run"] for use in mine)
        rows = sum(use["rows"] for use in mine)
        lines.append(f"| [{dataset}]({url}/d/{dataset}) | {version} (`{version_hash}`) | {rows:,} | {runs} |")
    return lines
