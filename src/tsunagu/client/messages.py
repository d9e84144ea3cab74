"""The client's words in two languages, chosen by the locale: ``text("unreachable", url=...)``."""

from __future__ import annotations

import functools
import importlib
import os
import sys


@functools.cache
def language() -> str:
    """``ja`` or ``en``: TSUNAGU_LANG, then the locale's variables in the order of POSIX, then the system."""
    for name in ("TSUNAGU_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return "ja" if value.lower().startswith("ja") else "en"
    if sys.platform in {"win32", "darwin"}:
        import locale

        return "ja" if (locale.getlocale()[0] or "").lower().startswith("ja") else "en"
    return "en"


# Beside the messages of all commands: those of one topic each, in ``TOPIC_messages.py``.
_TOPICS = (
    "dark",
    "deposit",
    "graph",
    "harvest",
    "import",
    "items",
    "move",
    "notices",
    "publication",
    "usage",
)


@functools.cache
def _catalogue(chosen: str) -> dict[str, str]:
    found: dict[str, str] = dict(importlib.import_module(f"tsunagu.client.messages_{chosen}").MESSAGES)
    for topic in _TOPICS:
        found |= getattr(importlib.import_module(f"tsunagu.client.{topic}_messages"), chosen.upper())
    return found


def text(key: str, /, **fields: object) -> str:
    """A whole sentence with its fields filled in."""
    return _catalogue(language())[key].format(**fields)
