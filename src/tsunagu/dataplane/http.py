"""Small things of HTTP that the routes share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from tsunagu.core.errors import CapabilityRefusedError, InvalidInputError, TsunaguError

Environ = dict[str, Any]
StartResponse = Callable[..., Any]

REASONS = {460: "Checksum Mismatch"}


@dataclass(slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: Iterable[bytes] = ()

    @classmethod
    def json(cls, value: Any, status: int = 200, **headers: str) -> Answer:
        """A JSON answer."""
        data = json.dumps(value).encode()
        return cls(status, {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}, [data])

    @classmethod
    def problem(cls, error: TsunaguError) -> Answer:
        """An error of the tree as problem details."""
        answer = cls.json(error.as_problem(), error.status)
        answer.headers["Content-Type"] = "application/problem+json"
        if error.status == 503:  # noqa: PLR2004 - Service Unavailable
            answer.headers["Retry-After"] = "2"
        return answer


def header(environ: Environ, name: str) -> str:
    """A request header, empty when absent."""
    key = name.upper().replace("-", "_")
    return str(environ.get(key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}", ""))


def content_length(environ: Environ, *, most: int | None = None) -> int:
    """The announced length of the body.

    Raises:
        InvalidInputError: it is absent or larger than allowed.
    """
    try:
        length = int(header(environ, "Content-Length"))
    except ValueError:
        raise LengthRequiredError from None
    if length < 0 or (most is not None and length > most):
        raise TooLargeError(f"At most {most:,} bytes may be sent at once here.", most=most)
    return length


def bearer(environ: Environ) -> str:
    """The capability in the Authorization header.

    Raises:
        CapabilityRefusedError: there is none.
    """
    scheme, _, token = header(environ, "Authorization").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise CapabilityRefusedError("This needs a capability that control has signed.")
    return token.strip()


class LengthRequiredError(InvalidInputError):
    """A body without Content-Length."""

    code = "bytes.length_required"
    status = 411
    default_message = "The request needs a Content-Length."


class TooLargeError(InvalidInputError):
    """A body larger than allowed."""

    code = "bytes.too_large"
    status = 413
    default_message = "The request is too large."


class BodyCutError(InvalidInputError):
    """The connection ended before the body did."""

    code = "bytes.body_cut"
    default_message = "The connection ended before all bytes had arrived."
