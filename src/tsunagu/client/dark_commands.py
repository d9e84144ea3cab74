"""``tsunagu ocr``, ``unsorted`` and ``negative``: scans as text, old folders sorted, failures told."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from tsunagu.client.errors import UsageError
from tsunagu.client.messages import text
from tsunagu.client.node import dataset_path
from tsunagu.client.progress import size
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


_FAILURE = ("tried", "expected", "outcome", "reason")


def run_negative(options: argparse.Namespace, output: Output) -> None:
    """Tell what was tried and failed."""
    told = _told(options)
    if not told:
        raise UsageError(text("negative_nothing"), remedy=text("negative_nothing_remedy"))
    with connect(options.url, options.token) as client:
        answer = client.node.put(f"{dataset_path(options.dataset)}/negative-result", told)
    if output.as_json:
        output.json(answer)
    else:
        output.line(text("negative_told", dataset=options.dataset))


def _told(options: argparse.Namespace) -> dict[str, str]:
    said = {name: getattr(options, name) for name in _FAILURE}
    return {name: value for name, value in said.items() if value}


def run_unsorted(options: argparse.Namespace, output: Output) -> int:
    """Show what lies unsorted, accept proposals, or decide about files."""
    place = f"/projects/{quote(options.project, safe='')}/unsorted"
    with connect(options.url, options.token) as client:
        node = client.node
        if options.accept:
            return _accepted(node, place, options.accept, output)
        if options.verdict:
            return _decided(node, place, options, output)
        if options.proposals:
            return _proposed(node.get(f"{place}/proposals"), output)
        if options.files:
            return _files(node, place, output)
        return _overview(node.get(place, by=options.by), output)


def _overview(found: dict[str, Any], output: Output) -> int:
    if output.as_json:
        output.json(found)
        return 0
    output.table(
        (
            f"{group['inbox']}/{group['value']}",
            f"{group['file_count']:,}",
            size(group["byte_count"]),
            " ".join(f"{kind}:{count}" for kind, count in group["kinds"].items()),
        )
        for group in found["groups"]
    )
    output.note(
        text(
            "unsorted_counts",
            count=found["file_count"],
            bytes=size(found["byte_count"]),
            left=found["left_count"],
        )
    )
    if found["is_cut"]:
        output.note(text("unsorted_cut"))
    return 0


def _files(node: Node, place: str, output: Output) -> int:
    found = node.pages(f"{place}/files", "files")
    if output.as_json:
        output.json({"files": list(found)})
        return 0
    output.table(
        (
            f"{one['inbox']}/{one['path']}",
            size(one["byte_count"]),
            one["kind"],
            one["format"],
            one["instrument"],
            one["day"],
            one["same_as"] or one["note"],
        )
        for one in found
    )
    return 0


def _proposed(found: dict[str, Any], output: Output) -> int:
    if output.as_json:
        output.json(found)
        return 0
    output.table(
        (
            one["key"],
            one["name"],
            f"{one['file_count']:,}",
            size(one["byte_count"]),
            one["folder"] or "/",
            one["instrument"],
            one["week"],
        )
        for one in found["proposals"]
    )
    return 0


def _accepted(node: Node, place: str, keys: list[str], output: Output) -> int:
    if keys == ["all"]:
        keys = [one["key"] for one in node.get(f"{place}/proposals")["proposals"]]
    made = node.post(f"{place}/proposals", {"keys": keys})["decisions"]
    return _waited(node, place, made, output)


def _decided(node: Node, place: str, options: argparse.Namespace, output: Output) -> int:
    several: dict[str, list[str]] = {}
    for named in options.paths:
        inbox, _slash, path = named.partition("/")
        several.setdefault(inbox, []).append(path)
    if not several or not all(path for paths in several.values() for path in paths):
        raise UsageError(text("unsorted_no_paths"), remedy=text("unsorted_no_paths_remedy"))
    wish = {
        "verdict": options.verdict,
        "target": options.target,
        "note": options.note,
        "told": {f"negative_{name}": value for name, value in _told(options).items()},
    }
    made = [
        node.post(f"{place}/decisions", {**wish, "inbox": inbox, "paths": paths})
        for inbox, paths in several.items()
    ]
    return _waited(node, place, made, output)


def _waited(node: Node, place: str, made: list[dict[str, Any]], output: Output) -> int:
    """Wait until decisions are carried out, and say what became of them."""
    wanted = {one["id"]: one for one in made}
    while any(one["state"] == "open" for one in wanted.values()):
        time.sleep(_ASK_AGAIN_S)
        seen = {one["id"]: one for one in node.get(f"{place}/decisions")["decisions"]}
        # Only the last ones are listed: one that fell out of the list is asked for no more.
        wanted = {key: seen.get(key, {**one, "state": "done"}) for key, one in wanted.items()}
    if output.as_json:
        output.json({"decisions": list(wanted.values())})
    else:
        for one in wanted.values():
            said = {name: one[name] for name in ("verdict", "target", "reason")} | {
                "count": one["file_count"]
            }
            is_failed = one["state"] == "failed"
            output.line(text("unsorted_failed", **said) if is_failed else text("unsorted_decided", **said))
            if one["state"] == "done" and one["reason"]:
                output.note(one["reason"])
    return int(any(one["state"] == "failed" for one in wanted.values()))


def open_inbox(node: Node, project: str, folder: str) -> str:
    """The dataset in which an old folder lies unsorted; named after the folder.

    Raises:
        UsageError: a dataset was named, and not a project.
    """
    if not project or "/" in project:
        raise UsageError(text("unsorted_no_project", name=project), remedy=text("unsorted_no_project_remedy"))
    name = os.path.basename(os.path.abspath(folder))  # noqa: PTH100, PTH119 - light imports
    made = node.post(f"/projects/{quote(project, safe='')}/unsorted", {"name": name})
    return f"{made['project']}/{made['name']}"
