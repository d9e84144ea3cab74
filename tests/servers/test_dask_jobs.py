"""Jobs on a Dask cluster with worker processes of its own: they end right, once, whoever dies on the way."""

from __future__ import annotations

import shutil
import signal
import time

import pytest

from tests.node import running_node
from tests.servers.dask import Cluster

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed"),
]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    made = Cluster(tmp_path_factory.mktemp("dask"))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def node(cluster, tmp_path_factory):
    extra = {**cluster.settings, "TSUNAGU_COMPUTE_LOST_S": "6", "TSUNAGU_NODE_SECRET": "not-for-jobs"}
    with running_node(tmp_path_factory.mktemp("home") / "home", extra) as running:
        running.run("project", "create", "lab")
        folder = tmp_path_factory.mktemp("data")
        (folder / "a.txt").write_text("alpha")
        running.run("push", str(folder), "lab/data")
        running.run("freeze", "lab/data")
        yield running


def _begin(node, script, out):
    return node.run(
        "run", "lab/data", "--on", "dask", "--out", out, "--detach", "--", "sh", "-c", script
    ).stdout.strip()


def _wait(node, run, *states, timeout_s=90):
    deadline = time.monotonic() + timeout_s
    while True:
        found = node.api("GET", f"/runs/{run}")[1]
        if found["state"] in states:
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def test_a_job_waits_for_a_worker_and_ends_as_a_version(node, cluster):
    run = _begin(node, "cat $TSUNAGU_IN/a.txt > copy.txt; env > names.txt", "lab/copied")
    time.sleep(2)
    assert node.api("GET", f"/runs/{run}")[1]["state"] == "queued"
    cluster.add_worker()
    cluster.add_worker()
    found = _wait(node, run, "succeeded", "failed")
    assert found["state"] == "succeeded", found
    assert found["executor"] == "dask"
    status, listed = node.api("GET", "/datasets/lab/copied/files?version=1")
    assert status == 200
    assert {one["path"]: one["size"] for one in listed["files"]}["copy.txt"] == 5
    names = node.run("run", "lab/copied", "--out", "lab/seen", "--", "cat", "names.txt", check=False)
    assert "not-for-jobs" not in names.stdout


def test_jobs_are_cancelled_while_they_wait_and_while_they_run(node, cluster):
    long = [_begin(node, "sleep 600", f"lab/long{number}") for number in range(2)]
    for run in long:
        _wait(node, run, "running")
    behind = _begin(node, "echo never > x", "lab/behind")
    time.sleep(1)
    node.run("cancel", behind)
    assert _wait(node, behind, "cancelled")["state"] == "cancelled"
    for run in long:
        node.run("cancel", run)
    for run in long:
        assert _wait(node, run, "cancelled")["state"] == "cancelled"
    after = _begin(node, "echo again > x", "lab/after")
    assert _wait(node, after, "succeeded", "failed")["state"] == "succeeded"


def test_a_worker_that_is_killed_takes_no_job_with_it_and_none_runs_twice(node, cluster):
    run = _begin(node, "echo up; sleep 6; date +%s%N > when.txt", "lab/once")
    deadline = time.monotonic() + 60
    while "up" not in node.run("logs", run).stdout:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    for worker in cluster.workers:
        worker.send_signal(signal.SIGKILL)
        worker.wait(10)
    cluster.workers.clear()
    cluster.add_worker()
    found = _wait(node, run, "succeeded", "failed", "cancelled")
    assert found["state"] == "succeeded", found
    assert node.run("logs", run).stdout.count("up") == 1
    time.sleep(2)
    assert len(node.api("GET", "/datasets/lab/once/versions")[1]["versions"]) == 1


def test_a_scheduler_that_is_away_leaves_jobs_waiting(node, cluster):
    cluster.stop()
    run = _begin(node, "echo x > x", "lab/later")
    time.sleep(3)
    assert node.api("GET", f"/runs/{run}")[1]["state"] in {"queued", "submitted", "uncertain"}
    node.run("cancel", run)
    assert _wait(node, run, "cancelled", "failed", timeout_s=60)["state"] == "cancelled"
