"""A destination that an archive grows in: it must be new, or what an earlier call left unfinished."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from tsunagu.client.errors import IncompleteError, UsageError
from tsunagu.client.messages import text

if TYPE_CHECKING:
    from tsunagu.client.pull import PullReport

_MARK = ".tsunagu-archive.json"


def begin(destination: str, said: dict[str, object]) -> Path:
    """The folder, made if needed and marked as unfinished.

    Raises:
        UsageError: it holds something else.
    """
    target = Path(destination)
    mark = target / _MARK
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        try:
            is_ours = json.loads(mark.read_text("utf-8")) == said
        except (OSError, ValueError):
            is_ours = False
        if not is_ours:
            raise UsageError(
                text("archive_not_empty", path=destination), remedy=text("archive_not_empty_remedy")
            )
    target.mkdir(parents=True, exist_ok=True)
    mark.write_text(json.dumps(said), "utf-8")
    return target


def end(target: Path) -> None:
    """Say that it is whole."""
    (target / _MARK).unlink()


def refuse_incomplete(report: PullReport) -> None:
    """An archive without some of its files is none.

    Raises:
        IncompleteError: a file could not be pulled.
    """
    if report.problems:
        first = report.problems[0]
        raise IncompleteError(
            text(
                "archive_incomplete", count=len(report.problems), first=f"{first['path']}: {first['reason']}"
            )
        )
