"""Conversions on a cluster: no worker waits for bytes that could be on their way, or for a node that takes in a result."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from tsunagu.compute.conversions import cluster, worker
from tsunagu.core import settings
from tsunagu.formats import api as formats

PATIENCE_S = 20


def test_the_first_file_is_fetched_before_it_is_asked_for(monkeypatch):
    begun = threading.Event()

    def fetched(_files, index):
        begun.set()
        return io.BytesIO(bytes(index))

    monkeypatch.setattr(worker._Files, "_fetch", fetched)
    with worker._Files([worker.Fetched("http://127.0.0.1:1/o/x", "00", 1)]):
        assert begun.wait(PATIENCE_S)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_arguments):
        pass


@pytest.fixture
def served(tmp_path):
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=tmp_path)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield tmp_path, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def _open_files() -> set[tuple[int, int]]:
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.add((entry.stat().st_dev, entry.stat().st_ino))
    return found


@pytest.mark.parametrize("in_memory", [True, False])
def test_files_come_whole_and_leave_nothing(served, monkeypatch, in_memory):
    folder, address = served
    monkeypatch.setattr(worker, "_IN_MEMORY", 1 << 30 if in_memory else -1)
    contents = [os.urandom(size) for size in (0, 5, 3_000_001)]
    for number, content in enumerate(contents):
        (folder / str(number)).write_bytes(content)
    sources = [
        worker.Fetched(f"{address}/{number}", hashlib.sha256(one).hexdigest(), len(one))
        for number, one in enumerate(contents)
    ]
    seen = set()
    with worker._Files([*sources, sources[-1]]) as files:  # the last one is never asked for
        for number, content in enumerate(contents):
            with files.open(number) as path:
                assert path.read_bytes() == content
                seen.add((path.stat().st_dev, path.stat().st_ino))
    assert not seen & _open_files()  # not by their numbers: those of closed ones are given anew
    other = worker.Fetched(sources[1].url, sources[2].sha256, 5)
    short = worker.Fetched(sources[1].url, sources[1].sha256, 6)
    missing = worker.Fetched(f"{address}/none", sources[1].sha256, 5)
    for wrong in (other, short, missing):
        with worker._Files([wrong]) as files, pytest.raises(worker._FetchError), files.open(0):
            pass


def test_files_that_are_gone_are_not_asked_for():
    gone = worker._Files([worker.Fetched("", "00", 1)])
    with gone as files, pytest.raises(formats.SourceFailedError), files.open(0):
        pass
    with worker._Files([]):
        pass


class OneWorker:
    """A cluster with one thread: makes one thing after the other."""

    def __init__(self):
        self.begun, self._pool = [], ThreadPoolExecutor(1)

    @contextlib.contextmanager
    def open(self):
        yield self

    def submit(self, _function, order, **_options):
        return self._pool.submit(self._make, order)

    def _make(self, order):
        self.begun.append(order["plan"])
        Path(order["folder"], "made").write_bytes(order["plan"].encode())
        return {"done": {}, "file": "made", "parts": [["", len(order["plan"])]]}


def test_a_worker_makes_the_next_table_while_the_node_takes_in_the_last(monkeypatch):
    monkeypatch.setattr(formats.TableProfile, "from_json", classmethod(lambda _cls, done: done))
    line, both, taken = OneWorker(), threading.Barrier(2), []
    place = cluster.OnDask(line, None, 1)
    settings.current().spool.mkdir(parents=True, exist_ok=True)

    def sink(_path, piece):
        both.wait(PATIENCE_S)  # broken unless the second result comes while the first is still being taken in
        taken.append(piece)

    def made(name):
        plan = SimpleNamespace(path=name, byte_count=1, sources=(), as_json=lambda: name)
        return place.make(plan, [], sink, on_read=lambda _: None)

    with ThreadPoolExecutor(place.at_once) as pool:
        assert list(pool.map(made, ["a", "b"])) == [{}, {}]
    assert sorted(taken) == [b"a", b"b"]
    assert sorted(line.begun) == ["a", "b"]
