"""The client's words in two languages, chosen by the locale: ``text("unreachable", url=...)``."""

from __future__ import annotations

import functools
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


@functools.cache
def _catalogue(chosen: str) -> dict[str, str]:
    from tsunagu.client import dark_messages, harvest_messages, publication_messages

    if chosen == "ja":
        from tsunagu.client.messages_ja import MESSAGES

        return MESSAGES | dark_messages.JA | harvest_messages.JA | publication_messages.JA
    from tsunagu.client.messages_en import MESSAGES

    return MESSAGES | dark_messages.EN | harvest_messages.EN | publication_messages.EN


def text(key: str, /, **fields: object) -> str:
    """A whole sentence with its fields filled in."""
    return _catalogue(language())[key].format(**fields)
