"""The one way out: every address that the node fetches goes through ``fetch``, and what it sends through ``post``.

The name is resolved once and the connection goes to the address that was checked, so a second answer of the name
server changes nothing. Private, loopback and link-local addresses are refused unless the setting ``egress_allowed``
names the host and port. Redirects are followed a few times and checked like the first address. Time and size are
limited. Standard library only; no Django.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from urllib.parse import SplitResult, urljoin, urlsplit

from tsunagu.core import settings
from tsunagu.core.errors import TsunaguError

_MOST_REDIRECTS = 3
_PIECE = 1 << 16
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OK = 200
_STALL_S = 60.0


class EgressRefusedError(TsunaguError):
    """The node does not fetch from there."""

    code = "core.egress_refused"
    status = 422
    exit_code = 2
    default_message = "The node does not fetch from this address."
    default_remedy = (
        "Use an https address of a public host, or have the administrator name the host in egress_allowed."
    )


class EgressFailedError(TsunaguError):
    """The other side did not answer, or not as it should."""

    code = "core.egress_failed"
    status = 502
    exit_code = 8
    default_message = "The other server did not answer as it should."
    default_remedy = "Try again later; if it stays, ask who runs that server."


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer: the bytes, their declared media type, and where they came from after redirects."""

    content: bytes
    media_type: str
    url: str


def fetch(
    url: str, *, most_bytes: int, timeout_s: float = 30.0, headers: Mapping[str, str] | None = None
) -> Fetched:
    """GET an address.

    Args:
        url: An https address; http only for hosts that ``egress_allowed`` names.
        most_bytes: Longer answers are cut off and refused.
        timeout_s: Limit for the whole, redirects included.
        headers: More request headers.

    Raises:
        EgressRefusedError: the address leads somewhere the node must not go.
        EgressFailedError: no answer in time, an answer too long, or a status other than 200, which ``answered`` of its
            fields names, with ``retry_after`` as it was said.
    """
    deadline = time.monotonic() + timeout_s
    sent = dict(headers or {})
    for _ in range(_MOST_REDIRECTS + 1):
        answer, content = _ask("GET", url, None, sent, most_bytes, deadline)
        if answer.status == _OK:
            return Fetched(content, answer.headers.get_content_type(), url)
        if answer.status not in _REDIRECTS:
            raise EgressFailedError(
                f"{urlsplit(url).hostname} answered with status {answer.status}.",
                answered=answer.status,
                retry_after=answer.headers.get("Retry-After", ""),
            )
        url, before = urljoin(url, answer.headers.get("Location", "")), urlsplit(url)
        if urlsplit(url)[:2] != before[:2]:
            sent.pop("Authorization", None)  # a secret is for the server that it was meant for
    raise EgressRefusedError("The address redirects too often.")


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer to a request of any method, whatever its status; the last two are headers, or empty."""

    status: int
    content: bytes
    media_type: str
    retry_after: str
    location: str = ""

    @property
    def text(self) -> str:
        """The body as text that every database takes: without the character NUL, also where JSON escapes it."""
        return self.content.decode("utf-8", "replace").replace("\0", "").replace("\\u0000", "")


def exchange(
    method: str,
    url: str,
    content: bytes | Iterable[bytes] | None = None,
    *,
    media_type: str = "",
    most_bytes: int = 1 << 20,
    timeout_s: float = 30.0,
    headers: Mapping[str, str] | None = None,
) -> Answered:
    """Ask another service and hand back its answer, refusals included; redirects are not followed.

    Args:
        method: ``GET``, ``POST``, ``PUT`` or ``DELETE``.
        url: As for ``fetch``.
        content: What is sent; of large bodies the pieces, which are never together in memory. Their sum belongs into the
            header ``Content-Length``.
        media_type: Its type.
        most_bytes: Longer answers are cut off and refused.
        timeout_s: Limit for the whole.
        headers: More request headers.

    Raises:
        EgressRefusedError: the address leads somewhere the node must not go; nothing was sent.
        EgressFailedError: no answer in time, or an answer too long; what was sent may have been done all the same.
    """
    sent = {**({"Content-Type": media_type} if media_type else {}), **(headers or {})}
    deadline = time.monotonic() + timeout_s
    answer, body = _ask(method, url, content, sent, most_bytes, deadline, reads_all=True)
    after, location = answer.headers.get("Retry-After", ""), answer.headers.get("Location", "")
    return Answered(answer.status, body, answer.headers.get_content_type(), after, location)


def post(
    url: str,
    content: bytes,
    *,
    media_type: str,
    most_bytes: int = 1 << 20,
    timeout_s: float = 20.0,
    headers: Mapping[str, str] | None = None,
) -> Answered:
    """POST to an address; all as for ``exchange``."""
    return exchange(
        "POST",
        url,
        content,
        media_type=media_type,
        most_bytes=most_bytes,
        timeout_s=timeout_s,
        headers=headers,
    )


def check(url: str) -> None:
    """Go on only with an address that this node may speak to: for what is written down now and asked later.

    Raises:
        EgressRefusedError: the address leads somewhere the node must not go.
        EgressFailedError: no address is known for its name.
    """
    _checked(url)


def _ask(
    method: str,
    url: str,
    content: bytes | Iterable[bytes] | None,
    headers: dict[str, str],
    most_bytes: int,
    deadline: float,
    *,
    reads_all: bool = False,
) -> tuple[http.client.HTTPResponse, bytes]:
    """The answer and its body; of what was not asked for, as of a redirect, the body is not read."""
    parts, address, port = _checked(url)
    connection = _connect(parts, address, port, _left(deadline))
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if content is not None and not isinstance(content, bytes):
            content = _paced(connection, content, deadline)
        connection.request(method, target, content, {"User-Agent": _user_agent(), **headers})
        answer = connection.getresponse()
        is_wanted = reads_all or method == "POST" or answer.status == _OK
        return answer, _body(connection, answer, most_bytes, deadline) if is_wanted else b""
    except (OSError, http.client.HTTPException) as error:
        raise EgressFailedError(
            f"{parts.hostname} could not be asked: {type(error).__name__}: {error}"
        ) from None
    finally:
        connection.close()


def _paced(
    connection: http.client.HTTPConnection, pieces: Iterable[bytes], deadline: float
) -> Iterator[bytes]:
    """The pieces of a large body: each must be taken within a minute, as the whole may have hours."""
    for piece in pieces:
        connection.sock.settimeout(min(_STALL_S, _left(deadline)))
        yield piece
    connection.sock.settimeout(_left(deadline))


def _user_agent() -> str:
    """Who asks, and whom to write to: several services give better limits for it."""
    node = settings.current()
    return f"Tsunagu/{metadata.version('tsunagu')} ({node.control_address}; mailto:{node.mail_from})"


def _checked(url: str) -> tuple[SplitResult, str, int]:
    """The parts of an address and the one network address that may be connected to."""
    parts = urlsplit(url)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise EgressRefusedError("The address names a port that cannot be.") from None
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme not in {"https", "http"} or not host or parts.username is not None:
        raise EgressRefusedError("Only plain https addresses are fetched.")
    is_allowed = f"{host}:{port}" in settings.current().egress_allowed
    if parts.scheme == "http" and not is_allowed:
        raise EgressRefusedError(f"{host} is addressed without encryption.")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise EgressFailedError(f"No address is known for {host}.") from None
    addresses = [str(entry[4][0]) for entry in found]
    if not is_allowed:
        # One private answer among public ones is an attack already: refuse all.
        closed = [text for text in addresses if not _is_public(text)]
        if closed:
            raise EgressRefusedError(f"{host} leads to an address that is not public.")
    return parts, addresses[0], port


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    return address.is_global and not address.is_multicast and (mapped is None or mapped.is_global)


def _connect(parts: SplitResult, address: str, port: int, timeout_s: float) -> http.client.HTTPConnection:
    """A connection to the checked address that still asks for the host by name (TLS and Host header)."""
    host = parts.hostname or ""
    connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    raw: socket.socket | None = None
    try:
        raw = socket.create_connection((address, port), timeout=timeout_s)
        if parts.scheme == "https":
            raw = ssl.create_default_context().wrap_socket(raw, server_hostname=host)
    except OSError as error:
        if raw is not None:
            raw.close()
        raise EgressFailedError(f"{host} cannot be reached: {error}") from None
    connection.sock = raw
    return connection


def _body(
    connection: http.client.HTTPConnection,
    answer: http.client.HTTPResponse,
    most_bytes: int,
    deadline: float,
) -> bytes:
    pieces, size = [], 0
    while True:
        with contextlib.suppress(AttributeError):  # the socket goes when the server said that it closes
            connection.sock.settimeout(_left(deadline))
        _left(deadline)
        piece = answer.read1(_PIECE)
        if not piece:
            break
        size += len(piece)
        if size > most_bytes:
            raise EgressFailedError(f"The answer is longer than {most_bytes} bytes.")
        pieces.append(piece)
    if answer.length:
        raise EgressFailedError("The answer broke off.")
    return b"".join(pieces)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise EgressFailedError("The answer took too long.")
    return left
