"""Ranges over kept connections, windows put together, what is held in memory."""

from __future__ import annotations

import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tsunagu.client import transport
from tsunagu.client.account import Account
from tsunagu.client.errors import BadAnswerError
from tsunagu.streaming import footers
from tsunagu.streaming.cache import Cache
from tsunagu.streaming.door import Source, Use
from tsunagu.streaming.fetch import Ranges, ahead
from tsunagu.streaming.plan import Group, Piece, Window
from tsunagu.streaming.rows import Rows

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
        self.content = CONTENT
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                outer.connections += 1

            def do_GET(self) -> None:
                outer.answer(self)

            def do_POST(self) -> None:
                wish = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                body = outer.content[-wish["bytes"] :] * len(wish["capabilities"])
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        first, last = map(int, handler.headers["Range"].removeprefix("bytes=").split("-"))
        body, fault, self.fault = self.content[first : last + 1], self.fault, ""
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


def test_long_footers_are_fetched_further(
    served: Bytes, ranges: Ranges, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = io.BytesIO()
    pq.write_table(pa.table({"x": range(3000)}), file, row_group_size=10)
    monkeypatch.setattr(served, "content", file.getvalue())
    sources = [replace(served.source(), path=f"{n}.parquet", size=len(served.content)) for n in range(3)]
    for tail in (100, 1 << 16):
        monkeypatch.setattr(footers, "_TAIL", tail)
        found = footers.read_all(ranges, sources)
        assert [one.metadata.num_row_groups for one in found] == [300] * 3
        assert [one.source for one in found] == sources
    assert ranges.tails([], 100) == []


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
    backwards = np.arange(10)[::-1].copy()
    coming = ahead(tables, windows, lambda window: None if window.number % 2 else backwards)  # type: ignore[arg-type]
    window, rows = next(coming)
    assert (window.number, _ids(rows)) == (0, [*range(10)][::-1])
    assert tables.asked <= 4, "256 MiB and the one that was delivered"
    for number, (one, some) in enumerate(coming, 1):
        assert (one.number, _ids(some)) == (number, [*range(10)][:: 1 if number % 2 else -1])


def _ids(rows: Rows) -> list[int]:
    return pa.Table.from_batches(rows.some(0, 10))["id"].to_pylist()


def test_an_entry_of_the_cache_is_whole_or_none(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 1 << 20)
    cache.put("abcd", memoryview(CONTENT[:1000]))
    assert cache.get("abcd") == CONTENT[:1000]
    path = tmp_path / "ab" / "abcd"
    path.write_bytes(path.read_bytes()[:-1])
    assert cache.get("abcd") is None
