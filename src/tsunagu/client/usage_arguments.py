"""The arguments of ``tsunagu usage``."""

from __future__ import annotations

from typing import Any

from tsunagu.client.messages import text


def add_commands(add: Any) -> None:
    """How data were used, for those who provide them."""
    usage = add(
        "usage",
        "tsunagu usage films/run-7\ntsunagu usage films/run-7 --from 2027-01 --to 2027-03 --csv > use.csv\n"
        "tsunagu usage films/run-7 --version 2 --json\ntsunagu usage --report 2027-03 --json > dsr.json",
    )
    usage.add_argument("dataset", nargs="?", default="", metavar="PROJECT/DATASET")
    usage.add_argument("--from", dest="first", default="", metavar="MONTH", help=text("help_usage_from"))
    usage.add_argument("--to", dest="last", default="", metavar="MONTH", help=text("help_usage_to"))
    usage.add_argument(
        "--version", type=int, dest="number", default=0, metavar="N", help=text("help_usage_version")
    )
    usage.add_argument("--csv", action="store_true", help=text("help_usage_csv"))
    usage.add_argument("--report", default="", metavar="MONTH", help=text("help_usage_report"))
