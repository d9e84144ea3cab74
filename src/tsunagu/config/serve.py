"""Starts control: gunicorn on WSGI, one process, some threads."""

from __future__ import annotations

import logging
import os
import signal
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.http import message

from tsunagu.core import lifeline, logs, settings

logger = logging.getLogger(__name__)

_LONGEST_LINE = 128 << 10  # ten thousand kanji, as addresses write them


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn without a command line."""

    def load_config(self) -> None:
        """Loopback unless told otherwise; a proxy ends TLS."""
        node = settings.current()
        # gunicorn takes 8,190 bytes at most whatever it is told: a long question would get its bare error, where our pages
        # and REST cut it and say so.
        message.MAX_REQUEST_LINE = _LONGEST_LINE
        options: dict[str, Any] = {
            "bind": f"{node.host}:{node.port}",
            "workers": 1,
            "worker_class": "gthread",
            "threads": node.control_threads,
            "timeout": 0,
            "graceful_timeout": 20,
            "keepalive": 15,
            "limit_request_line": _LONGEST_LINE,
            "loglevel": "warning",
            "proc_name": "tsunagu-control",
            "control_socket_disable": True,
            # A worker whose master was killed would hold the port; what it was at is not acknowledged and comes again.
            "worker_exit": _write_what_waits,
            "post_fork": lambda _server, _worker: lifeline.end_with_parent(signal.SIGKILL),
        }
        for name, value in options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        """The application."""
        from tsunagu.config.wsgi import application

        return application


def _write_what_waits(_server: Any, _worker: Any) -> None:
    """What visitors did in the last seconds, before the process goes; a process of its own never comes by ``atexit``."""
    from tsunagu.data.usage import api as usage

    try:
        usage.flush()
    except Exception:
        # Seconds of a count are not worth a stop that fails.
        logger.warning("usage_lost", exc_info=True)


def main() -> None:
    """Serve until SIGTERM."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tsunagu.config.settings"  # whatever the shell says
    logs.configure(settings.current().log_level)
    Server().run()
