"""The process that writes the search index and the graph; there is one, for each takes one writer."""

from __future__ import annotations

import os
import signal
import threading

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "tsunagu.config.settings"  # whatever the shell says


def main() -> None:
    """Keep both up to date until SIGTERM."""
    from tsunagu.core import logs, settings

    logs.configure(settings.current().log_level)
    django.setup()
    from tsunagu.data.discovery import api as discovery
    from tsunagu.data.graph import api as graph

    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    # Beside the index, so that a million records that come into the graph keep nobody from finding a new title.
    beside = threading.Thread(target=graph.keep_up, args=(stopped,), name="graph")
    beside.start()
    try:
        discovery.keep_up(stopped)
    finally:
        stopped.set()  # one of them alone would look like both
        beside.join()
