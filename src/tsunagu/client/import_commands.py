"""``tsunagu import``: bring what others made into a dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tsunagu.client.errors import IncompleteError, UsageError
from tsunagu.client.importing import made_ready
from tsunagu.client.messages import text
from tsunagu.client.workspace import connect

if TYPE_CHECKING:
    import argparse

    from tsunagu.client.output import Output


def run_import(options: argparse.Namespace, output: Output) -> None:
    """Check what came, push it; its description becomes proposals that a person accepts value by value."""
    with made_ready(options.source, resolver=options.resolver.rstrip("/")) as made:
        if made.problems:
            output.problems(
                text("import_problems"), [(path, text(f"import_file_{why}")) for path, why in made.problems]
            )
            if not options.anyway:
                raise UsageError(
                    text("import_refused", count=len(made.problems)), remedy=text("import_refused_remedy")
                )
        with (
            connect(options.url, options.token) as client,
            output.progress(text("pushing")) as progress,
        ):
            dataset = client.dataset(options.dataset)
            report = dataset.push(
                made.folder, note=f"import: {options.source}", create=not options.no_create, progress=progress
            )
    if output.as_json:
        output.json({**report.as_json(), "kind": made.kind, "described": made.file_count})
    else:
        output.line(
            text(
                f"import_done_{made.kind}",
                dataset=options.dataset,
                count=f"{report.sent + report.same + report.linked:,}",
            )
        )
        output.line(text("import_next", dataset=options.dataset))
    if report.problems:
        output.problems(text("push_problems"), [(one.path, one.reason) for one in report.problems])
        raise IncompleteError(
            text("push_incomplete", count=len(report.problems)), remedy=text("push_again_remedy")
        )
