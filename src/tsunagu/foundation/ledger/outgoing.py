"""Asking another server: no redirects, a time limit, a size limit."""

from __future__ import annotations

import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from tsunagu.core.errors import UnavailableError

_WITHIN_S = 20.0
_MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, media type without parameters, and the body, cut at 1 MiB."""

    status: int
    media_type: str
    body: bytes


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def post(url: str, content: bytes, media_type: str) -> Answer:
    """POST to an address that an administrator wrote into the settings; any status is an answer.

    Raises:
        UnavailableError: it is no http or https address, or nobody answers within 20 s.
    """
    if not url.startswith(("http://", "https://")):
        raise UnavailableError(f"{url} is no http or https address.")
    request = urllib.request.Request(url, data=content, headers={"Content-Type": media_type})  # noqa: S310
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=_WITHIN_S) as answer:
            return Answer(answer.status, answer.headers.get_content_type(), answer.read(_MOST_BYTES))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers.get_content_type(), error.read(_MOST_BYTES))
    except (OSError, ValueError) as error:
        raise UnavailableError(f"{url} does not answer: {error}") from None
