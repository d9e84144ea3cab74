"""Copies of a process: how they end, and what they do not keep of their parent."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tsunagu.doors.cli.forking import Forked


def failing():
    raise ValueError("a mistake in a part")


@pytest.mark.parametrize(
    ("work", "code"),
    [
        (lambda: None, 0),
        (lambda: sys.exit(3), 3),
        (lambda: sys.exit("in words"), 1),
        (failing, 1),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), -9),
    ],
)
def test_how_it_ends_is_heard(work, code):
    assert Forked("tsunagu: test", work).wait(30) == code


def test_it_is_told_to_end_and_has_a_name():
    child = Forked("tsunagu: named", lambda: time.sleep(60))
    deadline = time.monotonic() + 20
    while not Path(f"/proc/{child.pid}/cmdline").read_bytes().startswith(b"tsunagu: named"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert child.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(0.1)
    child.terminate()
    assert child.wait(20) == -signal.SIGTERM
    child.terminate()  # of one that is gone, nothing


def test_a_lock_of_the_parent_goes_with_the_parent(tmp_path):
    with (tmp_path / "lock").open("w") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        ready, told = os.pipe()
        child = Forked("tsunagu: test", lambda: time.sleep(60))
        os.close(told)
        os.read(ready, 1)  # ends when the copy has closed its end
        os.close(ready)
    try:
        with (tmp_path / "lock").open("w") as second:
            fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        child.terminate()
        child.wait(20)
