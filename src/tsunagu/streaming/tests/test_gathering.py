"""What workers leave with the process that opened a use: nothing is lost, nothing is counted twice, strangers are not heard."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time

import pytest

from tsunagu.core.ids import new_id
from tsunagu.streaming import gathering
from tsunagu.streaming.door import Progress

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there are no such sockets")
PATIENCE_S = 20


@pytest.fixture
def told():
    return []


@pytest.fixture
def opener(told):
    own = Progress("o" * 10, 1, 5, 50)
    found = gathering.Gathering(new_id(), own, told.append)
    yield found
    found.end()


def test_what_workers_left_is_in_the_end_with_ones_own(opener, told):
    opener.listen()
    opener.listen()  # for another part
    for rows in (3, 7):  # figures of a worker count from its beginning
        assert gathering.leave(opener._opening, Progress("w" * 10, 2, rows, 10 * rows))
    assert gathering.leave(opener._opening, Progress("v" * 10, 1, 1, 1))
    assert opener.end() == Progress("o" * 10, 2, 13, 121)
    assert not told  # the end says it
    assert not gathering.leave(opener._opening, Progress("w" * 10, 2, 9, 90))
    assert opener.total().rows == 13


def _once(condition):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_while_reading_goes_on_the_node_is_told_soon(opener, told, monkeypatch):
    monkeypatch.setattr(gathering, "_TELL_AFTER_S", 0.05)
    opener.listen()
    for rows in (1, 2):
        assert gathering.leave(opener._opening, Progress("w" * 10, 1, rows, rows))
        _once(lambda rows=rows: told and told[-1].rows == 5 + rows)


def test_what_many_leave_at_once_is_told_once(opener, told, monkeypatch):
    monkeypatch.setattr(gathering, "_TELL_AFTER_S", 3600)
    opener.listen()
    for number in range(5):
        assert gathering.leave(opener._opening, Progress(f"worker-{number:04}", 1, 1, 1))
    _once(lambda: opener.total().rows == 10)
    waiting = opener._telling
    waiting.function()
    assert [one.rows for one in told] == [10]
    assert gathering.leave(opener._opening, Progress("worker-0000", 1, 2, 2))
    _once(lambda: opener.total().rows == 11 and opener._telling is not None)
    assert opener._telling is not waiting
    waiting.cancel()


def test_who_does_not_know_the_opening_and_what_is_no_figure_is_not_heard(opener):
    opener.listen()
    address = gathering._address(opener._opening)
    good = {"opening": opener._opening, "reader": "r" * 10, "epochs": 1, "rows": 1, "bytes": 1}
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        for wrong in (
            b"",
            b"\xff",
            b"[]",
            json.dumps({**good, "opening": "guessed"}).encode(),
            json.dumps({"rows": 9}).encode(),
            json.dumps({**good, "rows": "many"}).encode(),
            json.dumps({"opening": opener._opening, "rows": 9}).encode(),
            b"x" * 10_000,
        ):
            line.sendto(wrong, address)
        line.sendto(json.dumps(good).encode(), address)
    assert opener.end() == Progress("o" * 10, 1, 6, 51)
    assert opener._opening not in address


def _left(opening, number):
    os._exit(0 if gathering.leave(opening, Progress(f"worker-{number:04}", 1, 10, 100)) else 3)


@pytest.mark.parametrize("way", ["fork", "spawn"])
def test_many_processes_leave_theirs(opener, way):
    opener.listen()
    context = multiprocessing.get_context(way)
    workers = [context.Process(target=_left, args=(opener._opening, number)) for number in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert {worker.exitcode for worker in workers} == {0}
    assert opener.end().rows == 65


def _opened_and_forked(line):
    made = gathering.Gathering(new_id(), Progress("o" * 10), print)
    made.listen()
    child = os.fork()
    if not child:
        threading.Event().wait(60)  # lives on, and would hold the line if it had kept it
        os._exit(0)
    line.send((made._opening, child))
    threading.Event().wait(60)


def test_with_an_opener_that_died_nothing_is_left_although_its_children_live():
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=_opened_and_forked, args=(there,))
    process.start()
    opening, child = here.recv()
    try:
        assert gathering.leave(opening, Progress("w" * 10, 1, 1, 1))
        process.kill()
        _once(lambda: not process.is_alive())
        assert not gathering.leave(opening, Progress("w" * 10, 1, 2, 2))
    finally:
        os.kill(child, signal.SIGKILL)
