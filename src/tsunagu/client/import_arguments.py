"""The arguments of ``tsunagu import``."""

from __future__ import annotations

from typing import Any

from tsunagu.client.messages import text


def add_commands(add: Any) -> None:
    """The arguments."""
    brought = add(
        "import",
        "tsunagu import crate.zip films/run-7\ntsunagu import measured-crate/ films/run-7\n"
        "tsunagu import datacite.xml films/run-7\ntsunagu import 10.5281/zenodo.1234567 films/run-7",
    )
    brought.add_argument("source", metavar="CRATE|RECORD|DOI", help=text("help_import_source"))
    brought.add_argument("dataset", metavar="PROJECT/DATASET")
    brought.add_argument("--anyway", action="store_true", help=text("help_import_anyway"))
    brought.add_argument("--no-create", action="store_true", help=text("help_no_create"))
    brought.add_argument(
        "--resolver", default="https://doi.org", metavar="URL", help=text("help_import_resolver")
    )
