"""The arguments of ``tsunagu move``."""

from __future__ import annotations

from typing import Any

from tsunagu.client.messages import text


def add_commands(add: Any) -> None:
    """The arguments."""
    move = add(
        "move",
        "tsunagu move films/run-7 films/run-8 --to https://data.example.ac.jp\n"
        "tsunagu move --collection kitamiyama --to https://data.example.ac.jp --institution kitamiyama",
    )
    move.add_argument("datasets", nargs="*", metavar="PROJECT/DATASET", help=text("help_move_datasets"))
    move.add_argument("--collection", default="", metavar="INSTITUTION", help=text("help_move_collection"))
    move.add_argument("--to", required=True, metavar="URL", help=text("help_move_to"))
    move.add_argument("--to-token", default="", metavar="TOKEN", help=text("help_move_to_token"))
    move.add_argument("--institution", default="", metavar="NAME", help=text("help_move_institution"))
    move.add_argument("--into", default="", metavar="PROJECT", help=text("help_move_into"))
    move.add_argument("--work", default="", metavar="FOLDER", help=text("help_move_work"))
