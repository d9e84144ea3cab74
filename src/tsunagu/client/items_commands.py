"""``tsunagu common-items``: the national list of metadata items, for a dataset or a whole project."""

from __future__ import annotations

import csv
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tsunagu.client.errors import UsageError
from tsunagu.client.messages import language, text
from tsunagu.client.node import dataset_path
from tsunagu.client.workspace import connect

if TYPE_CHECKING:
    import argparse

    from tsunagu.client.output import Output


def run_common_items(options: argparse.Namespace, output: Output) -> None:
    """Show, set and accept; as a table with the official names with ``--csv``."""
    with connect(options.url, options.token) as client:
        if "/" not in options.place:
            found = client.node.get(f"/projects/{quote(options.place, safe='')}/common-items")
            output.json(found) if output.as_json else _write_csv(found)
            return
        place = f"{dataset_path(options.place)}/common-items"
        more = {} if options.number is None else {"version": options.number}
        sheet = client.node.get(place, **more)
        wish = {"values": dict(_pair(one) for one in options.values), "accept": []}
        if options.accept:
            offers = [one["name"] for item in sheet["items"] for one in item["values"] if one["proposed"]]
            wish["accept"] = [name for name in offers if name not in wish["values"]]
        if wish["values"] or wish["accept"]:
            sheet = client.node.put(place, wish)
    if output.as_json:
        output.json(sheet)
    elif options.csv:
        _write_csv(sheet["table"])
    else:
        _show(sheet, output)


def _pair(said: str) -> tuple[str, str]:
    name, equals, value = said.partition("=")
    if not (name and equals):
        raise UsageError(text("items_bad_set", said=said), remedy=text("items_bad_set_remedy"))
    return name.strip(), value


def _write_csv(table: dict[str, Any]) -> None:
    """With the mark that tells Excel that this is UTF-8."""
    sys.stdout.flush()
    sys.stdout.buffer.write(b"\xef\xbb\xbf")
    writer = csv.writer(lines := _Lines())
    writer.writerow(table["header"])
    writer.writerows(table["rows"])
    sys.stdout.buffer.write("".join(lines.written).encode("utf-8", "backslashreplace"))
    sys.stdout.buffer.flush()


class _Lines:
    """Keeps what a CSV writer writes."""

    def __init__(self) -> None:
        self.written: list[str] = []

    def write(self, line: str) -> int:
        """A line with its end."""
        self.written.append(line)
        return len(line)


def _show(sheet: dict[str, Any], output: Output) -> None:
    chosen = language()
    rows = []
    for item in sheet["items"]:
        said = [one["words"].get(chosen, "") for one in item["values"] if one["value"]]
        offers = [one["proposed"] for one in item["values"] if one["proposed"]]
        shown = " / ".join(dict.fromkeys(said))
        if offers:
            shown = f"{shown} {text('items_proposed', value=' / '.join(offers))}".strip()
        mark = text("items_missing") if item["is_missing"] else ""
        names = ", ".join(one["name"] for one in item["values"] if one["name"])
        rows.append((mark, item["label"][chosen], shown, names))
    output.table(rows)
    for item in sheet["items"]:
        if item["is_missing"]:
            output.note(f"{item['label'][chosen]}: {item['remedy'][chosen]}")
