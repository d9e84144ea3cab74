"""Ranges over kept connections, windows put together, what is held in memory."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from tsunagu.client import transport
from tsunagu.client.account import Account
from tsunagu.client.errors import BadAnswerError
from tsunagu.streaming.cache import Cache
from tsunagu.streaming.door import Source, Use
from tsunagu.streaming.fetch import Ranges, ahead
from tsunagu.streaming.plan import Group, Piece, Window

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTENT = bytes(range(256)) * 4000
USE = Use("U1", "O1", "net", "lab/data", 1, "0" * 64, may_cache=True)


class Bytes:
    """A byte server that counts connections and can misbehave once."""

    def __init__(self) -> None:
        self.connections = 0
        self.fault = ""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                outer.connections += 1

            def do_GET(self) -> None:
                outer.answer(self)

            def log_message(self, *_arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        first, last = map(int, handler.headers["Range"].removeprefix("bytes=").split("-"))
        body, fault, self.fault = CONTENT[first : last + 1], self.fault, ""
        if fault == "short":
            body = body[:-1]
        handler.send_response(206)
        if fault == "chunked":
            handler.send_header("Transfer-Encoding", "chunked")
            handler.end_headers()
            handler.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
            return
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[: len(body) // 2] if fault == "broken" else body)
        handler.close_connection = fault == "broken"

    def source(self) -> Source:
        address = f"http://127.0.0.1:{self.server.server_port}"
        return Source("a.parquet", len(CONTENT), "0" * 64, "token", address)


@pytest.fixture
def served() -> Iterator[Bytes]:
    found = Bytes()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def ranges(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ranges]:
    monkeypatch.setattr(transport, "_wait_s", lambda _attempt, _after: 0.0)
    found = Ranges(Account("http://127.0.0.1:1", "token"), USE)
    yield found
    found.close()


def test_connections_outlive_the_threads_that_used_them(served: Bytes, ranges: Ranges) -> None:
    source = served.source()
    for _ in range(5):
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(ranges.read, source, 100, 300).result() == CONTENT[100:400]
    assert served.connections == 1
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda at: bytes(ranges.read(source, at, 7)), range(200)))
    assert found == [CONTENT[at : at + 7] for at in range(200)]
    assert served.connections <= 4
    assert ranges.fetched == 5 * 300 + 200 * 7


@pytest.mark.parametrize("fault", ["broken", "chunked"])
def test_a_range_is_whole_whatever_the_line_does(served: Bytes, ranges: Ranges, fault: str) -> None:
    served.fault = fault
    assert ranges.read(served.source(), 1000, 900_000) == CONTENT[1000:901_000]


def test_a_range_of_another_length_is_refused(served: Bytes, ranges: Ranges) -> None:
    served.fault = "short"
    with pytest.raises(BadAnswerError):
        ranges.read(served.source(), 0, 5000)


class _Tables:
    """Row groups that hold their numbers; knows how many were asked for."""

    def __init__(self) -> None:
        self.asked = 0

    def table(self, piece: Piece) -> pa.Table:
        self.asked += 1
        return pa.table({"id": pa.array(range(piece.start, piece.start + piece.rows), pa.int64())})


def test_windows_come_in_their_order_and_no_more_than_the_bound_is_on_the_way() -> None:
    groups = [Group(0, number, 10, 100 << 20) for number in range(20)]
    windows = [Window(number, number * 10, 10, (Piece(one, 0, 10),)) for number, one in enumerate(groups)]
    tables = _Tables()
    coming = ahead(tables, windows, lambda window: None if window.number % 2 else pa.array([1]))  # type: ignore[arg-type]
    window, batch, order = next(coming)
    assert (window.number, batch.num_rows, order) == (0, 10, pa.array([1]))
    assert tables.asked <= 4, "256 MiB and the one that was delivered"
    assert [(one.number, two is None) for one, _, two in coming] == [(n, n % 2 == 1) for n in range(1, 20)]


def test_an_entry_of_the_cache_is_whole_or_none(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 1 << 20)
    cache.put("abcd", memoryview(CONTENT[:1000]))
    assert cache.get("abcd") == CONTENT[:1000]
    path = tmp_path / "ab" / "abcd"
    path.write_bytes(path.read_bytes()[:-1])
    assert cache.get("abcd") is None
