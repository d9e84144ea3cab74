"""Structured logs: one JSON object a line, fixed words plus fields, with the run id bound.

Never contents of files, tokens or names of people. ``bind_run`` puts the id of the run into every line of a thread.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from tsunagu.core import clock

_run_id: ContextVar[str] = ContextVar("tsunagu_run_id", default="")
# Django adds the whole request to what it logs, and its query holds codes and states of sign-ins: left out.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "request"}


class JsonFormatter(logging.Formatter):
    """Control characters are escaped by JSON, so a file name cannot forge a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one JSON object."""
        line: dict[str, Any] = {
            "at": clock.isoformat(clock.now()),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        if run := _run_id.get():
            line["run"] = run
        line.update({k: v for k, v in vars(record).items() if k not in _STANDARD and not k.startswith("_")})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


@contextlib.contextmanager
def bind_run(run_id: str) -> Iterator[None]:
    """Put the run id into every log line of the block."""
    token = _run_id.set(run_id)
    try:
        yield
    finally:
        _run_id.reset(token)


def configure(level: str) -> None:
    """Log JSON lines to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
