"""Code of a dataset at one node runs on the computers of another: two real nodes, as their people use them."""

from __future__ import annotations

import json
import shutil
import time

import pytest

from tests.node import Node, free_port

pytestmark = [
    pytest.mark.functional,
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed"),
]
LOST_S = 8
SOON = "2099-03-31"


def wait(condition, what, *, timeout_s=60):
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.1)
    return found


class Pair:
    """Node ``home`` holds the data; node ``far`` lends its computers."""

    def __init__(self, folder):
        ports = free_port(), free_port()
        hosts = ",".join(f"{name}:{port + more}" for port in ports for name, more in (("localhost", 0), ("127.0.0.1", 1)))
        extra = {"TSUNAGU_EGRESS_ALLOWED": hosts, "TSUNAGU_COMPUTE_LOST_S": str(LOST_S)}
        self.home = Node(folder / "home", ports[0], {**extra, "TSUNAGU_NODE_NAME": "Minami"})
        self.far = Node(folder / "far", ports[1], {**extra, "TSUNAGU_NODE_NAME": "Kita"})
        for node in (self.home, self.far):
            node.start()
            node.token = node.make_token("owner@example.org")
        self.mine, self.theirs = self.home.json("compute", "own"), self.far.json("compute", "own")

    def offer(self, *more):
        me = self.mine
        return self.far.json(
            "compute", "offer", "Minami University", "--address", me["address"], "--bytes", me["bytes_address"],
            "--key", me["public_key"], "--until", SOON, *more,
        )["offers"][0]  # fmt: skip

    def renew(self, *more):
        """Another offer in place of the one in force."""
        for one in self.far.json("compute", "offers")["offers"]:
            if one["is_open"]:
                self.far.run("compute", "withdraw", one["id"])
        return self.offer(*more)

    def run(self, script, *options, check=True):
        done = self.home.run(
            "run", "lab/data", "--on", "kita", "--json", *options, "--", "sh", "-c", script, check=check
        )
        return json.loads(done.stdout) if done.stdout else done

    def started(self, script, out):
        run = self.run(f"echo up; {script}", "--out", out, "--detach")["run"]
        wait(lambda: "up" in self.home.run("logs", run).stdout, "the run to begin")
        return run

    def at_home(self, run):
        return self.home.api("GET", f"/runs/{run}")[1]

    def at_far(self, run):
        return next((one for one in self.far.json("compute", "guests")["guests"] if one["partner_run"] == run), None)

    def wait_for(self, run, states, *, timeout_s=60):
        return wait(
            lambda: (found := self.at_home(run))["state"] in states and found, f"{run} to be {states}", timeout_s=timeout_s
        )

    def stop(self):
        for node in (self.home, self.far):
            if node.process and node.process.poll() is None:
                node.stop()


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    made = Pair(tmp_path_factory.mktemp("pair"))
    try:
        home = made.home
        home.run("project", "create", "lab")
        folder = tmp_path_factory.mktemp("data")
        (folder / "a.txt").write_text("3\n1\n2\n")
        home.run("push", str(folder), "lab/data")
        for label in ("personal", "export_control"):
            home.run("label", "lab/data", f"{label}=no")
        home.run("label", "lab/data", "sensitivity=2")
        home.run("freeze", "lab/data")
        me = made.theirs
        home.run(
            "compute", "site", "kita", "--title", "Kita University", "--address", me["address"],
            "--key", me["public_key"], "--country", "JP",
        )  # fmt: skip
        made.offer()
        yield made
    finally:
        made.stop()


def test_the_whole_way(pair, tmp_path):
    done = pair.run("sort $TSUNAGU_IN/a.txt > $TSUNAGU_OUT/sorted.txt; echo sorted", "--out", "lab/sorted")
    assert (done["state"], done["version"], done["executor"]) == ("succeeded", 1, "kita")
    assert pair.home.run("logs", done["run"]).stdout == "sorted\n"
    pair.home.run("pull", "lab/sorted", str(tmp_path / "sorted"))
    assert (tmp_path / "sorted" / "sorted.txt").read_text() == "1\n2\n3\n"
    (record,) = [one for one in pair.home.json("runs", "lab/sorted") if one["id"] == done["run"]]
    assert record["parameters"]["site"]["title"] == "Kita University"
    labels = {one["name"]: one for one in pair.home.json("label", "lab/sorted")["labels"]}
    assert labels["sensitivity"]["value"] == "2"
    guest = wait(lambda: (one := pair.at_far(done["run"])) and one["state"] == "succeeded" and one, "the account")
    assert record["parameters"]["host"]["run"] == guest["run"]
    assert (guest["partner"], guest["asker"]) == ("Minami University", "owner")
    assert guest["cpu_s"] == done["cpu_s"]
    assert "lab/" not in json.dumps(guest), "the other node does not learn what the data are called"
    assert not list((pair.far.home / "spool" / "guests").iterdir())
    assert pair.far.json("ls") == []
