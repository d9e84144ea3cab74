"""A run on sealed data: nothing of what it reads, writes or prints lies plain on a disk, before, while or after."""

from __future__ import annotations

import os
import shutil
import signal
import time

import pytest

from tests.node import running_node
from tests.sealed import MARK, fill, holding, in_memory

pytestmark = [
    pytest.mark.functional,
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed"),
]


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    with running_node(tmp_path_factory.mktemp("sealed") / "home", {"TSUNAGU_COMPUTE_LOST_S": "2"}) as node:
        fill(node, tmp_path_factory.mktemp("data"))
        yield node


def wait(condition, what):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.1)


def started(node, script):
    done = node.run("run", "lab/in", "--out", "lab/out", "--detach", "--", "sh", "-c", script)
    run = done.stdout.strip()
    wait(lambda: "up" in node.run("logs", run).stdout, "the job to begin")
    return run


def test_no_plain_byte_is_found_on_disk(sealed):
    assert not holding(sealed.home)
    run = started(
        sealed, "cp $TSUNAGU_IN/s.txt $TSUNAGU_OUT/c.txt; cat $TSUNAGU_IN/s.txt; echo; echo up; sleep 10"
    )
    (place,) = in_memory()
    assert place.stat().st_mode & 0o777 == 0o700
    assert {path.name for path in holding(place)} == {"s.txt", "c.txt"}
    assert not holding(sealed.home)
    wait(lambda: sealed.api("GET", f"/runs/{run}")[1]["state"] == "succeeded", "the end")
    assert MARK in sealed.run("logs", run).stdout
    wait(lambda: not place.exists(), "the folder in memory to go")
    assert not holding(sealed.home)


def test_what_a_killed_wrapper_left_in_memory_goes(sealed):
    run = started(sealed, "echo up; sleep 4721")
    (place,) = in_memory()
    os.kill(int((place / run / "wrapper.pid").read_text().split()[0]), signal.SIGKILL)
    wait(lambda: sealed.api("GET", f"/runs/{run}")[1]["state"] == "failed", "the end")
    wait(lambda: not in_memory(), "the folder in memory to go")
    assert not holding(sealed.home)


def test_inputs_must_fit_into_the_memory_limit(sealed, tmp_path):
    (tmp_path / "large.bin").write_bytes(os.urandom(36 << 20))
    sealed.run("seal", "lab/large", "--create")
    sealed.run("push", str(tmp_path), "lab/large")
    sealed.run("freeze", "lab/large")
    done = sealed.run("run", "lab/large", "--out", "lab/out", "--memory", "34M", "--", "true", check=False)
    assert done.returncode
    assert "37,748,736 bytes" in done.stderr
    assert (
        sealed.run("run", "lab/large", "--out", "lab/out", "--memory", "200M", "--", "true").returncode == 0
    )
