"""The line between a job's wrapper and control: every message is signed with the run's own secret and counted.

Form: a JSON object with ``run``, ``number`` (rises with every message), ``do`` and what that needs; the header
``Tsunagu-Signature`` holds base64url(HMAC-SHA256(secret, "job" NUL body)). A number that was heard before is refused,
so that nothing can be replayed; a repeat after a broken connection therefore gets a new number.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tsunagu.client.account import Account
from tsunagu.client.errors import BadAnswerError, UnreachableError
from tsunagu.client.node import Node, parse_json, refusal
from tsunagu.client.transport import ATTEMPTS, Answer, Transport
from tsunagu.core.errors import TsunaguError

if TYPE_CHECKING:
    from tsunagu.compute.runner.order import Bounds

HEADER = "Tsunagu-Signature"
_WAITS_S = (0.2, 0.5, 1, 2, 5, 5, 10, 10)
_TRANSIENT = {429, 502, 503, 504}
_OK_FROM, _OK_BELOW = 200, 300


def sign(secret: str, body: bytes) -> str:
    """The signature of a message's exact bytes."""
    made = hmac.new(secret.encode(), b"job\0" + body, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode("ascii")


def is_signed(secret: str, body: bytes, signature: str) -> bool:
    """Whether the holder of the secret wrote exactly these bytes."""
    return hmac.compare_digest(sign(secret, body).encode(), signature.encode())


class Line:
    """Speaks to control for one run. Threads may share it; messages go out one after the other.

    Args:
        control: Address of control.
        run: The run.
        secret: Its secret.
        bounds: What the machine grants when control is another node's.
    """

    def __init__(self, control: str, run: str, secret: str, bounds: Bounds | None = None) -> None:
        self._url = f"{control.rstrip('/')}/compute/line/{run}"
        self._run = run
        self._secret = secret
        self.bounds = bounds
        self._transport = Transport(attempts=1) if bounds is None else Bounded(bounds.origins, attempts=1)
        self._lock = threading.Lock()
        # Beyond every number of an earlier wrapper of the same run.
        self._numbers = itertools.count(time.time_ns() // 1000)  # threads share it
        self.is_cancelled = False

    def message(self, do: str, **content: Any) -> tuple[bytes, str]:
        """The next message and its signature."""
        body = json.dumps(
            {"run": self._run, "number": next(self._numbers), "do": do, **content}, ensure_ascii=False
        ).encode("utf-8", "backslashreplace")
        return body, sign(self._secret, body)

    def say(self, do: str, *, patience: int = len(_WAITS_S), **content: Any) -> dict[str, Any]:
        """Send a message and read the answer; ``patience`` is how often a broken connection is tried again.

        Raises:
            UnreachableError: control does not answer.
            TsunaguError: it refuses.
        """
        for wait_s in (*_WAITS_S[:patience], None):
            with self._lock:
                body, signature = self.message(do, **content)
                headers = {"Content-Type": "application/json", HEADER: signature}
                try:
                    answer = self._transport.request(
                        "POST", self._url, headers=headers, body=body, repeatable=False
                    )
                except UnreachableError:
                    if wait_s is None:
                        raise
                    answer = None
            if answer is not None and (answer.status not in _TRANSIENT or wait_s is None):
                return self._read(answer)
            time.sleep(wait_s or 0)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _read(self, answer: Answer) -> dict[str, Any]:
        if not _OK_FROM <= answer.status < _OK_BELOW:
            raise refusal(answer, self._url)
        said = parse_json(answer.body)
        if said is None:
            raise BadAnswerError("Control answered what is no JSON object.")
        self.is_cancelled = self.is_cancelled or bool(said.get("is_cancelled"))
        answer_to_caller: dict[str, Any] = said.get("answer") or {}
        return answer_to_caller

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()


class Question:
    """A message on its way, and its answer when that is wanted.

    Args:
        line: To control.
        do: What is asked for.
    """

    def __init__(self, line: Line, do: str) -> None:
        self._line, self._do = line, do
        self._said: dict[str, Any] = {}
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._ask, name=do, daemon=True)
        self._thread.start()

    def _ask(self) -> None:
        try:
            self._said = self._line.say(self._do)
        except Exception as error:  # noqa: BLE001 - raised again where the answer is wanted
            self._failure = error

    def answer(self) -> dict[str, Any]:
        """What control said.

        Raises:
            TsunaguError: as for ``Line.say``.
        """
        self._thread.join()
        if self._failure is not None:
            raise self._failure
        return self._said


class StrangeOriginError(TsunaguError):
    """Another node named a server that it was not known by."""

    code = "runner.strange_origin"
    default_message = "The node named a server that this machine does not speak to."


class TooMuchInputError(TsunaguError):
    """The inputs are larger than the machine grants."""

    code = "runner.too_much_input"
    default_message = "The inputs are larger than this machine takes."


class Bounded(Transport):
    """A transport that speaks to named servers alone: a strange node must not have this machine ask its neighbours."""

    def __init__(self, origins: Sequence[str], *, attempts: int = ATTEMPTS) -> None:
        super().__init__(attempts=attempts)
        self._origins = frozenset(origins)

    def _connection(self, url: str) -> tuple[Any, str]:
        parts = urlsplit(url)
        if f"{parts.scheme}://{parts.netloc}" not in self._origins:
            raise StrangeOriginError
        return super()._connection(url)


class JobNode(Node):
    """A node as pulls and pushes of a job see it: what REST would be asked goes through the signed line.

    Args:
        line: To control.
        pages: First pages of inputs, as they came with the order; each is used once.
    """

    def __init__(self, line: Line, pages: list[dict[str, Any]] | None = None) -> None:
        bounds = line.bounds
        super().__init__(Account("", ""), Transport() if bounds is None else Bounded(bounds.origins))
        self._line = line
        self._pages = pages if pages is not None else []
        self._announced = 0

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, Any] | None = None,
        content: Any = None,
        repeatable: bool = True,
    ) -> dict[str, Any]:
        del query, repeatable  # a pull and a push ask by POST alone, and nothing they ask hurts when repeated
        said = self._page(path, content) or self._line.say("call", method=method, path=path, content=content)
        if self._line.bounds is not None and path.endswith("/pulls"):
            # Every page counts, also one that is asked for again: who asks so often is near the end anyway.
            self._announced += sum(int(one["size"]) for one in said.get("files", ()))
            if self._announced > self._line.bounds.input_bytes:
                raise TooMuchInputError
        return said

    def _page(self, path: str, content: Any) -> dict[str, Any] | None:
        for one in self._pages:
            if one["path"] == path and one["content"].items() <= content.items():
                self._pages.remove(one)
                page: dict[str, Any] = one["answer"]
                return page
        return None
