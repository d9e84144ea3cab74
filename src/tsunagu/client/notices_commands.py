"""``tsunagu notices``: notices of other services."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from tsunagu.client.messages import text
from tsunagu.client.workspace import connect

if TYPE_CHECKING:
    import argparse

    from tsunagu.client.node import Node
    from tsunagu.client.output import Output


def run_notices(options: argparse.Namespace, output: Output) -> int:
    """Decide about one notice, or list notices, partner services or what was sent."""
    with connect(options.url, options.token) as client:
        node = client.node
        if notice := options.accept or options.reject or options.let_through or options.throw_away:
            _decide(node, options, f"/notices/{quote(notice, safe='')}")
            output.note(text("notices_done", notice=notice))
            return 0
        if options.partners:
            return _listed(node.get("/notices/partners"), "partners", ("name", "title", "inbox"), output)
        if options.sent:
            columns: tuple[str, ...] = ("id", "partner", "pattern", "state", "exchange", "last_error")
            return _listed(node.get("/notices/sent"), "sent", columns, output)
        found = {"notices": list(node.pages("/notices", "notices", state=options.state))}
        columns = ("id", "state", "partner_title", "pattern", "place", "relation", "address")
        return _listed(found, "notices", columns, output)


def _decide(node: Node, options: argparse.Namespace, place: str) -> None:
    if options.throw_away:
        node.delete(place)
    elif options.let_through:
        node.post(f"{place}/let-through")
    else:
        node.post(f"{place}/verdicts/{'accept' if options.accept else 'reject'}", {"relation": ""})


def _listed(
    found: dict[str, list[dict[str, object]]], name: str, columns: tuple[str, ...], output: Output
) -> int:
    if output.as_json:
        output.json(found)
    else:
        output.table(tuple(str(one[column]) for column in columns) for one in found[name])
    return 0
