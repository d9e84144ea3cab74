"""Signed calls to control: the one that knows rules and rows."""

from __future__ import annotations

import http.client
import json
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from tsunagu.core import clock
from tsunagu.core.errors import TsunaguError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tsunagu.core.capabilities import Signer

_MAX_ANSWER = 64 << 20


class Commit(NamedTuple):
    """Files that lie durably in one object and wait for their rows."""

    run: str
    dataset: str
    unit: str  # the ULID of the bundle or upload: the same unit is committed once
    key: str
    size: int  # of the object as it lies in the store
    kind: str  # "pack" or "file"
    files: Sequence[tuple[str, int, str, int]]  # path, size, sha256, offset
    domain: str = ""  # the key domain in which the object is sealed


class Staged(NamedTuple):
    """An object that lies durably and that a later commit may name."""

    dataset: str
    who: Sequence[str]  # kind, id and token of the sender, as the capability says
    unit: str
    key: str
    size: int  # of the object as it lies in the store
    sha256: str
    byte_count: int
    domain: str = ""


class RefusedError(TsunaguError):
    """Control said no; its own words are passed on."""

    code = "dataplane.refused"

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(str(problem.get("title") or "The node refused this."))
        self._problem = {**problem, "status": status}
        # Another try with a new capability, or later, may be welcome after these.
        self.is_final = status not in {401, 408, 425, 429}
        # The dataset was sealed meanwhile: no row names these plain bytes, and none must.
        self.must_vanish = problem.get("code") == "datasets.sealed_meanwhile"

    def as_problem(self) -> dict[str, Any]:
        """The problem as control wrote it."""
        return {**super().as_problem(), **self._problem}


class ControlSilentError(UnavailableError):
    """Control did not answer; whether it heard the message is unknown unless ``was_sent`` is False."""

    code = "dataplane.control_silent"
    default_message = "The control server of the node does not answer."

    def __init__(self, *, was_sent: bool) -> None:
        super().__init__()
        self.was_sent = was_sent


class Control:
    """The way to control, with one kept connection per thread."""

    def __init__(self, url: str, signer: Signer, *, timeout_s: float) -> None:
        self._url = urlsplit(url)
        self._signer = signer
        self._timeout_s = timeout_s
        self._local = threading.local()

    def commit(self, commit: Commit) -> dict[str, Any]:
        """Have the rows written; returns control's answer.

        Raises:
            RefusedError: the rules or the state of the dataset forbid it.
            ControlSilentError: no answer.
        """
        return self._call(
            "/internal/commit",
            {
                "at": clock.epoch_s(),
                "run": commit.run,
                "dataset": commit.dataset,
                "unit": commit.unit,
                "object": {
                    "key": commit.key,
                    "size": commit.size,
                    "kind": commit.kind,
                    "domain": commit.domain,
                },
                "files": commit.files,
            },
        )

    def stage(self, staged: Staged) -> str:
        """Have an object wait for a commit; returns the key of the object that waits for this unit.

        Raises what ``commit`` raises.
        """
        message = {
            "at": clock.epoch_s(),
            "dataset": staged.dataset,
            "who": list(staged.who),
            "unit": staged.unit,
            "object": {"key": staged.key, "size": staged.size, "domain": staged.domain},
            "sha256": staged.sha256,
            "bytes": staged.byte_count,
        }
        return str(self._call("/internal/staged", message)["key"])

    def known(self, dataset: str, who: Sequence[str], domain: str, hashes: Sequence[str]) -> dict[str, int]:
        """Sizes of those contents that a sender need not send, by SHA-256; raises what ``commit`` raises."""
        message = {"at": clock.epoch_s(), "dataset": dataset, "who": list(who), "domain": domain}
        found: dict[str, int] = self._call("/internal/known", {**message, "hashes": list(hashes)})["known"]
        return found

    def listing(self, capability: str, after: str) -> dict[str, Any]:
        """One page of what a ``list`` capability names; raises what ``commit`` raises."""
        message = {"at": clock.epoch_s(), "capability": capability, "after": after}
        return self._call("/internal/listing", message)

    def _call(self, path: str, message: dict[str, Any]) -> dict[str, Any]:
        body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
        headers = {"Content-Type": "application/json", "Tsunagu-Signature": self._signer.sign_message(body)}
        status, raw = self._exchange(self._url.path.rstrip("/") + path, body, headers)
        try:
            answer = json.loads(raw)
        except ValueError:
            answer = None
        if status == HTTPStatus.OK and isinstance(answer, dict):
            return answer
        if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise RefusedError(status, answer if isinstance(answer, dict) else {})
        # 5xx, a redirect or something unreadable: control is not well, and may have heard us.
        raise ControlSilentError(was_sent=True)

    def _exchange(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        """Send and wait; both messages may be repeated without harm, so a stale kept connection is tried anew.

        Once anything went out, control may have heard it, however the next try ends: an object whose rows control
        wrote before it died must not be taken for one that nobody knows.
        """
        was_sent = False
        while True:
            connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
            is_fresh = connection is None
            if connection is None:
                try:
                    connection = self._connect()
                except OSError as error:
                    raise ControlSilentError(was_sent=was_sent) from error
            self._local.connection = None
            was_sent = True
            try:
                connection.request("POST", path, body, headers)
                response = connection.getresponse()
                raw = response.read(_MAX_ANSWER)
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                if is_fresh or isinstance(error, TimeoutError):
                    raise ControlSilentError(was_sent=True) from error
                continue
            if not response.will_close:
                self._local.connection = connection
            return response.status, raw

    def _connect(self) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
        connection = kind(self._url.hostname or "127.0.0.1", self._url.port, timeout=self._timeout_s)
        connection.connect()
        return connection
