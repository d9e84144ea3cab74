"""The arguments of ``tsunagu common-items``."""

from __future__ import annotations

from typing import Any

from tsunagu.client.messages import text


def add_commands(add: Any) -> None:
    """The Japanese common metadata items."""
    items = add(
        "common-items",
        "tsunagu common-items films/run-7\ntsunagu common-items films/run-7 --accept\n"
        'tsunagu common-items films/run-7 --set data_type="experimental data" --set charge=free\n'
        "tsunagu common-items films --csv > films.csv\ntsunagu common-items films/run-7 --version 2 --json",
    )
    items.add_argument("place", metavar="PROJECT[/DATASET]")
    items.add_argument(
        "--version", type=int, dest="number", default=None, metavar="N", help=text("help_items_version")
    )
    items.add_argument(
        "--set", dest="values", action="append", default=[], metavar="NAME=VALUE", help=text("help_items_set")
    )
    items.add_argument("--accept", action="store_true", help=text("help_items_accept"))
    items.add_argument("--csv", action="store_true", help=text("help_items_csv"))
