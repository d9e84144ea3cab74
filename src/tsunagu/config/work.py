"""A worker process."""

from __future__ import annotations

import os

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "tsunagu.config.settings"  # whatever the shell says


def main(number: int) -> None:
    """Work until SIGTERM; the second SIGTERM ends the running job, which is taken up again later."""
    from tsunagu.core import logs, settings

    logs.configure(settings.current().log_level)
    django.setup()
    from tsunagu.core.ids import new_id
    from tsunagu.core.jobs import NodeWorker

    os.nice(5)  # uploads and pages come first
    worker = NodeWorker(f"{number}-{os.getpid()}-{new_id()}"[:64])
    worker.configure_signals()
    worker.run()
