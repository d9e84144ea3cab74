"""Keeping and giving up, on a real node through the command line."""

from __future__ import annotations

import json
import time

import pytest

from tests.node import running_node

pytestmark = pytest.mark.functional


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    home = tmp_path_factory.mktemp("keeping")
    with running_node(home / "node", {"TSUNAGU_REPLICA_URL": (home / "second").as_uri()}) as found:
        found.second = home / "second"
        yield found


def objects(folder):
    return {f"{path.parent.name}/{path.name}": path for path in folder.glob("*/*")}


def wait(condition, timeout_s=60):
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.3)
    raise AssertionError("it did not come")


def damage(path):
    path.chmod(0o640)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)


def test_copy_damage_repair_delete(node, tmp_path):
    files = tmp_path / "measured"
    files.mkdir()
    for number in range(5):
        (files / f"{number}.bin").write_bytes(bytes([number]) * 5000)
    (files / "large.bin").write_bytes(b"x" * 3_000_000)
    node.run("project", "create", "films")
    node.run("push", str(files), "films/run-7")
    node.run("freeze", "films/run-7")
    home = ["--home", str(node.home)]
    wait(lambda: node.run("replica", *home, check=False).returncode == 0)
    primary = node.home / "objects"
    assert set(objects(primary)) <= set(objects(node.second))
    for path in objects(primary).values():
        damage(path)
    assert node.run("verify", "films/run-7", check=False).returncode != 0
    report = json.loads(node.run("scrub", "--all", "--json", *home).stdout)
    assert report["ok"]
    assert len(report["damaged"]) == report["objects"] >= 2
    node.run("verify")
    node.run("pull", "films/run-7", str(tmp_path / "back"))
    assert (tmp_path / "back" / "large.bin").read_bytes() == b"x" * 3_000_000
    assert "repair" in node.run("runs", "films/run-7").stdout
    # Both copies of everything are bad: it is said, and nothing is moved.
    before = set(objects(primary))
    for path in [*objects(primary).values(), *objects(node.second).values()]:
        damage(path)
    done = node.run("scrub", "--all", *home, check=False)
    assert done.returncode == 1
    assert "NOT REPAIRED" in done.stdout
    assert "damaged too" in done.stdout
    assert set(objects(primary)) == before
    # What is held or retained stays; then it goes, in both stores.
    node.run("retain", "films/run-7", "--until", "2060-03-31", "--reason", "ten years")
    done = node.run("delete", "films/run-7", "--reason", "damaged", check=False)
    assert (done.returncode, "2060-03-31" in done.stderr) == (3, True)
    assert node.run("retain", "films/run-7", "--until", "2059-01-01", check=False).returncode == 5
    node.run("push", str(files), "films/copy")
    node.run("hold", "films", "--reason", "inquiry 12")
    assert node.run("delete", "films/copy", "--reason", "too big", check=False).returncode == 3
    held = node.json("hold")["holds"][0]["id"]
    node.run("hold", held, "--lift", "--reason", "over")
    node.run("delete", "films/copy", "--reason", "too big")
    assert [one["name"] for one in node.json("ls", "films")] == ["run-7"]
    done = node.run("show", "films/copy", check=False)
    assert "too big" in done.stderr
    node.run("verify", check=False)


def test_a_deleted_dataset_leaves_no_bytes(node, tmp_path):
    files = tmp_path / "gone"
    files.mkdir()
    (files / "secret.txt").write_bytes(b"very secret words " * 10)
    (files / "secret.csv").write_bytes(b"x,y\n1,2\n3,4\n")
    node.run("project", "create", "gone")
    before = set(objects(node.home / "objects"))
    node.run("push", str(files), "gone/data")
    node.wait_for_readings("gone/data")
    wait(lambda: not _waits(node))
    node.run("delete", "gone/data", "--reason", "consent withdrawn")
    wait(lambda: set(objects(node.home / "objects")) == before)
    for place in (node.home / "objects", node.second):
        for path in objects(place).values():
            assert b"very secret words" not in path.read_bytes()


def _waits(node):
    return json.loads(node.run("replica", "--json", "--home", str(node.home), check=False).stdout)[
        "waiting_count"
    ]


def test_a_removal_goes_on_after_the_power_was_cut(tmp_path):
    files = tmp_path / "many"
    files.mkdir()
    for number in range(4000):
        (files / f"{number}.txt").write_text(f"number {number}")
    with running_node(tmp_path / "node", {"TSUNAGU_JOB_LEASE_S": "3"}) as node:
        node.run("project", "create", "films")
        node.run("push", str(files), "films/run-7")
        node.run("delete", "films/run-7", "--reason", "a test")
        node.kill()
        assert node.run("check", "--home", str(node.home), check=False).returncode in {0, 1}
        node.start()
        assert node.run("show", "films/run-7", check=False).returncode == 4
        wait(lambda: not objects(node.home / "objects"), 120)
        node.run("verify")
