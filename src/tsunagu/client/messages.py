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
    from tsunagu.client import harvest_messages, items_messages, publication_messages, usage_messages

    if chosen == "ja":
        from tsunagu.client.messages_ja import MESSAGES

        own = harvest_messages.JA | publication_messages.JA | usage_messages.JA | items_messages.JA
        return MESSAGES | own
    from tsunagu.client.messages_en import MESSAGES

    own = harvest_messages.EN | publication_messages.EN | usage_messages.EN | items_messages.EN
    return MESSAGES | own


def text(key: str, /, **fields: object) -> str:
    """A whole sentence with its fields filled in."""
    return _catalogue(language())[key].format(**fields)
