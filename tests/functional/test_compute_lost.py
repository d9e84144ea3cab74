"""A job whose wrapper, supervisor or node is killed: uncertain for a while, then settled, never silently dropped."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.node import descendants, running_node

pytestmark = [
    pytest.mark.functional,
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed"),
]
LOST_S = 6


@pytest.fixture(scope="module")
def mortal(tmp_path_factory):
    """A node that may be killed."""
    # Addresses of the byte server end after a second: every job has to ask for new ones midway.
    extra = {"TSUNAGU_COMPUTE_LOST_S": str(LOST_S), "TSUNAGU_CAPABILITY_LIFETIME_S": "1"}
    with running_node(tmp_path_factory.mktemp("mortal") / "home", extra) as node:
        node.run("project", "create", "lab")
        folder = tmp_path_factory.mktemp("data")
        (folder / "a.txt").write_text("a")
        node.run("push", str(folder), "lab/data")
        node.run("freeze", "lab/data")
        yield node


def started(node, script, out):
    """A job that has begun: its id."""
    run = node.run("run", "lab/data", "--out", out, "--detach", "--", "sh", "-c", f"echo up; {script}")
    run = run.stdout.strip()
    wait(lambda: "up" in node.run("logs", run).stdout, "the job to begin")
    return run


def wait(condition, what, *, timeout_s=60):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.1)


def state(node, run):
    status, found = node.api("GET", f"/runs/{run}")
    assert status == 200
    return found["state"]


def wrapper_of(node, run):
    return int((node.home / "spool" / "jobs" / run / "wrapper.pid").read_text().split()[0])


def process(node, name):
    """The node's own process of a title."""
    for pid in node.children():
        if Path(f"/proc/{pid}/cmdline").read_text().startswith(name):
            return pid
    raise AssertionError(name)


def test_a_killed_wrapper_takes_its_job_with_it_and_the_run_says_so(mortal):
    run = started(mortal, "sleep 4712", "lab/killed")
    wrapper = wrapper_of(mortal, run)
    inside = descendants(wrapper)
    assert inside
    os.kill(wrapper, signal.SIGKILL)
    wait(lambda: state(mortal, run) == "uncertain", "the state uncertain")
    wait(lambda: not any(_lives(pid) for pid in inside), "the sandbox to die", timeout_s=10)
    wait(lambda: state(mortal, run) == "failed", "the end", timeout_s=LOST_S + 20)
    _status, found = mortal.api("GET", f"/runs/{run}")
    assert found["code"] == "lost"
    assert found["sentence"]
    assert found["cpu_s"] == 0
    assert "up" in mortal.run("logs", run).stdout
    assert mortal.json("runs", "lab/killed")[0]["outcome"] == "failed"


def test_a_killed_supervisor_does_not_disturb_a_running_job(mortal):
    run = started(mortal, "sleep 8; echo done > x", "lab/orphan")
    os.kill(process(mortal, "tsunagu: compute"), signal.SIGKILL)
    wait(lambda: state(mortal, run) == "succeeded", "the job to succeed")


def test_control_that_is_away_hears_the_result_later(mortal):
    run = started(mortal, "sleep 8; echo done > x", "lab/later")
    control = process(mortal, "gunicorn: master [tsunagu-control]")
    os.kill(
        control, signal.SIGKILL
    )  # it is started again within seconds, in the middle of the delivery perhaps
    # Its worker may answer once more before it dies, too.
    wait(lambda: control not in mortal.children() and _control(mortal), "another control")
    wait(lambda: _answers(mortal), "control")
    wait(lambda: state(mortal, run) == "succeeded", "the job to succeed", timeout_s=90)


def test_a_killed_node_settles_its_jobs_when_it_is_back(mortal):
    run = started(mortal, "sleep 4713", "lab/node-killed")
    mortal.kill()
    mortal.start()
    assert state(mortal, run) in {"running", "uncertain", "failed"}
    wait(lambda: state(mortal, run) == "failed", "the end", timeout_s=LOST_S + 30)
    waiting = mortal.run("run", "lab/data", "--out", "lab/after", "--", "echo", "well")
    assert waiting.stdout == "well\n"


def test_a_result_that_control_did_not_hear_is_found_beside_the_outputs(mortal):
    """The node's own processes are killed, the wrapper is not: it ends its job and leaves its signed result."""
    run = started(mortal, "sleep 10; exit 9", "lab/left")
    wrapper = wrapper_of(mortal, run)
    folder = mortal.home / "spool" / "jobs" / run
    mortal.process.send_signal(signal.SIGSTOP)
    others = [pid for pid in mortal.children() if pid != wrapper and pid not in descendants(wrapper)]
    for pid in [
        *others,
        mortal.process.pid,
    ]:  # the parent last: whoever loses it first ends its jobs in order
        with contextlib.suppress(ProcessLookupError):  # some end with their parents
            os.kill(pid, signal.SIGKILL)
    mortal.process.wait(30)
    wait(lambda: not _lives(wrapper), "the wrapper to give up", timeout_s=120)
    assert (folder / "result.json").exists()
    assert not (folder / "out").exists()
    mortal.start()
    wait(lambda: state(mortal, run) == "failed", "the result to be found")
    _status, found = mortal.api("GET", f"/runs/{run}")
    assert (found["code"], found["result"]["exit_code"]) == ("exit", 9)


def test_addresses_that_end_midway_are_asked_for_again(mortal):
    script = "for i in $(seq 4); do head -c 30000000 /dev/urandom > big$i; done; for i in $(seq 2000); do echo $i > s$i; done"
    mortal.run("run", "lab/data", "--out", "lab/wide", "--", "sh", "-c", script)
    again = mortal.run(
        "run", "lab/wide", "--out", "lab/wide-read", "--", "sh", "-c", "ls $TSUNAGU_IN | wc -l"
    )
    assert again.stdout.strip() == "2004"


def test_a_node_that_is_stopped_ends_its_jobs_with_a_word(mortal):
    run = started(mortal, "sleep 4714", "lab/stopped")
    mortal.stop()
    mortal.start()
    wait(lambda: state(mortal, run) == "failed", "the end")
    _status, found = mortal.api("GET", f"/runs/{run}")
    assert found["code"] == "stopped"


def _control(node):
    with contextlib.suppress(AssertionError, OSError):
        return process(node, "gunicorn: master [tsunagu-control]")
    return 0


def _lives(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _answers(node):
    try:
        return node.api("GET", "/me")[0] == 200
    except OSError:
        return False
