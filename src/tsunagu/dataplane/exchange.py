"""One request and its answer, over WSGI."""

from __future__ import annotations

import dataclasses
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from tsunagu.core.errors import CapabilityRefusedError, InvalidInputError, TsunaguError
from tsunagu.dataplane.receive import Body, open_body

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tsunagu.core.blobs import Reader

Environ = dict[str, Any]
_REASONS = {460: "Checksum Mismatch"}


class Request:
    """What a handler sees of a request."""

    def __init__(self, environ: Environ) -> None:
        self.environ = environ
        self.method: str = environ["REQUEST_METHOD"]
        if self.method == "POST" and (override := self.header("X-HTTP-Method-Override")):
            self.method = override.upper()  # tus: for proxies that know no PATCH
        self.path: str = environ.get("PATH_INFO", "")
        self._body: Body | None = None

    def header(self, name: str) -> str:
        """The value of a header, empty when it is absent."""
        key = name.upper().replace("-", "_")
        value = self.environ.get(key if key.startswith("CONTENT_") else f"HTTP_{key}", "")
        return str(value or "").strip()

    @property
    def bearer(self) -> str:
        """The token of the Authorization header.

        Raises:
            CapabilityRefusedError: there is none.
        """
        scheme, _, token = self.header("Authorization").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise CapabilityRefusedError("The request carries no capability.")
        return token.strip()

    @property
    def body(self) -> Body:
        """The body, which can be read once."""
        if self._body is None:
            self._body = open_body(self.environ)
        return self._body

    @property
    def has_body(self) -> bool:
        """Whether anything was announced."""
        return self.header("Content-Length") not in {"", "0"} or bool(self.header("Transfer-Encoding"))

    def json(self, *, limit: int) -> Any:
        """The body as JSON.

        Raises:
            InvalidInputError: it is not JSON.
            TooMuchError: it is longer than ``limit`` bytes.
        """
        try:
            return json.loads(self.body.read(limit))
        except (ValueError, RecursionError) as error:
            raise InvalidInputError("The body is not JSON.") from error


@dataclasses.dataclass
class Response:
    """What a handler answers."""

    status: int
    headers: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    body: Iterable[bytes] = ()
    reader: Reader | None = None  # served by sendfile where both sides can
    facts: dict[str, object] = dataclasses.field(default_factory=dict)  # for the log

    @property
    def status_line(self) -> str:
        """``404 Not Found``."""
        reason = _REASONS.get(self.status)
        if reason is None:
            try:
                reason = HTTPStatus(self.status).phrase
            except ValueError:
                reason = "Answer"
        return f"{self.status} {reason}"

    @classmethod
    def json(cls, status: int, value: object, *headers: tuple[str, str]) -> Response:
        """An answer in JSON."""
        return cls._encoded(
            status, "application/json", json.dumps(value, ensure_ascii=False).encode(), headers
        )

    @classmethod
    def text(cls, status: int, text: str, media_type: str = "text/plain; charset=utf-8") -> Response:
        """An answer in plain text."""
        return cls._encoded(status, media_type, text.encode(), ())

    @classmethod
    def problem(cls, error: TsunaguError) -> Response:
        """An error of the tree as RFC 9457 problem details."""
        problem = error.as_problem()
        body = json.dumps(problem).encode()
        response = cls._encoded(
            int(problem.get("status", error.status)), "application/problem+json", body, ()
        )
        if response.status == HTTPStatus.SERVICE_UNAVAILABLE:
            response.headers.append(("Retry-After", "2"))
        response.facts["code"] = str(problem.get("code", ""))
        return response

    @classmethod
    def _encoded(
        cls, status: int, media_type: str, body: bytes, headers: tuple[tuple[str, str], ...]
    ) -> Response:
        fixed = [
            ("Content-Type", media_type),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
        ]
        return cls(status, [*fixed, *headers], [body])

    def pieces(self) -> Iterator[bytes]:
        """The body for servers without a way to send a file."""
        if self.reader is not None:
            return self.reader.pieces()
        return iter(self.body)
