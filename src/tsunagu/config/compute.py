"""The supervisor of compute jobs."""

from __future__ import annotations

import os
import signal

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "tsunagu.config.settings"  # whatever the shell says


def main() -> None:
    """Supervise until SIGTERM."""
    from tsunagu.core import logs, settings

    logs.configure(settings.current().log_level)
    django.setup()
    from tsunagu.compute.hosting import api as hosting
    from tsunagu.compute.jobs import api as jobs
    from tsunagu.compute.notebooks import api as notebooks

    supervisor = jobs.Supervisor(others=(hosting.Host(), notebooks.Keeper()))
    signal.signal(signal.SIGTERM, supervisor.stop)
    signal.signal(signal.SIGINT, supervisor.stop)
    supervisor.run()
