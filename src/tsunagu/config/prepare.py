"""Bring a home up to date, and load the program for the processes of a node."""

from __future__ import annotations

import importlib
import os

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "tsunagu.config.settings"  # whatever the shell says


def load() -> None:
    """Everything that the parts of a node have in common; it opens no file and starts no thread.

    Not the application itself: it looks at the static files when it is made, which are gathered later.
    """
    django.setup()
    for name in (
        "tsunagu.config.urls",
        "tsunagu.compute.hosting.api",
        "tsunagu.core.jobs",
    ):
        importlib.import_module(name)


def main() -> None:
    """Migrate after a backup, gather static files."""
    django.setup()
    from django.core.management import call_command

    from tsunagu import __version__
    from tsunagu.core import settings
    from tsunagu.doors.cli.up import prepare_database

    prepare_database(say=True)
    stamp = settings.current().home / "static" / ".version"
    if not stamp.exists() or stamp.read_text("utf-8") != __version__ or __version__.endswith("dev0"):
        call_command("collectstatic", verbosity=0, interactive=False)
        stamp.write_text(__version__, "utf-8")
