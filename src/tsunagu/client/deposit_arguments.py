"""The arguments of ``tsunagu deposit``."""

from __future__ import annotations

from typing import Any

from tsunagu.client.messages import text


def add_commands(add: Any) -> None:
    """The arguments."""
    deposit = add(
        "deposit",
        "tsunagu deposit films/run-7\n"
        "tsunagu deposit films/run-7 --to kitamiyama-ir\n"
        "tsunagu deposit films/run-7 --version 2 --to kitamiyama-ir\n"
        "tsunagu deposit films/run-7 --to kitamiyama-ir --found-at https://ir.example.ac.jp/sword/deposit/123",
    )
    deposit.add_argument("dataset", metavar="PROJECT/DATASET")
    deposit.add_argument(
        "--version", type=int, dest="number", default=0, metavar="N", help=text("help_deposit_version")
    )
    deposit.add_argument("--to", default="", metavar="NAME", help=text("help_deposit_to"))
    deposit.add_argument("--found-at", default="", metavar="URL", help=text("help_deposit_found_at"))
    deposit.add_argument("--not-there", action="store_true", help=text("help_deposit_not_there"))
