"""Run by the Python of .judges: ``package_judge.py FILE``; prints as JSON what frictionless says of a data package.

Every file is fetched and compared with its bytes and hash, every row of a table is read against its schema.
"""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path
from typing import Any

import frictionless
from frictionless import Package, Resource

_OF_TABLES = ("type", "profile", "schema", "dialect", "encoding")


def main(path: str) -> None:
    """Judge one package."""
    # Not by its path: frictionless 5.21 takes the addresses in a file on disk for paths beside it when it reads Parquet.
    said = json.loads(Path(path).read_text())
    as_files, as_tables = copy.deepcopy(said), copy.deepcopy(said)
    for one in as_files["resources"]:
        for name in _OF_TABLES:
            one.pop(name, None)
        one["type"] = "file"
    for one in as_tables["resources"]:
        if (
            one["format"] == "parquet"
        ):  # it does not count the bytes of these while it reads them, so they never fit
            del one["bytes"], one["hash"]
    errors = [*_errors(as_files), *_errors(as_tables)]
    resources = [] if errors else Package.from_descriptor(as_tables).resources
    print(
        json.dumps(
            {"errors": errors, "tables": [_read(one) for one in resources if one.type == "table"]},
            default=str,
        )
    )


def _errors(descriptor: dict[str, Any]) -> list[str]:
    report = frictionless.validate(descriptor, type="package")
    return [
        error.message for error in (*report.errors, *(one for task in report.tasks for one in task.errors))
    ]


def _read(resource: Resource) -> dict[str, object]:
    rows = [row.to_dict() for row in resource.read_rows()]
    fields = [one.to_descriptor() for one in resource.schema.fields]
    return {
        "title": resource.title, "rows": len(rows), "first": rows[0], "last": rows[-1], "fields": fields,
    }  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
