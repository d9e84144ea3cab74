"""What the agent tells the node about itself: queue, clock, and files that it could not place or take."""

from __future__ import annotations

import datetime as dt
import platform
import sys
import time
from typing import TYPE_CHECKING, Any

from . import VERSION, names, words
from .ledger import ACTIVE, WAITING, Row
from .line import host_name
from .scan import Trouble
from .watching import UNPLACED

if TYPE_CHECKING:
    from .engine import Engine

_MOST = 100
_PLACELESS = frozenset({*UNPLACED, "link", "special"})


def beat(engine: Engine) -> dict[str, Any]:
    """The report as JSON; sentences are English, ``code`` and ``fields`` let the node say them in Japanese."""
    watched = [folder.path for folder in engine.folders]
    counts = engine.ledger.counts(watched)
    oldest = engine.ledger.oldest_waiting_at(watched)
    found = problems(engine)
    return {
        "version": VERSION,
        "host": host_name(),
        "python": platform.python_version(),
        "platform": f"{sys.platform} {platform.release()}"[:100],
        "state": "resting" if engine.is_resting else engine.state,
        "queue": sum(counts.get(state, 0) for state in WAITING),
        "counts": counts,
        "oldest_waiting_at": None if oldest is None else moment(oldest + (engine.clock_offset_s or 0.0)),
        "clock_offset_s": engine.clock_offset_s,
        "folders": [
            {"path": names.printable(folder.path), "state": folder.missing.code if folder.missing else "ok"}
            for folder in engine.folders
        ],
        "errors": [*(entry for entry in found if entry["code"] not in _PLACELESS), *vanished(engine)][:_MOST],
        "unplaced": [entry for entry in found if entry["code"] in _PLACELESS][:_MOST],
        "recent": [
            {
                "path": names.printable(row.path), "size": row.size, "at": moment(row.done_at + (engine.clock_offset_s or 0.0)),
                "project": row.project, "dataset": row.dataset, "sha256": row.sha256,
            }
            for row in engine.ledger.recent(20)
        ],
    }  # fmt: skip


def problems(engine: Engine) -> list[dict[str, Any]]:
    """Everything that somebody should look at: folders first."""
    troubles = [_of_trouble(folder.path, trouble) for folder in engine.folders for trouble in folder.troubles]
    watched = [folder.path for folder in engine.folders]
    rows = engine.ledger.rows(ACTIVE, folders=watched, where="code != ''", order="id DESC", limit=2 * _MOST)
    return [*troubles, *(_of_row(row) for row in rows)]


def vanished(engine: Engine) -> list[dict[str, Any]]:
    """Files that went away within the last day before they were sent."""
    rows = engine.ledger.rows(("vanished",), where="code != ''", order="next_try_at DESC", limit=_MOST)
    return [_of_row(row) for row in rows if row.next_try_at > time.time()]


def _of_trouble(folder: str, trouble: Trouble) -> dict[str, Any]:
    return _entry(folder, trouble.path or folder, trouble.code, dict(trouble.fields))


def _of_row(row: Row) -> dict[str, Any]:
    return _entry(row.folder, row.path, row.code, dict(row.fields))


def _entry(folder: str, path: str, code: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "folder": names.printable(folder),
        "path": names.printable(path),
        "code": code,
        "fields": fields,
        "reason": words.say(code, "en", fields),
    }


def moment(seconds: float) -> str:
    """RFC 3339 in UTC."""
    try:
        return dt.datetime.fromtimestamp(seconds, dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):  # the PC's clock is beyond reason
        return ""
