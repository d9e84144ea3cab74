"""Commands about the data management plan of a project."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tsunagu.client.errors import UsageError
from tsunagu.client.messages import language, text
from tsunagu.client.workspace import connect

if TYPE_CHECKING:
    import argparse

    from tsunagu.client.output import Output

_EXIT_BROKEN = 1


def run_plan(options: argparse.Namespace, output: Output) -> int:
    """Import, export or check a plan; the exit code of a check is 1 when something is broken."""
    place = f"/projects/{quote(options.project, safe='')}/plan"
    with connect(options.url, options.token) as client:
        if options.action == "import":
            answer = client.node.put(place, _read(options.file))
            if output.as_json:
                output.json(answer)
            else:
                output.line(text("plan_imported", project=options.project, number=answer["number"]))
            return 0
        if options.action == "export":
            _write(client.node.get(place), options.file, output)
            return 0
        answer = client.node.post(f"{place}/check")
    if output.as_json:
        output.json(answer)
    else:
        _show(answer, output)
    return _EXIT_BROKEN if answer["broken"] else 0


def _read(file: str | None) -> dict[str, Any]:
    if not file:
        raise UsageError(text("plan_needs_file"), remedy="tsunagu plan import PROJECT FILE")
    try:
        raw = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8-sig")
        found = json.loads(raw)
    except (OSError, ValueError) as error:
        raise UsageError(
            text("plan_unreadable", file=file, error=error), remedy=text("plan_unreadable_remedy")
        ) from None
    if not isinstance(found, dict):
        raise UsageError(
            text("plan_unreadable", file=file, error="{}"), remedy=text("plan_unreadable_remedy")
        )
    return found


def _write(document: dict[str, Any], file: str | None, output: Output) -> None:
    if not file or file == "-":
        output.json(document)
        return
    Path(file).write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", "utf-8")
    output.note(text("plan_exported", file=file))


def _show(answer: dict[str, Any], output: Output) -> None:
    here = language()
    counts = {state: answer[state] for state in ("broken", "due", "green")}
    output.line(text("plan_counts", **counts))
    for one in answer["findings"]:
        if one["state"] == "green":
            continue
        due = f" ({one['due_on']})" if one["due_on"] else ""
        state = text(f"plan_is_{one['state']}")
        output.line(f"{state}  {one['place']}  {one['title'][here]}{due}")
        for words in (one["says"], one["todo"]):
            if words:
                output.line(f"    {words[here]}")
