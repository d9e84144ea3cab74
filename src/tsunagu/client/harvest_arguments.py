"""The arguments of ``tsunagu harvest``."""

from __future__ import annotations

from typing import Any

from tsunagu.client.messages import text


def add_commands(add: Any) -> None:
    """The arguments."""
    harvest = add(
        "harvest",
        "tsunagu harvest https://repository.example.ac.jp/oai\n"
        "tsunagu harvest https://repository.example.ac.jp/oai --set physics --every 6\n"
        "tsunagu harvest repository-example-ac-jp\n"
        "tsunagu harvest repository-example-ac-jp --problems\n"
        "tsunagu harvest --list",
    )
    harvest.add_argument(
        "target", nargs="?", default="", metavar="URL|NAME", help=text("help_harvest_target")
    )
    harvest.add_argument("--set", dest="set_spec", default="", metavar="SET", help=text("help_harvest_set"))
    harvest.add_argument("--prefix", default="", metavar="FORM", help=text("help_harvest_prefix"))
    harvest.add_argument("--name", default="", metavar="NAME", help=text("help_harvest_name"))
    harvest.add_argument("--every", type=int, default=24, metavar="HOURS", help=text("help_harvest_every"))
    harvest.add_argument("--whole", action="store_true", help=text("help_harvest_whole"))
    harvest.add_argument("--detach", action="store_true", help=text("help_harvest_detach"))
    for name in ("list", "records", "problems", "pause", "remove"):
        harvest.add_argument(
            f"--{name}", dest="action", action="store_const", const=name, help=text(f"help_harvest_{name}")
        )
