"""Making a version AI-ready, and the card that says what it still lacks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tsunagu.client.errors import UsageError
from tsunagu.client.messages import language, text
from tsunagu.client.names import at_version
from tsunagu.client.node import dataset_path
from tsunagu.client.output import width
from tsunagu.client.progress import size
from tsunagu.client.workspace import connect

if TYPE_CHECKING:
    import argparse

    from tsunagu.client.output import Output

_EXIT_FAILED = 1
_POLL_LEAST_S, _POLL_MOST_S = 0.1, 0.5
_SHARE = 0.1  # of the time that it took, while nothing is made; later of what is left by that
_MARKS = {"pass": "✓", "fail": "✗", "unknown": "?", "not_applicable": "–"}


def run_ready(options: argparse.Namespace, output: Output) -> int:
    """Make a version AI-ready and print its card; the exit code is 1 when the conversion failed."""
    dataset, version = at_version(options.dataset)
    place = f"{dataset_path(dataset)}/readiness"
    with connect(options.url, options.token) as client:
        if options.attest:
            rule, _, answer = options.attest.partition("=")
            client.node.put(
                f"{place}/attestations", {"rule": rule, "answer": answer or "yes", "note": options.note}
            )
        for name in options.repair:
            client.node.post(f"{place}/repairs", {**_named(name), "note": options.note})
        if options.undo:
            _take_back(client.node, place, dataset, options.undo)
        if options.repair or options.undo or not (options.card or options.attest):
            begun = client.node.post(place, {"version": version or 0, "shards": options.shards})
            _wait(client.node, f"{place}/preparation?version={begun['version']}", output)
            card = client.node.get(f"{place}?version={begun['version']}")
        else:
            card = client.node.get(place + (f"?version={version}" if version is not None else ""))
    if output.as_json:
        output.json(card)
    else:
        _show(card, output)
    preparation = card["preparation"]
    return _EXIT_FAILED if preparation and preparation["state"] == "failed" else 0


def _named(name: str) -> dict[str, str]:
    """A repair as the card names it, in its parts: ``KIND:COLUMN=VALUE``; the last sign of equality divides."""
    kind, _, rest = name.partition(":")
    if not rest and "=" in kind:
        kind, _, value = kind.partition("=")
        return {"kind": kind, "column": "", "value": value}
    column, sign, value = rest.rpartition("=")
    return {"kind": kind, "column": column if sign else value, "value": value if sign else ""}


def _take_back(node: Any, place: str, dataset: str, names: list[str]) -> None:
    """End choices by their names, with or without the value."""
    for name in names:
        choices = node.get(place)["choices"]
        meant = [one for one in choices if name in {one["id"], one["name"], one["name"].partition("=")[0]}]
        if not meant:
            raise UsageError(
                text("ready_no_choice", name=name), remedy=text("ready_no_choice_remedy", dataset=dataset)
            )
        for one in meant:
            node.delete(f"{place}/choices/{one['id']}")


def _wait(node: Any, address: str, output: Output) -> None:
    """Until the tables are done or failed; whoever interrupts leaves them to the node."""
    began = time.monotonic()
    with output.progress(text("ready_working")) as progress:
        while True:
            found = node.get(address)
            if found["state"] in {"done", "failed"}:
                return
            progress.tell(f"{size(found['done_bytes'])} / {size(found['total_bytes'])}")
            time.sleep(_pause_s(time.monotonic() - began, found["done_bytes"], found["total_bytes"]))


def _pause_s(passed_s: float, done: int, total: int) -> float:
    """Until the next question: the end is not waited for longer than need be, and the node not asked in vain."""
    share = passed_s * _SHARE
    if done:
        share *= max(0, total - done) / done
    return min(_POLL_MOST_S, max(_POLL_LEAST_S, share))


def _show(card: dict[str, Any], output: Output) -> None:
    _show_criteria(card, output)
    here = language()
    if card["choices"]:
        output.line()
        output.line(text("ready_choices"))
        for one in card["choices"]:
            state = "" if one["is_applied"] else f" ({text('ready_not_applied')})"
            output.line(f"  {one['name']}{state}")
            output.line(f"      {one['says'][here]}")
    if card["repairs"]:
        output.line()
        output.line(text("ready_repairs", dataset=card["dataset"]))
        for one in card["repairs"]:
            name = one["name"]
            if one["is_open"] and not one["value"]:
                name += f"={text('ready_open_value')}"
            output.line(f"  {name}")
            output.line(f"      {one['title'][here]}: {one['changes'][here]}")
    if card["is_outdated"]:
        output.line()
        output.line(text("ready_outdated", dataset=card["dataset"]))


def _show_criteria(card: dict[str, Any], output: Output) -> None:
    here = language()
    rules = card["rules"]
    output.line(text("ready_score", dataset=card["dataset"], version=card["version"], score=card["score"]))
    output.line(text("ready_rules", id=rules["id"], dated=rules["dated"], version=rules["version"][:12]))
    preparation = card["preparation"]
    if preparation and preparation["state"] == "failed":
        output.line(text("ready_failed", reason=preparation["reason"]))
    elif preparation and preparation["derived"]:
        output.line(
            text("ready_made", derived=preparation["derived"], version=preparation["derived_version"])
        )
    for group in card["groups"]:
        score = "–" if group["score"] is None else str(group["score"])
        output.line()
        output.line(f"{group['title'][here]}  {score}")
        widest = max(width(one["title"][here]) for one in group["results"])
        for one in group["results"]:
            title = one["title"][here]
            output.line(
                f"  {_MARKS[one['verdict']]} {title}{' ' * (widest - width(title))}  {one['says'][here]}"
            )
            is_for_people = one["verdict"] == "unknown" and one["decided_by"] == "attested"
            if one["verdict"] == "fail" or is_for_people:
                output.line(f"      → {one['repair'][here]}")
