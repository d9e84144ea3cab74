"""Conversions on a cluster: no worker waits for bytes that could be on their way, or for a node that takes in a result."""

from __future__ import annotations

import contextlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor
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
        return Path(os.devnull, str(index))

    monkeypatch.setattr(worker._Files, "_fetch", fetched)
    with worker._Files([worker.Fetched("http://127.0.0.1:1/o/x", "00", 1)]):
        assert begun.wait(PATIENCE_S)


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
