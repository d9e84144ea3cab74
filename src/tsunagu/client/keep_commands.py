"""Commands about keeping data and giving them up."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from tsunagu.client.errors import UsageError
from tsunagu.client.messages import text
from tsunagu.client.node import dataset_path
from tsunagu.client.workspace import connect

if TYPE_CHECKING:
    import argparse

    from tsunagu.client.output import Output


def run_delete(options: argparse.Namespace, output: Output) -> None:
    """Destroy a dataset for good, with a reason."""
    place = dataset_path(options.dataset)
    if not options.reason.strip():
        raise UsageError(text("reason_needed"), remedy='--reason "..."')
    with connect(options.url, options.token) as client:
        answer = client.node.delete(place, {"reason": options.reason})
    if output.as_json:
        output.json(answer)
    else:
        output.line(text("delete_done", place=options.dataset, run=answer["run"]))


def run_retain(options: argparse.Namespace, output: Output) -> None:
    """Show until when a dataset is kept, or prolong it."""
    name, _, version = options.dataset.partition("@")
    if version and not version.isdigit():
        raise UsageError(
            text("bad_dataset_name", name=options.dataset), remedy=text("bad_dataset_name_remedy")
        )
    place = dataset_path(name)
    with connect(options.url, options.token) as client:
        if options.until:
            wish = {"until": options.until, "version": int(version or 0), "reason": options.reason}
            answer = client.node.put(f"{place}/retention", wish)
        else:
            answer = client.node.get(f"{place}/keeping")
    if output.as_json:
        output.json(answer)
        return
    output.line(text("keep_until", until=answer["keep_until"]) if answer["keep_until"] else text("keep_free"))
    output.table(
        (
            f"@{one['version']}" if one["version"] else "",
            one["until"],
            text(f"keep_{one['source']}"),
            one["reason"],
        )
        for one in answer["retentions"]
    )
    if answer["is_held"]:
        output.line(text("keep_held"))
    output.table((one["place"], one["placed_at"], one["placed_by"], one["reason"]) for one in answer["holds"])
    output.line(text(f"copies_{answer['copies']}"))


def run_hold(options: argparse.Namespace, output: Output) -> None:
    """List legal holds, place one, or lift one."""
    with connect(options.url, options.token) as client:
        if options.lift:
            if not options.place:
                raise UsageError(text("hold_needs_id"), remedy="tsunagu hold")
            answer = client.node.delete(f"/holds/{quote(options.place, safe='')}", {"reason": options.reason})
            said = text("hold_lifted", place=answer["place"])
        elif options.place:
            answer = client.node.post("/holds", {"place": options.place, "reason": options.reason})
            said = text("hold_placed", place=options.place)
        else:
            answer = client.node.get("/holds")
            said = ""
    if output.as_json:
        output.json(answer)
    elif said:
        output.line(said)
    else:
        output.table(
            (
                one["id"],
                one["place"],
                text("hold_over", at=one["lifted_at"]) if one["lifted_at"] else text("hold_stands"),
                one["placed_by"],
                one["reason"],
            )
            for one in answer["holds"]
        )
