"""The process that writes the search index; there is one, for an index takes one writer."""

from __future__ import annotations

import os
import signal
import threading

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "tsunagu.config.settings"  # whatever the shell says


def main() -> None:
    """Keep the index up to date until SIGTERM."""
    from tsunagu.core import logs, settings

    logs.configure(settings.current().log_level)
    django.setup()
    from tsunagu.data.discovery import api as discovery

    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    discovery.keep_up(stopped)
