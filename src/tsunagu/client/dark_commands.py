"""``tsunagu ocr``, ``unsorted`` and ``negative``: scans as text, old folders sorted, failures told."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from tsunagu.client.errors import EXIT_INTERRUPTED, UsageError
from tsunagu.client.messages import text
from tsunagu.client.node import dataset_path
from tsunagu.client.progress import size
from tsunagu.client.workspace import connect

if TYPE_CHECKING:
    import argparse

    from tsunagu.client.node import Node
    from tsunagu.client.output import Output

_ASK_AGAIN_S, _ASK_AGAIN_AT_LEAST_S = 1.0, 10.0
_MOST_NAMED = 1000
_OPEN = ("waiting", "reading")


def run_ocr(options: argparse.Namespace, output: Output) -> int:
    """Have pages read and wait for them; with ``--text`` print what stands on them."""
    place = dataset_path(options.dataset)
    with connect(options.url, options.token) as client:
        node = client.node
        try:
            found = _listed(node, place, options) if options.status else _begun(node, place, options)
            if not (options.detach or options.status):
                found = _followed(node, place, found, output)
        except KeyboardInterrupt:
            return _left(text("ocr_left", dataset=options.dataset))
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


def _left(said: str) -> int:
    """The node goes on: how to look at it again."""
    print(f"\n{said}", file=sys.stderr)
    return EXIT_INTERRUPTED


def _begun(node: Node, place: str, options: argparse.Namespace) -> list[dict[str, Any]]:
    """The readings of the files that were named, or of every one; the node begins with some at a time."""
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, max(1, len(options.paths)), _MOST_NAMED):
        wish = {"paths": options.paths[start : start + _MOST_NAMED], "again": options.again}
        after: str | None = ""
        while after is not None:
            answer = node.post(f"{place}/page-readings", {**wish, **({"after": after} if after else {})})
            found |= {one["id"]: one for one in answer["readings"]}
            after = answer.get("next")
    return list(found.values())


def _listed(node: Node, place: str, options: argparse.Namespace) -> list[dict[str, Any]]:
    every = node.pages(f"{place}/page-readings", "readings")
    return [one for one in every if not options.paths or one["path"] in options.paths]


def _followed(node: Node, place: str, readings: list[dict[str, Any]], output: Output) -> list[dict[str, Any]]:
    """The readings when all have ended."""
    wanted, wait = {one["id"]: one for one in readings}, _ASK_AGAIN_S
    said: set[str] = set()
    with output.progress(text("ocr_working")) as progress:
        while still := sorted(key for key, one in wanted.items() if one["state"] in _OPEN):
            pages = sum(one["done_count"] for one in wanted.values())
            progress.tell(text("ocr_progress", done=len(wanted) - len(still), count=len(wanted), pages=pages))
            time.sleep(wait)
            wait = min(1.5 * wait, _ASK_AGAIN_AT_LEAST_S)
            news = _news(node, place, still)
            for key in still:
                gone = {**wanted[key], "state": "failed", "reason": text("ocr_gone")}
                wanted[key] = one = news.get(key, gone)
                if one["state"] in _OPEN and one["reason"] and one["reason"] not in said:
                    said.add(one["reason"])
                    progress.close()
                    output.note(_summed(one))
    return list(wanted.values())


def _news(node: Node, place: str, still: list[str]) -> dict[str, dict[str, Any]]:
    """The list of readings from the first that is still open to the last one."""
    found: dict[str, dict[str, Any]] = {}
    after: str | None = still[0][:-1]  # comes right before it
    while after is not None and after < still[-1]:
        page = node.get(f"{place}/page-readings", after=after)
        found |= {one["id"]: one for one in page["readings"]}
        after = page.get("next")
    return found


def _print_text(node: Node, place: str, reading: dict[str, Any], output: Output) -> None:
    for number in range(1, reading["done_count"] + 1):
        page = node.get(f"{place}/pages?{urlencode({'path': reading['path'], 'page': number})}")
        output.line(text("ocr_page", path=reading["path"], number=number))
        output.line(page["text"])


def _summed(reading: dict[str, Any]) -> str:
    if reading["state"] == "failed":
        return text("ocr_failed", path=reading["path"], reason=reading["reason"])
    if reading["state"] in _OPEN:
        waits = text("ocr_waits", path=reading["path"])
        return f"{waits}: {reading['reason']}" if reading["reason"] else waits
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
    place = _place(options)
    with connect(options.url, options.token) as client:
        node = client.node
        if options.accept:
            return _accepted(node, options, output)
        if options.verdict:
            return _decided(node, options, output)
        if options.decisions:
            _show_decisions(node.get(f"{place}/decisions")["decisions"], output)
            return 0
        if options.proposals:
            return _proposed(node.get(f"{place}/proposals"), output)
        if options.files:
            return _files(node, place, output)
        return _overview(node.get(place, by=options.by), output)


def _place(options: argparse.Namespace) -> str:
    return f"/projects/{quote(options.project, safe='')}/unsorted"


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


def _accepted(node: Node, options: argparse.Namespace, output: Output) -> int:
    place, keys = _place(options), options.accept
    if keys == ["all"]:
        keys = [one["key"] for one in node.get(f"{place}/proposals")["proposals"]]
    made = []
    for start in range(0, len(keys), _MOST_NAMED):
        made += node.post(f"{place}/proposals", {"keys": keys[start : start + _MOST_NAMED]})["decisions"]
    return _waited(node, options, made, output)


def _decided(node: Node, options: argparse.Namespace, output: Output) -> int:
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
        node.post(f"{_place(options)}/decisions", {**wish, "inbox": inbox, "paths": paths})
        for inbox, paths in several.items()
    ]
    return _waited(node, options, made, output)


def _waited(node: Node, options: argparse.Namespace, made: list[dict[str, Any]], output: Output) -> int:
    """Wait until decisions are carried out, and say what became of them."""
    try:
        done = _carried_out(node, _place(options), made, output)
    except KeyboardInterrupt:
        return _left(text("unsorted_goes_on", project=options.project))
    return _show_decisions(done, output)


def _carried_out(node: Node, place: str, made: list[dict[str, Any]], output: Output) -> list[dict[str, Any]]:
    wanted, wait = {one["id"]: one for one in made}, _ASK_AGAIN_S
    with output.progress(text("unsorted_working")) as progress:
        while still := [key for key, one in wanted.items() if one["state"] == "open"]:
            progress.tell(text("unsorted_progress", done=len(wanted) - len(still), count=len(wanted)))
            time.sleep(wait)
            wait = min(1.5 * wait, _ASK_AGAIN_AT_LEAST_S)
            news: dict[str, dict[str, Any]] = {}
            for one in node.pages(f"{place}/decisions", "decisions"):  # newest first
                news[one["id"]] = one
                if one["id"] <= min(still):
                    break
            for key in still:
                gone = {**wanted[key], "state": "failed", "reason": text("unsorted_gone")}
                wanted[key] = news.get(key, gone)
    return list(wanted.values())


def _show_decisions(found: list[dict[str, Any]], output: Output) -> int:
    if output.as_json:
        output.json({"decisions": found})
        return int(any(one["state"] == "failed" for one in found))
    for one in found:
        said = {"verdict": one["verdict"], "count": one["file_count"], "target": one["target"]}
        if one["state"] == "failed":
            output.line(text("unsorted_failed", **said, reason=one["reason"]))
        else:
            is_done = one["state"] == "done"
            output.line(text("unsorted_decided", **said) if is_done else text("unsorted_under_way", **said))
            if one["reason"]:
                output.note(one["reason"])
    return int(any(one["state"] == "failed" for one in found))


def open_inbox(node: Node, project: str, folder: str, output: Output) -> str:
    """The dataset in which an old folder lies unsorted; named after the folder.

    Raises:
        UsageError: a dataset was named, and not a project.
    """
    if not project or "/" in project:
        raise UsageError(text("unsorted_no_project", name=project), remedy=text("unsorted_no_project_remedy"))
    name = os.path.basename(os.path.abspath(folder))  # noqa: PTH100, PTH119 - light imports
    # Old disks hold names in Shift JIS; each keeps one of its own that can be sent.
    name = os.fsencode(name).decode("utf-8", "backslashreplace")
    made = node.post(f"/projects/{quote(project, safe='')}/unsorted", {"name": name})
    if made.get("file_count"):
        # Also when the same folder goes on; but it may be another one of the same name.
        output.note(text("unsorted_not_empty", dataset=made["name"], count=made["file_count"]))
    return f"{made['project']}/{made['name']}"
