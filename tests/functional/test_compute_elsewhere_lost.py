"""Two nodes, of which one is away for a while: what runs elsewhere is uncertain then, and settled when it is back."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
from pathlib import Path

import pytest

from tests.functional.two_nodes import LOST_S, two_nodes, wait
from tests.node import descendants

pytestmark = [
    pytest.mark.functional,
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed"),
]


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    with two_nodes(tmp_path_factory) as made:
        yield made


def folder(pair, run):
    return pair.far.home / "spool" / "guests" / pair.at_far(run)["run"]


def stop_but(pair_node, wrapper):
    """SIGKILL to a node's own processes, not to a wrapper and what is in it."""
    pair_node.process.send_signal(signal.SIGSTOP)
    kept = {wrapper, *descendants(wrapper)}
    # The parent last: those that are left when it dies end gently, and end their wrappers.
    for pid in [*(one for one in pair_node.children() if one not in kept), pair_node.process.pid]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    pair_node.process.wait(30)


def test_a_run_that_is_asked_for_while_the_other_node_is_away_waits_for_it(pair):
    pair.far.stop()
    run = pair.run("echo here > x", "--out", "lab/waits", "--detach")["run"]
    found = pair.wait_for(run, {"uncertain"}, timeout_s=30)
    assert found["code"] == "vanished"
    pair.far.start()
    assert pair.wait_for(run, {"succeeded"})["version"] == 1


def test_home_that_starts_anew_midway_finds_its_run_again(pair):
    run = pair.started("sleep 8; echo done > x", "lab/home-anew")
    pair.home.stop()
    pair.home.start()
    assert pair.wait_for(run, {"succeeded"})["version"] == 1


def test_a_node_that_is_killed_midway_settles_its_guests_when_it_is_back(pair):
    run = pair.started("sleep 4714", "lab/far-killed")
    pair.far.kill()
    pair.wait_for(run, {"uncertain"}, timeout_s=40)
    pair.far.start()
    found = pair.wait_for(run, {"failed"}, timeout_s=LOST_S * 3 + 30)
    assert (found["code"], found["cpu_s"]) == ("lost", 0)
    guest = wait(lambda: (one := pair.at_far(run)) and one["ended_at"] and one, "the other node to settle it")
    assert (guest["code"], guest["cpu_s"]) == ("lost", 0)
    assert pair.run("true", "--out", "lab/after")["state"] == "succeeded"


def test_a_wrapper_outlives_its_node_and_delivers_home(pair):
    run = pair.started("sleep 10; echo done > x", "lab/outlives")
    wrapper = int((folder(pair, run) / "wrapper.pid").read_text().split()[0])
    stop_but(pair.far, wrapper)
    assert pair.wait_for(run, {"succeeded"})["version"] == 1
    pair.far.start()
    guest = wait(lambda: (one := pair.at_far(run)) and one["ended_at"] and one, "the account")
    assert (guest["state"], guest["cpu_s"]) == ("succeeded", pair.at_home(run)["cpu_s"])


def away(pair, out):
    """A run that ends while home is away: the other node keeps its signed result."""
    run = pair.started("sleep 10; exit 9", out)
    wrapper = int((folder(pair, run) / "wrapper.pid").read_text().split()[0])
    pair.home.kill()
    wait(
        lambda: not Path(f"/proc/{wrapper}").exists() or pair.at_far(run)["ended_at"],
        "the wrapper to give up",
        timeout_s=120,
    )
    wait(lambda: pair.at_far(run)["ended_at"], "the account", timeout_s=60)
    return run


def test_a_result_that_home_did_not_hear_is_fetched_when_it_is_back(pair):
    run = away(pair, "lab/left")
    assert pair.at_far(run)["code"] == "exit"
    pair.home.start()
    found = pair.wait_for(run, {"failed"}, timeout_s=60)
    assert (found["code"], found["result"]["exit_code"]) == ("exit", 9)


def test_a_result_that_the_other_node_changed_is_refused(pair):
    run = away(pair, "lab/changed")
    with sqlite3.connect(pair.far.home / "db.sqlite3", timeout=30) as database:
        ((left,),) = database.execute(
            "select left from hosting_guest where partner_run = ?", (run,)
        ).fetchall()
        kept = json.loads(left)
        kept["body"] = (
            kept["body"].replace('"code": "exit"', '"code": "ok"').replace('"exit_code": 9', '"exit_code": 0')
        )
        database.execute("update hosting_guest set left = ? where partner_run = ?", (json.dumps(kept), run))
    database.close()
    pair.home.start()
    found = pair.wait_for(run, {"failed", "succeeded"}, timeout_s=LOST_S + 60)
    assert (found["code"], found["version"]) == ("lost", None)
    assert "result_refused" in (pair.home.home / "up.log").read_text()
