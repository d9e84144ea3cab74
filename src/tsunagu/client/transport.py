"""HTTP with the standard library: connections that are kept, time limits, bounded repeats.

One `Transport` serves one thread. It repeats a request only when the caller says that a repeat changes nothing.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import select
import socket
import ssl
import struct
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from tsunagu.client import proxies
from tsunagu.client.errors import UnreachableError
from tsunagu.client.messages import language, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from email.message import Message

CONNECT_TIMEOUT_S = 15.0
ANSWER_TIMEOUT_S = 300.0  # a commit of a large file waits for the disk of the node
ATTEMPTS = 6
_PARTIAL = 206
_TRANSIENT = {429, 502, 503, 504}
_SLICE = 32 << 20
_PIECE = 1 << 20
_LONGEST_WAIT_S = 30.0


@dataclass(frozen=True)
class FilePart:
    """A body that is a part of an open file; it goes out by ``sendfile`` where the system has it."""

    handle: int
    offset: int
    count: int
    on_sent: Callable[[int], None]


@dataclass
class Answer:
    """Status, headers and the whole body; ``is_filled``: it lies in the memory that the caller gave instead."""

    status: int
    headers: Message
    body: bytes
    is_filled: bool = False


T = TypeVar("T", Answer, http.client.HTTPResponse)


class FileShrankError(Exception):
    """The file ended before the announced size: it changed while it was sent."""


class Transport:
    """Kept connections to a few origins.

    Args:
        attempts: How often an idempotent request is tried in all.
        sleep: Replaced in tests.
    """

    def __init__(self, *, attempts: int = ATTEMPTS, sleep: Callable[[float], None] = time.sleep) -> None:
        self.attempts = attempts
        self.sleep = sleep
        self._open: dict[str, http.client.HTTPConnection] = {}

    def close(self) -> None:
        """Close every kept connection."""
        for connection in self._open.values():
            connection.close()
        self._open.clear()

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | FilePart | None = None,
        repeatable: bool = True,
        into: memoryview | None = None,
    ) -> Answer:
        """Send and read the whole answer, whatever its status.

        Args:
            method: Of HTTP.
            url: The address.
            headers: More than the usual ones.
            body: What is sent.
            repeatable: Whether a repeat changes nothing.
            into: Takes a partial answer (206) that announces exactly as many bytes.

        Raises:
            UnreachableError: no answer within the attempts.
        """

        def once() -> Answer:
            response = self._send(method, url, headers or {}, body)
            is_filled = into is not None and response.status == _PARTIAL and response.length == len(into)
            if into is not None and is_filled:
                _fill(into, response)
            content = b"" if is_filled else response.read()
            if response.will_close:
                self._drop(url)
            return Answer(response.status, response.headers, content, is_filled)

        return self._repeat(once, url, repeatable=repeatable)

    @contextlib.contextmanager
    def stream(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        """An answer to read in pieces; the connection is dropped when it was not read to its end."""

        def once() -> http.client.HTTPResponse:
            return self._send(method, url, headers or {}, body)

        response = self._repeat(once, url, repeatable=True)
        try:
            yield response
        finally:
            if not response.isclosed() or response.will_close:
                response.close()
                self._drop(url)

    def _repeat(self, once: Callable[[], T], url: str, *, repeatable: bool) -> T:
        for attempt in range(1, self.attempts + 1):
            last = attempt == self.attempts or not repeatable
            try:
                answer = once()
            except (OSError, http.client.HTTPException) as error:
                self._drop(url)
                if last or isinstance(error, ssl.SSLCertVerificationError):
                    raise unreachable(url, error) from error
                self.sleep(_wait_s(attempt, None))
                continue
            except BaseException:
                self._drop(url)  # half a request may be on the line
                raise
            if answer.status not in _TRANSIENT or last:
                return answer
            if isinstance(answer, http.client.HTTPResponse):
                answer.read()
            self.sleep(_wait_s(attempt, answer.headers.get("Retry-After")))
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | FilePart | None
    ) -> http.client.HTTPResponse:
        connection, target = self._connection(url)
        connection.putrequest(method, target, skip_accept_encoding=True)
        length = body.count if isinstance(body, FilePart) else len(body or b"")
        if body is not None or method in {"POST", "PUT", "PATCH"}:
            connection.putheader("Content-Length", str(length))
        common = {"Accept-Language": language(), "User-Agent": user_agent(), **self._proxy_headers(url)}
        for name, value in {**common, **headers}.items():
            connection.putheader(name, value)
        connection.endheaders()
        try:
            if isinstance(body, FilePart):
                _send_file(connection, body)
            elif body:
                connection.send(body)
        except OSError:
            # The node may have refused before it read everything; its reason is worth more than "broken pipe".
            with contextlib.suppress(OSError, http.client.HTTPException):
                return connection.getresponse()
            raise
        return connection.getresponse()

    def _connection(self, url: str) -> tuple[http.client.HTTPConnection, str]:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        kept = self._open.get(origin)
        if kept is not None and kept.sock is not None and _is_stale(kept.sock):
            self._drop(url)
            kept = None
        if kept is None:
            kept = _connect(parts.scheme, parts.hostname or "", parts.port)
            self._open[origin] = kept
        if proxies.for_origin(parts.scheme, parts.hostname or "") and parts.scheme == "http":
            target = f"{origin}{target}"
        return kept, target

    @staticmethod
    def _proxy_headers(url: str) -> dict[str, str]:
        parts = urlsplit(url)
        proxy = proxies.for_origin(parts.scheme, parts.hostname or "")
        return proxy.headers if proxy and parts.scheme == "http" else {}

    def _drop(self, url: str) -> None:
        parts = urlsplit(url)
        connection = self._open.pop(f"{parts.scheme}://{parts.netloc}", None)
        if connection is not None:
            connection.close()


def user_agent() -> str:
    """How the client names itself."""
    from tsunagu import __version__

    return f"tsunagu/{__version__}"


def unreachable(url: str, error: BaseException) -> UnreachableError:
    """The error for a node that does not answer; the address without its query."""
    parts = urlsplit(url)
    reason = str(error) or type(error).__name__
    return UnreachableError(
        text("unreachable", url=f"{parts.scheme}://{parts.netloc}", reason=reason),
        remedy=text("unreachable_remedy"),
    )


def _connect(scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
    proxy = proxies.for_origin(scheme, host)
    connection: http.client.HTTPConnection
    at, through = (proxy.host, proxy.port) if proxy else (host, port)
    if scheme == "https":
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(at, through, timeout=CONNECT_TIMEOUT_S, context=context)
        if proxy:
            connection.set_tunnel(host, port or 443, headers=proxy.headers)
    else:
        connection = http.client.HTTPConnection(at, through, timeout=CONNECT_TIMEOUT_S)
    connection.connect()
    connection.sock.settimeout(ANSWER_TIMEOUT_S)
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _fill(memory: memoryview, response: http.client.HTTPResponse) -> None:
    at = 0
    while at < len(memory):
        count = response.readinto(memory[at:])
        if not count:
            raise http.client.IncompleteRead(b"", len(memory) - at)
        at += count


def _is_stale(sock: socket.socket) -> bool:
    """Whether the node closed a kept connection: then nothing is on its way and a new one is safe."""
    try:
        readable, _, _ = select.select([sock], [], [], 0)
    except (OSError, ValueError):
        return True
    return bool(readable)


def _send_file(connection: http.client.HTTPConnection, part: FilePart) -> None:
    sock = connection.sock
    if hasattr(os, "sendfile") and not isinstance(sock, ssl.SSLSocket):
        _send_by_kernel(sock, part)
        return
    sent = 0
    with open(part.handle, "rb", buffering=0, closefd=False) as file:
        file.seek(part.offset)
        while sent < part.count:
            piece = file.read(min(_PIECE, part.count - sent))
            if not piece:
                raise FileShrankError
            connection.send(piece)
            sent += len(piece)
            part.on_sent(len(piece))


def _send_by_kernel(sock: socket.socket, part: FilePart) -> None:
    # A socket with a Python timeout is non-blocking underneath and costs one poll per buffer; a blocking one with
    # the kernel's own limit lets sendfile run through whole slices.
    sock.settimeout(None)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", int(ANSWER_TIMEOUT_S), 0))
    sent = 0
    try:
        while sent < part.count:
            done = os.sendfile(sock.fileno(), part.handle, part.offset + sent, min(_SLICE, part.count - sent))
            if done == 0:
                raise FileShrankError
            sent += done
            part.on_sent(done)
    except BlockingIOError as error:
        raise TimeoutError("the node took no more bytes") from error
    finally:
        sock.settimeout(ANSWER_TIMEOUT_S)


def _wait_s(attempt: int, retry_after: str | None) -> float:
    with contextlib.suppress(ValueError):
        if retry_after:
            return min(_LONGEST_WAIT_S, max(0.0, float(retry_after)))
    return float(min(5.0, 0.2 * 2 ** (attempt - 1)))
