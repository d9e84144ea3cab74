"""Starts the byte server: gunicorn, one process, many threads. ``python -m tsunagu.dataplane.serve CONFIG``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication

from tsunagu.core import logs
from tsunagu.dataplane.app import create_app
from tsunagu.dataplane.config import Config


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn without a command line."""

    def __init__(self, config: Config) -> None:
        self._config = config
        super().__init__()

    def load_config(self) -> None:
        """One worker, so that the running hash of an upload is always in the same process."""
        options: dict[str, Any] = {
            "bind": f"{self._config.host}:{self._config.port}",
            "workers": 1,
            "worker_class": "gthread",
            "threads": self._config.threads,
            "timeout": 0,
            "graceful_timeout": 20,
            "keepalive": 15,
            "loglevel": "warning",
            "proc_name": "tsunagu-bytes",
            "control_socket_disable": True,
        }
        for name, value in options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        """The application."""
        return create_app(self._config)


def main(argv: list[str]) -> None:
    """Serve until SIGTERM."""
    logs.configure("INFO")
    Server(Config.load(Path(argv[0]))).run()


if __name__ == "__main__":
    main(sys.argv[1:])
