"""Signed calls to control: commit what is durable, list what may be read."""

from __future__ import annotations

import http.client
import json
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from tsunagu.core.capabilities import Signer
from tsunagu.core.errors import TsunaguError, UnavailableError

_TIMEOUT_S = 60.0


class RefusedError(TsunaguError):
    """Control said no; its answer is passed on as it is."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(str(problem.get("title", "")))
        self.status = status  # type: ignore[misc]
        self._problem = problem

    def as_problem(self) -> dict[str, Any]:
        """Control's own problem details."""
        return self._problem


class Control:
    """The control server as the byte server sees it; one kept connection per thread."""

    def __init__(self, url: str, signer: Signer) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._signer = signer
        self._local = threading.local()

    def commit(self, **message: Any) -> dict[str, Any]:
        """Have rows written for an object that is durable.

        Raises:
            RefusedError: control refused; the client gets its reason.
            UnavailableError: control does not answer; trying again is safe.
        """
        return self._post("/internal/commit", message)

    def listing(self, capability: str, after: str) -> dict[str, Any]:
        """A page of what a ``list`` capability may read, with places.

        Raises:
            RefusedError, UnavailableError: as above.
        """
        return self._post("/internal/listing", {"capability": capability, "after": after})

    def _post(self, path: str, message: dict[str, Any]) -> dict[str, Any]:
        body = json.dumps({"at": time.time(), **message}, ensure_ascii=False, separators=(",", ":")).encode()
        headers = {"Content-Type": "application/json", "Tsunagu-Signature": self._signer.sign_message(body)}
        for attempt in (1, 2):
            connection = getattr(self._local, "connection", None)
            if connection is None:
                connection = http.client.HTTPConnection(self._host, self._port, timeout=_TIMEOUT_S)
                self._local.connection = connection
            try:
                connection.request("POST", path, body, headers)
                answer = connection.getresponse()
                data = answer.read()
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                self._local.connection = None
                # A kept connection may have been closed meanwhile; the message is idempotent, so say it once more.
                if attempt == 1:
                    continue
                raise UnavailableError("The control server does not answer.") from error
            return self._read(answer.status, data)
        raise UnavailableError("The control server does not answer.")

    @staticmethod
    def _read(status: int, data: bytes) -> dict[str, Any]:
        try:
            value: dict[str, Any] = json.loads(data)
        except ValueError:
            value = {"code": "core.unavailable", "title": "The control server failed."}
            status = max(status, 503)
        if status >= 500:  # noqa: PLR2004 - server errors are worth another try
            raise UnavailableError("The control server failed; what arrived is kept where it can be.")
        if status >= 400:  # noqa: PLR2004
            raise RefusedError(status, value)
        return value
