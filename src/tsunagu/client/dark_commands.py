"""``tsunagu ocr``: scanned pages as text."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tsunagu.client.messages import text
from tsunagu.client.node import dataset_path
from tsunagu.client.workspace import connect

if TYPE_CHECKING:
    import argparse

    from tsunagu.client.node import Node
    from tsunagu.client.output import Output

_ASK_AGAIN_S = 1.0
_OPEN = ("waiting", "reading")


def run_ocr(options: argparse.Namespace, output: Output) -> int:
    """Have pages read and wait for them; with ``--text`` print what stands on them."""
    place = dataset_path(options.dataset)
    with connect(options.url, options.token) as client:
        node = client.node
        begun = node.post(f"{place}/page-readings", {"paths": options.paths, "again": options.again})
        found = begun["readings"] if options.detach else _followed(node, place, begun["readings"], output)
        if output.as_json:
            output.json({"readings": found})
        elif options.as_text:
            for reading in found:
                _print_text(node, place, reading, output)
        else:
            for reading in found:
                output.line(_summed(reading))
    for reading in found:
        if reading["state"] == "failed" and (options.as_text or output.as_json):
            print(_summed(reading), file=sys.stderr)
    return int(any(reading["state"] == "failed" for reading in found))


def _followed(node: Node, place: str, readings: list[dict[str, Any]], output: Output) -> list[dict[str, Any]]:
    """The readings when all have ended; says now and then how far they are."""
    wanted, said = {one["id"]: one for one in readings}, {one["id"]: 0 for one in readings}
    while any(one["state"] in _OPEN for one in wanted.values()):
        time.sleep(_ASK_AGAIN_S)
        for one in node.pages(f"{place}/page-readings", "readings"):
            if one["id"] not in wanted:
                continue
            wanted[one["id"]] = one
            if one["done_count"] > said[one["id"]] and one["state"] in _OPEN:
                said[one["id"]] = one["done_count"]
                output.note(
                    text("ocr_progress", path=one["path"], done=one["done_count"], count=one["page_count"])
                )
    return list(wanted.values())


def _print_text(node: Node, place: str, reading: dict[str, Any], output: Output) -> None:
    for number in range(1, reading["done_count"] + 1):
        page = node.get(f"{place}/pages?{urlencode({'path': reading['path'], 'page': number})}")
        output.line(text("ocr_page", path=reading["path"], number=number))
        output.line(page["text"])


def _summed(reading: dict[str, Any]) -> str:
    if reading["state"] == "failed":
        return text("ocr_failed", path=reading["path"], reason=reading["reason"])
    if reading["state"] in _OPEN:
        return text("ocr_waits", path=reading["path"])
    return text(
        "ocr_done",
        path=reading["path"],
        text=reading["text_count"],
        empty=reading["empty_count"],
        bad=reading["unreadable_count"],
    )
