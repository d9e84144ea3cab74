"""Versions made AI-ready on a Dask cluster: the same bytes as made here, whoever dies on the way, and nothing sealed."""

from __future__ import annotations

import signal
import threading
import time

import numpy as np
import pytest

from tests.node import running_node
from tests.servers.dask import Cluster

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    made = Cluster(tmp_path_factory.mktemp("dask"))
    made.add_worker()
    made.add_worker()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def node(cluster, tmp_path_factory):
    extra = {**cluster.settings, "TSUNAGU_DASK_CONVERTS": "yes"}
    with running_node(tmp_path_factory.mktemp("home") / "home", extra) as running:
        running.run("project", "create", "lab")
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Several tables, one whose column becomes text late, one file that is cut off, and a stack of arrays."""
    root = tmp_path_factory.mktemp("data")
    for name in ("alpha", "beta", "gamma"):
        rows = "".join(f"{n},{n * 0.5:.3f},{name}\n" for n in range(20_000))
        (root / f"{name}.csv").write_text(f"count,{name} [V],sample\n{rows}")
    (root / "late.csv").write_text("a,b\n" + "1,2\n" * 60_000 + "1,none\n")
    for number in range(3):
        np.save(root / f"frame{number}.npy", np.arange(10_000, dtype="f4").reshape(100, 100) + number)
    (root / "broken.npy").write_bytes((root / "frame0.npy").read_bytes()[:300])
    return root


def frozen(node, folder, name):
    node.run("push", str(folder), name)
    node.wait_for_readings(name)
    node.run("freeze", name)


def made_on(node, name):
    """Where the newest preparation was made, from its run."""
    status, found = node.api("GET", f"/datasets/{name}-ready/runs")
    assert status == 200
    (run, *_) = [one for one in found["runs"] if one["kind"] == "derive"]
    return run["parameters"]["made_on"]


def files(node, name):
    status, found = node.api("GET", f"/datasets/{name}-ready/files?version=1")
    assert status == 200
    # These two name the dataset.
    return {
        one["path"]: one["sha256"]
        for one in found["files"]
        if one["path"] not in {"README.md", "profile.json"}
    }


def test_the_same_bytes_as_made_here(node, cluster, folder):
    frozen(node, folder, "lab/far")
    there = node.json("ready", "lab/far")
    assert made_on(node, "lab/far") == "dask"
    for worker in cluster.workers:
        worker.send_signal(signal.SIGTERM)
        worker.wait(20)
    frozen(node, folder, "lab/near")
    here = node.json("ready", "lab/near")
    cluster.add_worker()
    cluster.add_worker()
    assert made_on(node, "lab/near") == "here"
    assert files(node, "lab/far") == files(node, "lab/near")
    assert len(files(node, "lab/far")) > 8
    assert there["score"] == here["score"]


def test_a_worker_that_dies_loses_nothing(node, cluster, folder, tmp_path):
    frozen(node, folder, "lab/shaken")
    ended = threading.Event()

    def shake():
        """One after the other, while they work."""
        while not ended.wait(0.5):
            worker = next(one for one in cluster.workers if one.poll() is None)
            worker.kill()
            worker.wait(20)
            cluster.add_worker()

    killer = threading.Thread(target=shake)
    killer.start()
    try:
        node.json("ready", "lab/shaken")
    finally:
        ended.set()
        killer.join()
    assert files(node, "lab/shaken") == files(node, "lab/far")
    deadline = time.monotonic() + 20
    left = node.home / "spool" / "conversions"
    while list(left.iterdir()):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_what_is_sealed_stays_here(node, cluster, tmp_path):
    node.run("seal", "lab/secret", "--create")
    (tmp_path / "s.csv").write_text("x,y\n" + "1,2\n" * 1000)
    frozen(node, tmp_path, "lab/secret")
    node.json("ready", "lab/secret")
    assert made_on(node, "lab/secret") == "here"
