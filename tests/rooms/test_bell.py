"""The socket by which control wakes the supervisor."""

from __future__ import annotations

import stat
import threading
import time

import pytest

from tsunagu.compute.jobs import bell
from tsunagu.core import settings


@pytest.fixture
def place(tmp_path, monkeypatch):
    folder = tmp_path / ("long" * 30)  # longer than the address of a socket can be
    folder.mkdir()
    monkeypatch.setattr(bell, "_folder", lambda: folder)
    return folder / "compute.bell"


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
    bell.ring()  # there is no socket
    ours = bell.Bell()
    ours.close()
    for _ in range(10):
        bell.ring()  # nobody reads
    again = bell.Bell()
    bell.ring()
    assert again.wait(0)
    again.close()


def test_a_full_socket_holds_nobody_up(place):
    ours = bell.Bell()
    for _ in range(2000):  # the system keeps some ten, or some hundreds
        bell.ring()
    assert ours.wait(0)
    ours.close()


def test_whoever_searches_the_folder_is_not_held_up(place):
    ours = bell.Bell()
    with pytest.raises(OSError, match="No such device or address"):
        place.read_bytes()
    ours.close()


def test_where_no_socket_can_be_made_waiting_is_only_waiting(place):
    place.write_text("a file")
    ours = bell.Bell()
    assert not ours.wait(0.01)
    ours.close()
    assert place.read_text() == "a file", "and nothing is removed that is no socket"


def test_it_lies_in_the_home_of_the_node():
    assert bell._folder() == settings.current().home / "run"
