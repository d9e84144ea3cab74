"""``tsunagu graph``: a thing and what it has to do with others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tsunagu.client.messages import language, text
from tsunagu.client.workspace import connect
from tsunagu.core.errors import NotFoundError

if TYPE_CHECKING:
    import argparse

    from tsunagu.client.output import Output


def run_graph(options: argparse.Namespace, output: Output) -> None:
    """Show a thing with its neighbours by relation; with ``--json`` the answer of the node."""
    wanted = " ".join(options.identifier)
    with connect(options.url, options.token) as client:
        found = client.node.get("/graph/things", identifier=wanted, kind=options.kind)["things"]
        found = found or client.node.get("/graph/things", name=wanted, kind=options.kind)["things"]
        if not found:
            raise NotFoundError(text("graph_none"))
        if len(found) > 1:
            if output.as_json:
                output.json({"things": found})
                return
            for card in found:
                output.line(_line(card))
            output.note(text("graph_several", count=len(found)))
            return
        thing = client.node.get(f"/graph/things/{found[0]['uid']}")
    if output.as_json:
        output.json(thing)
        return
    _show(thing, output)


def _show(thing: dict[str, Any], output: Output) -> None:
    output.line(_line(thing["card"]))
    for conflict in thing["conflicts"]:
        values = ", ".join(conflict["values"])
        output.line(f"  ! {text('graph_conflict', kind=conflict['kind'], values=values)}")
    for group in thing["groups"]:
        arrow = "->" if group["is_from"] else "<-"
        output.line(f"{arrow} {group['relation']} ({group['count']:,})")
        for near in group["neighbours"]:
            output.line(f"   {_line(near['card'])}")
        if group["count"] > len(group["neighbours"]):
            output.line(f"   {text('graph_more', count=group['count'] - len(group['neighbours']))}")


def _line(card: dict[str, Any]) -> str:
    names = {one["language"]: one["text"] for one in reversed(card["names"])}
    name = names.get(language()) or next(iter(reversed(names.values())), "")
    ids = [f"{one['scheme']}:{one['value']}" for one in card["identifiers"][:2]]
    return " · ".join(part for part in (name, card["kind"], *ids) if part)
