"""HTTP with the standard library: kept connections, time limits, the proxies of the system, a limit on the rate.

Nothing is repeated here: the engine knows when to try again.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import platform
import select
import socket
import ssl
import time
from typing import Any, Callable, Iterator, Mapping, NamedTuple
from urllib import request as system
from urllib.parse import unquote, urlsplit

from . import VERSION

_CONNECT_S, _ANSWER_S = 15.0, 300.0  # a commit of a large file waits for the disk of the node
_PIECE = 64 << 10
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class OfflineError(Exception):
    """The node did not answer; the text says why. Normal for an instrument's PC."""


class Answer(NamedTuple):
    """Status, headers and the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; empty when it is something else."""
        with contextlib.suppress(ValueError):
            content = json.loads(self.body or b"{}")
            if isinstance(content, dict):
                return content
        return {}


class Limiter:
    """A rate limit in bytes per second; 0 is no limit."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.rate = 0.0
        self._clock, self._sleep = clock, sleep
        self._free_at = 0.0

    def wait(self, count: int) -> None:
        """Sleep until ``count`` more bytes may have gone out."""
        if self.rate <= 0:
            return
        now = self._clock()
        self._free_at = max(self._free_at, now) + count / self.rate
        if self._free_at > now:
            self._sleep(self._free_at - now)


class Line:
    """Connections of one thread.

    Args:
        ca_file: Certificates of the node's own authority, or ``""`` for those of the system.
        limiter: Slows bodies down.
        breathe: Called between pieces of a body.
    """

    def __init__(
        self, ca_file: str = "", limiter: Limiter | None = None, breathe: Callable[[], None] | None = None
    ) -> None:
        self._ca_file = ca_file
        self._limiter = limiter or Limiter()
        self._breathe = breathe or (lambda: None)
        self._open: dict[str, http.client.HTTPConnection] = {}

    def close(self) -> None:
        """Close every connection."""
        for connection in self._open.values():
            connection.close()
        self._open.clear()

    def request(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        """Send and read the whole answer, whatever its status.

        Raises:
            OfflineError: there was no answer.
        """
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        try:
            connection, proxy = self._connection(parts.scheme, parts.hostname or "", parts.port, origin)
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            if proxy is not None and parts.scheme == "http":
                target, headers = origin + target, {**proxy.headers, **headers}
            response = self._send(connection, method, target, headers, body)
            content = response.read()
            if response.will_close:
                self._drop(origin)
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, content)
        except (OSError, http.client.HTTPException) as error:
            self._drop(origin)
            raise OfflineError(f"{origin}: {error or type(error).__name__}") from error
        except BaseException:
            self._drop(origin)  # half a request may be on the line
            raise

    def _send(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> http.client.HTTPResponse:
        connection.putrequest(method, target, skip_accept_encoding=True)
        if body is not None or method in {"POST", "PATCH"}:
            connection.putheader("Content-Length", str(len(body or b"")))
        connection.putheader("User-Agent", user_agent())
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        try:
            for piece in _pieces(body or b""):
                self._limiter.wait(len(piece))
                connection.send(piece)
                self._breathe()
        except OSError:
            # The node may have refused before it read everything; its reason is worth more than "broken pipe".
            with contextlib.suppress(OSError, http.client.HTTPException):
                return connection.getresponse()
            raise
        return connection.getresponse()

    def _connection(
        self, scheme: str, host: str, port: int | None, origin: str
    ) -> tuple[http.client.HTTPConnection, _Proxy | None]:
        proxy = _proxy_for(scheme, host)
        kept = self._open.get(origin)
        if kept is not None and kept.sock is not None and _is_quiet(kept.sock):
            return kept, proxy
        self._drop(origin)
        at, through = (proxy.host, proxy.port) if proxy else (host, port)
        connection: http.client.HTTPConnection
        if scheme == "https":
            context = ssl.create_default_context(cafile=self._ca_file or None)
            connection = http.client.HTTPSConnection(at, through, timeout=_CONNECT_S, context=context)
            if proxy:
                connection.set_tunnel(host, port or 443, headers=dict(proxy.headers))
        else:
            connection = http.client.HTTPConnection(at, through, timeout=_CONNECT_S)
        connection.connect()
        connection.sock.settimeout(_ANSWER_S)
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._open[origin] = connection
        return connection, proxy

    def _drop(self, origin: str) -> None:
        connection = self._open.pop(origin, None)
        if connection is not None:
            connection.close()


class _Proxy(NamedTuple):
    host: str
    port: int
    headers: Mapping[str, str]


def _proxy_for(scheme: str, host: str) -> _Proxy | None:
    """The proxy of the campus network, from the environment or the system's settings; never for this machine."""
    if host in _LOOPBACK:
        return None
    address = system.getproxies().get(scheme)
    if not address or system.proxy_bypass(host):
        return None
    parts = urlsplit(address if "://" in address else f"http://{address}")
    headers = {}
    if parts.username:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Proxy-Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    return _Proxy(parts.hostname or "", parts.port or 8080, headers)


def _is_quiet(sock: socket.socket) -> bool:
    """Whether a kept connection still stands: one that can be read was closed by the node."""
    try:
        return not select.select([sock], [], [], 0)[0]
    except (OSError, ValueError):
        return False


def _pieces(body: bytes) -> Iterator[memoryview]:
    view = memoryview(body)
    for start in range(0, len(view), _PIECE):
        yield view[start : start + _PIECE]


def user_agent() -> str:
    """How the agent names itself."""
    return f"tsunagu-agent/{VERSION} Python/{platform.python_version()}"


def host_name() -> str:
    """The PC's name, for people."""
    return (platform.node() or os.environ.get("COMPUTERNAME") or "?")[:100]
