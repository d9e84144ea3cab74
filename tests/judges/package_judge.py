"""Run by the Python of .judges: ``package_judge.py FILE``; prints as JSON what frictionless says of a data package.

Every file is fetched, its bytes and its hash are compared, every row of a table is read against its schema.
"""

from __future__ import annotations

import json
import sys

import frictionless
from frictionless import Package, Resource


def main(path: str) -> None:
    """Judge one package."""
    report = frictionless.validate(path)
    errors = [error.message for error in report.errors]
    errors += [error.message for task in report.tasks for error in task.errors]
    tables = [] if errors else [_read(one) for one in Package(path).resources if one.type == "table"]
    print(json.dumps({"errors": errors, "tables": tables}, default=str))


def _read(resource: Resource) -> dict[str, object]:
    rows = [row.to_dict() for row in resource.read_rows()]
    fields = [one.to_descriptor() for one in resource.schema.fields]
    return {
        "title": resource.title, "rows": len(rows), "first": rows[0], "last": rows[-1], "fields": fields,
    }  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
