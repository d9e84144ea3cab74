"""Jobs on a real Slurm of one node: the same wrapper, the same signed result; what Slurm says is never taken for success."""

from __future__ import annotations

import json
import shutil
import time

import pytest

from tests.node import running_node
from tests.servers import slurm

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(bool(slurm.missing_programs()), reason="Slurm is not installed"),
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed"),
]
LOST_S = 4


@pytest.fixture(scope="module")
def cluster():
    with slurm.running() as started:
        yield started


@pytest.fixture(scope="module")
def node(cluster, tmp_path_factory):
    extra = {
        **cluster.settings,
        "TSUNAGU_COMPUTE_LOST_S": str(LOST_S),
        "SECRET_OF_THE_NODE": "must-not-travel",
    }
    with running_node(tmp_path_factory.mktemp("node") / "home", extra) as running:
        running.run("project", "create", "lab")
        folder = tmp_path_factory.mktemp("data")
        (folder / "a.txt").write_text("3\n1\n2\n")
        running.run("push", str(folder), "lab/data")
        running.run("freeze", "lab/data")
        yield running


def run(node, *arguments, check=True):
    return node.run("run", "lab/data", "--on", "slurm", *arguments, check=check)


def detached(node, out, script, *options):
    done = run(node, "--out", out, "--detach", *options, "--", "sh", "-c", script)
    return done.stdout.split()[-1]


def wait(condition, what, *, timeout_s=60):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.1)


def get(node, run):
    status, found = node.api("GET", f"/runs/{run}")
    assert status == 200
    return found


def wait_for(node, run, state, *, timeout_s=60):
    wait(
        lambda: get(node, run)["state"] == state,
        f"{run} to be {state}: {get(node, run)}",
        timeout_s=timeout_s,
    )
    return get(node, run)


def test_a_job_from_the_command_line_to_its_version(node, cluster):
    done = run(
        node, "--out", "lab/sorted", "--json", "--", "sh", "-c", "sort $TSUNAGU_IN/a.txt > $TSUNAGU_OUT/s.txt"
    )
    found = json.loads(done.stdout)
    assert (found["state"], found["code"], found["version"], found["executor"]) == (
        "succeeded",
        "ok",
        1,
        "slurm",
    )
    booked = found["result"]["host"]["booked"]
    assert booked["scheduler"] == "Slurm"
    assert booked["memory_bytes"] > found["limits"]["memory_bytes"]
    assert booked["duration_s"] > found["limits"]["duration_s"]
    told = cluster.run("scontrol", "-o", "show", "job", booked["job"]).stdout
    assert f"JobName=tsunagu-{found['run']}" in told
    assert "NumCPUs=1" in told
    assert f"MinMemoryNode={booked['memory_bytes'] >> 20}M" in told
    assert found["result"]["in_force"]["memory_bytes"] == "watched"
    assert [path for path, _size, _sha256 in found["result"]["outputs"]] == ["s.txt"]
