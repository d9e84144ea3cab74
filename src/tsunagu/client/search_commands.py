"""``tsunagu search``: find data by words, values with units, and facets."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from tsunagu.client.messages import text
from tsunagu.client.workspace import connect

if TYPE_CHECKING:
    import argparse

    from tsunagu.client.output import Output

_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"
_AT_ONCE = 200


def run_search(options: argparse.Namespace, output: Output) -> None:
    """Show what is found, newest first when nothing is asked; with ``--json`` the answer of the node."""
    wish = {"q": " ".join(options.query), "sort": options.sort}
    with connect(options.url, options.token) as client:
        found = client.node.get("/search", **wish, limit=min(options.limit, _AT_ONCE))
        while found["next"] and len(found["hits"]) < options.limit:
            more = client.node.get(
                "/search",
                **wish,
                limit=min(options.limit - len(found["hits"]), _AT_ONCE),
                after=found["next"],
            )
            found["hits"] += more["hits"]
            found["next"] = more["next"]
    if output.as_json:
        output.json(found)
        return
    _say_first(found, output)
    for hit in found["hits"]:
        _show(hit, output)
    output.note(text("search_count", shown=len(found["hits"]), total=found["total"]))


def _say_first(found: dict[str, Any], output: Output) -> None:
    if found["cut"]:
        output.note(text("search_cut", count=found["cut"]))
    if found["is_building"]:
        output.note(text("search_building"))
    if found["is_loosened"]:
        output.note(text("search_loosened"))


def _show(hit: dict[str, Any], output: Output) -> None:
    place = f"{hit['project']}/{hit['name']}" if hit["project"] else hit["url"] or hit["source"]
    output.line(f"{place}  {'  '.join(hit['titles'])}")
    said = [hit["access"], *hit["formats"][:3], *hit["creators"][:3], hit["updated_at"][:10]]
    output.line(f"  {' · '.join(part for part in said if part)}")
    if hit["why"]:
        is_terminal = sys.stdout.isatty()
        pieces = (
            f"{_BOLD}{piece['text']}{_PLAIN}" if piece["is_match"] and is_terminal else piece["text"]
            for piece in hit["why"]
        )
        where = f"  [{text('search_page', path=hit['page_path'], number=hit['page'])}]" if hit["page"] else ""
        output.line(f"  {''.join(pieces)}{where}")
