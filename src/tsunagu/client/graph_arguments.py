"""The arguments of ``tsunagu graph``."""

from __future__ import annotations

from typing import Any

from tsunagu.client.messages import text


def add_commands(add: Any) -> None:
    """The arguments."""
    graph = add(
        "graph",
        "tsunagu graph 10.1234/abcd\ntsunagu graph https://orcid.org/0000-0002-1825-0097 --json\n"
        "tsunagu graph JP24K00366\ntsunagu graph 山田 花子 --kind person",
    )
    graph.add_argument("identifier", nargs="+", metavar="IDENTIFIER", help=text("help_graph_identifier"))
    graph.add_argument("--kind", default="", metavar="KIND", help=text("help_graph_kind"))
