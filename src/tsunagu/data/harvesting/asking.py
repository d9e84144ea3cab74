"""One question to a repository, through the guarded way out."""

from __future__ import annotations

from urllib.parse import urlencode

from tsunagu.core import egress

_MOST_BYTES = 32 << 20
_TIMEOUT_S = 120.0


def ask(url: str, **arguments: str) -> bytes:
    """The answer to a verb.

    Raises:
        EgressRefusedError, EgressFailedError: see ``egress.fetch``.
    """
    query = urlencode({name: value for name, value in arguments.items() if value})
    joined = f"{url}{'&' if '?' in url else '?'}{query}"
    headers = {"Accept": "text/xml, application/xml;q=0.9"}
    return egress.fetch(joined, most_bytes=_MOST_BYTES, timeout_s=_TIMEOUT_S, headers=headers).content
