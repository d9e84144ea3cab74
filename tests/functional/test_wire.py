"""W-8, U-4 from the other side: requests that two servers would read differently, or that never end."""

from __future__ import annotations

import contextlib
import socket
import time
from urllib.parse import urlsplit

import pytest

pytestmark = pytest.mark.functional


def _say(url, *parts, wait_s=20.0):
    """Send raw bytes; what came back until the server closed or stopped, at most 64 kB."""
    place = urlsplit(url)
    with socket.create_connection((place.hostname, place.port), timeout=wait_s) as line:
        with contextlib.suppress(OSError):  # a server that refuses early closes before all is sent
            for part in parts:
                line.sendall(part)
        found = b""
        with contextlib.suppress(OSError):
            while len(found) < 65536 and (piece := line.recv(4096)):
                found += piece
    return found


@pytest.fixture(params=["control", "bytes"])
def server(request, node):
    if request.param == "control":
        return node.url
    place = urlsplit(node.url)
    return f"http://127.0.0.1:{place.port + 1}"  # the byte server's port unless a setting says otherwise


def _statuses(answer):
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


_HEAD = b"POST /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
_HIDDEN = b"GET /api/v1/me HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize(
    "smuggling",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + _HIDDEN,
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + _HIDDEN,
        b"Content-Length: 5\r\nContent-Length: 60\r\n\r\n" + _HIDDEN,
        b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + _HIDDEN,
        b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + _HIDDEN,
        b"Content-Length: +5\r\n\r\nabcde" + _HIDDEN,
        b"X: a\r\n Content-Length: 50\r\n\r\n" + _HIDDEN,
    ],
)
def test_a_request_with_two_lengths_is_no_two_requests(server, smuggling):
    answer = _say(server, _HEAD + smuggling)
    assert len(_statuses(answer)) <= 1
    assert not [status for status in _statuses(answer) if status < 400]


@pytest.mark.parametrize(
    "huge",
    [
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
        + b"".join(b"X%d: a\r\n" % n for n in range(5000))
        + b"\r\n",
    ],
    ids=["address", "header", "many headers"],
)
def test_heads_without_end_are_refused(server, huge):
    started = time.monotonic()
    statuses = _statuses(_say(server, huge))
    assert all(400 <= status < 500 for status in statuses)
    assert time.monotonic() - started < 15


def test_the_node_is_well_afterwards(server):
    head = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    assert _statuses(_say(server, head)) == [200]
