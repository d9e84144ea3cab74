"""Asking another server: by the one way out, with a time limit and a size limit."""

from __future__ import annotations

from dataclasses import dataclass

from tsunagu.core import egress
from tsunagu.core.errors import UnavailableError

_WITHIN_S = 20.0
_MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, media type without parameters, and the body, at most 1 MiB."""

    status: int
    media_type: str
    body: bytes


def post(url: str, content: bytes, media_type: str) -> Answer:
    """POST to an address that an administrator wrote into the settings; any status is an answer.

    Raises:
        UnavailableError: it is no http or https address, or nobody answers within 20 s.
    """
    try:
        answer = egress.post(url, content, media_type=media_type, most_bytes=_MOST_BYTES, timeout_s=_WITHIN_S)
    except (egress.EgressRefusedError, egress.EgressFailedError) as error:
        raise UnavailableError(f"{url} does not answer: {error.message}") from None
    return Answer(answer.status, answer.media_type, answer.content)
