"""``tsunagu harvest``: records of other repositories."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tsunagu.client.errors import UsageError
from tsunagu.client.messages import text
from tsunagu.client.workspace import connect

if TYPE_CHECKING:
    import argparse

    from tsunagu.client.node import Node
    from tsunagu.client.output import Output

_ASK_AGAIN_S = 1.0


def run_harvest(options: argparse.Namespace, output: Output) -> int:
    """Take up a repository or ask it again and wait for the end of the round; or one of the other actions."""
    with connect(options.url, options.token) as client:
        node = client.node
        if options.action == "list":
            return _listed(node.get("/harvest/sources"), output)
        if not options.target:
            raise UsageError(text("harvest_target_missing"), remedy=text("harvest_target_remedy"))
        if "://" in options.target:
            return _add(node, options, output)
        place = f"/harvest/sources/{quote(options.target, safe='')}"
        if options.action in {"records", "problems"}:
            return _records(node, place, output, only_problems=options.action == "problems")
        if options.action == "remove":
            node.delete(place)
            output.note(text("harvest_removed", name=options.target))
            return 0
        if options.action == "pause":
            return _listed({"sources": [node.post(f"{place}/pause")]}, output)
        return _followed(node, node.post(f"{place}/ask", {"whole": options.whole}), options, output)


def _add(node: Node, options: argparse.Namespace, output: Output) -> int:
    content = {
        "url": options.target,
        "set_spec": options.set_spec,
        "prefix": options.prefix,
        "name": options.name,
        "every_hours": options.every,
    }
    made = node.post("/harvest/sources", content)
    output.note(text("harvest_taken_up", title=made["title"], name=made["name"], prefix=made["prefix"]))
    return _followed(node, made, options, output)


def _followed(node: Node, source: dict[str, Any], options: argparse.Namespace, output: Output) -> int:
    place, said, count = f"/harvest/sources/{quote(source['name'], safe='')}", "", 0
    while source["state"] == "waiting" and not options.detach:
        if source["reason"] and source["reason"] != said:
            said = source["reason"]
            output.note(text("harvest_waits", reason=said))
        if source["seen_count"] > count:
            count = source["seen_count"]
            output.note(text("harvest_progress", name=source["name"], count=count))
        time.sleep(_ASK_AGAIN_S)
        source = node.get(place)
    if output.as_json:
        output.json(source)
    elif source["state"] == "failed":
        print(text("harvest_failed", reason=source["reason"]), file=sys.stderr)
    else:
        output.line(_summed(source))
    return int(source["state"] == "failed")


def _summed(source: dict[str, Any]) -> str:
    return text(
        "harvest_done",
        name=source["name"],
        records=source["record_count"],
        deleted=source["deleted_count"],
        problems=source["problem_count"],
    )


def _listed(found: dict[str, Any], output: Output) -> int:
    if output.as_json:
        output.json(found)
        return 0
    output.table(
        (
            one["name"],
            text(f"harvest_state_{one['state']}"),
            f"{one['record_count']:,}",
            one["prefix"],
            one["url"],
            one["reason"],
        )
        for one in found["sources"]
    )
    return 0


def _records(node: Node, place: str, output: Output, *, only_problems: bool) -> int:
    found = node.pages(f"{place}/records", "records", problems=str(only_problems).lower())
    if output.as_json:
        output.json({"records": list(found)})
        return 0
    output.table(
        (
            str(one["id"]),
            one["identifier"],
            text("harvest_withdrawn") if one["is_deleted"] else one["datestamp"],
            one["problem"] or one["title"],
        )
        for one in found
    )
    return 0
