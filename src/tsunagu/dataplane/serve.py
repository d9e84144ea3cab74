"""Runs the byte server: ``python -m tsunagu.dataplane.serve --config FILE``.

One gunicorn worker with many threads: the running hashes of uploads live in its memory, and PATCHes of one upload
must meet the same process.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import select
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication
from gunicorn.workers.gthread import ThreadWorker

from tsunagu.core import clock, lifeline
from tsunagu.dataplane.app import create_app
from tsunagu.dataplane.receive import limit_sending, set_time_limits
from tsunagu.dataplane.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_STAY_MS = 50
_WAITS = 3


class _Line(socket.socket):
    """A connection whose files the kernel sends as far as they go; Python's own way asks for room before every buffer.

    Attributes:
        idle_s: A peer that takes nothing for so long is left.
    """

    __slots__ = ("idle_s",)
    idle_s: float

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """Send ``count`` bytes.

        Raises:
            TimeoutError: the peer took nothing for too long.
        """
        sent, whole = 0, count or 0
        # One call waits several times: for each buffer that took something, and once more.
        limit_sending(self, self.idle_s / _WAITS)
        moved = time.monotonic()
        while sent < whole:
            try:
                done = os.sendfile(self.fileno(), file.fileno(), offset + sent, whole - sent)
            except BlockingIOError:
                if time.monotonic() - moved > self.idle_s:
                    raise TimeoutError("the peer took nothing for too long") from None
                continue
            if not done:
                break  # the file is shorter than its record: the peer sees an answer that is cut off
            sent, moved = sent + done, time.monotonic()
        return sent


class BytesWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threaded worker, with limits on peers that are silent or send their headers drop by drop."""

    limits: Settings

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._reading: dict[Any, float] = {}
        self._guard = threading.Lock()
        self._waiting = 0

    def handle(self, conn: Any) -> Any:
        """Serve the requests of a connection, in a thread, for as long as one follows the other closely."""
        while (is_kept := self._handle_one(conn)) is True and self._follows(conn):
            pass
        return is_kept

    def _follows(self, conn: Any) -> bool:
        """Whether the next request comes while this thread waits for it.

        Handing a connection back and taking it again costs more than a small answer does. Half of the threads wait at most.
        """
        if conn.parser.unreader.buf.getvalue():
            return True  # it came together with the last one
        with self._guard:
            if self._waiting >= self.limits.threads // 2:
                return False
            self._waiting += 1
        try:
            poller = select.poll()
            poller.register(conn.sock, select.POLLIN)
            return self.alive and bool(poller.poll(_STAY_MS)) and self.alive
        except OSError:
            return False
        finally:
            with self._guard:
                self._waiting -= 1

    def _handle_one(self, conn: Any) -> Any:
        with suppress(OSError):
            if not conn.initialized:
                conn.sock = _Line(fileno=conn.sock.detach())
                conn.sock.idle_s = self.limits.idle_timeout_s
            set_time_limits(conn.sock, self.limits.idle_timeout_s)
        with self._guard:
            self._reading[conn] = time.monotonic() + self.limits.header_timeout_s
        try:
            return super().handle(conn)
        finally:
            with self._guard:
                self._reading.pop(conn, None)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """The headers are there: their time limit no longer counts."""
        with self._guard:
            self._reading.pop(conn, None)
        return super().handle_request(req, conn)

    def murder_pending(self) -> None:
        """Called about every second: cut off who is still sending headers after the limit."""
        super().murder_pending()
        now = time.monotonic()
        with self._guard:
            late = [conn for conn, deadline in self._reading.items() if deadline < now]
        for conn in late:
            with suppress(OSError):
                conn.sock.shutdown(socket.SHUT_RDWR)


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn, told everything by our own settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        """Hand our settings to gunicorn."""
        settings = self._settings
        worker = type("BytesWorker", (BytesWorker,), {"limits": settings})
        for name, value in {
            "bind": f"{settings.host}:{settings.port}",
            "worker_class": worker,
            "workers": 1,
            "threads": settings.threads,
            "worker_connections": max(1000, settings.threads * 4),
            "keepalive": settings.keepalive_s,
            "graceful_timeout": settings.graceful_timeout_s,
            "timeout": 60,
            "backlog": 512,
            "limit_request_line": 8190,
            "limit_request_fields": 60,
            "limit_request_field_size": 24 << 10,
            "control_socket_disable": True,
            # A worker whose master was killed would hold the port; what it was at is not acknowledged and comes again.
            "post_fork": lambda _server, _worker: lifeline.end_with_parent(signal.SIGKILL),
            "proc_name": "tsunagu-bytes",
            "umask": 0o027,
            "logconfig_dict": _logging(),
            "worker_tmp_dir": "/dev/shm" if Path("/dev/shm").is_dir() else None,  # noqa: S108 - a heartbeat file
        }.items():
            self.cfg.set(name, value)

    def load(self) -> Callable[..., Any]:
        """Make the application, in the worker."""
        return create_app(self._settings)


class _JsonLines(logging.Formatter):
    """One JSON object per line; the access log brings its own."""

    def format(self, record: logging.LogRecord) -> str:
        text = record.getMessage()
        facts: dict[str, object] = {"at": clock.isoformat(clock.now()), "level": record.levelname.lower()}
        if record.name == "tsunagu.dataplane.access":
            facts.update(json.loads(text))
        else:
            facts["event"] = text
            facts.update(
                {name: getattr(record, name) for name in ("route", "count") if hasattr(record, name)}
            )
        if record.exc_info:
            facts["trace"] = self.formatException(record.exc_info)
        return json.dumps(facts, ensure_ascii=False)


def _logging() -> dict[str, Any]:
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": _JsonLines}},
        "handlers": {
            "out": {"class": "logging.StreamHandler", "stream": "ext://sys.stderr", "formatter": "json"}
        },
        "root": {"level": "INFO", "handlers": ["out"]},
        "loggers": {
            "gunicorn.error": {"level": "INFO", "handlers": ["out"], "propagate": False},
            # Its lines would hold addresses with capabilities in them.
            "gunicorn.access": {"level": "CRITICAL", "handlers": [], "propagate": False},
        },
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Read the settings file and serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="tsunagu.dataplane.serve", description="Tsunagu's byte server")
    parser.add_argument(
        "--config", type=Path, required=True, help="JSON file, see tsunagu.dataplane.settings"
    )
    arguments = parser.parse_args(argv)
    try:
        settings = Settings.from_file(arguments.config)
    except (OSError, ValueError) as error:
        parser.error(f"{arguments.config}: {error}")
    sys.argv = sys.argv[:1]  # gunicorn would read our arguments as its own
    Server(settings).run()


if __name__ == "__main__":
    main()
