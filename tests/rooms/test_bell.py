"""The pipe by which control wakes the supervisor."""

from __future__ import annotations

import stat
import threading
import time

import pytest

from tsunagu.compute.jobs import bell
from tsunagu.core import settings


@pytest.fixture
def place(tmp_path, monkeypatch):
    found = tmp_path / "compute.bell"
    monkeypatch.setattr(bell, "_place", lambda: found)
    return found


def test_it_wakes_whoever_waits_once_for_any_number_of_rings(place):
    ours = bell.Bell()
    assert stat.S_IMODE(place.lstat().st_mode) == 0o600
    began = time.monotonic()
    threading.Timer(0.1, bell.ring).start()
    assert ours.wait(20)
    assert time.monotonic() - began < 10
    for _ in range(100):
        bell.ring()
    assert ours.wait(0)
    assert not ours.wait(0)
    ours.close()


def test_nobody_listens(place):
    bell.ring()  # there is no pipe
    ours = bell.Bell()
    ours.close()
    for _ in range(10):
        bell.ring()  # nobody reads
    again = bell.Bell()
    bell.ring()
    assert again.wait(0)
    again.close()


def test_a_full_pipe_holds_nobody_up(place):
    ours = bell.Bell()
    for _ in range(70_000):  # a pipe holds 65,536 bytes
        bell.ring()
    assert ours.wait(0)
    ours.close()


def test_where_no_pipe_can_be_made_waiting_is_only_waiting(place):
    place.write_text("a file")
    ours = bell.Bell()
    assert not ours.wait(0.01)
    ours.close()
    assert place.read_text() == "a file", "and nothing is opened that is no pipe"


def test_it_lies_in_the_home_of_the_node():
    assert bell._place() == settings.current().home / "run" / "compute.bell"
