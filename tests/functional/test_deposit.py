"""From a published version to an item in a repository, by command line, on a running node."""

from __future__ import annotations

import io
import json
import time
import zipfile

import bagit
import pytest

from tests.judges.test_descriptions import JUDGES, _judge
from tests.node import running_node
from tests.rooms.publication_worlds import SAID
from tests.rooms.sword_stand_in import TOKEN, running_weko

pytestmark = pytest.mark.functional


@pytest.fixture
def weko():
    with running_weko() as found:
        yield found


@pytest.fixture
def depositing_node(tmp_path, weko):
    """A node with an account at the repository."""
    row = {
        "name": "ir",
        "address": f"http://{weko.host}/sword/service-document",
        "token": TOKEN,
        "index": [7],
    }
    extra = {"TSUNAGU_REPOSITORIES": json.dumps([row]), "TSUNAGU_EGRESS_ALLOWED": weko.host}
    with running_node(tmp_path / "home", extra) as node:
        yield node


def deposits(node):
    return node.json("deposit", "lab/films")["deposits"]


def wait_for(node, state):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        (found,) = deposits(node)
        if found["state"] == state:
            return found
        time.sleep(0.2)
    raise AssertionError(found)


def test_a_published_version_stands_in_the_repository(depositing_node, weko, tmp_path):
    node = depositing_node
    (tmp_path / "films" / "raw").mkdir(parents=True)
    (tmp_path / "films" / "a.csv").write_text("x,y\n1,2\n")
    (tmp_path / "films" / "raw" / "測定.txt").write_text("two")
    node.run("project", "create", "lab")
    node.run("push", str(tmp_path / "films"), "lab/films")
    for name, value in SAID.items():
        assert node.api("PUT", f"/datasets/lab/films/metadata/{name}", {"value": value})[0] == 200
    node.run("label", "lab/films", "personal=no")
    node.run("freeze", "lab/films")
    names = ("--name-ja", "北見山大学", "--name-en", "Kitamiyama University")
    node.run("institution", "set", "kitamiyama", *names, "--members-may-publish", "yes")
    key = node.json("publish", "lab/films", "--institution", "kitamiyama")["id"]
    answer = node.run("deposit", "lab/films", "--to", "ir")
    assert "lab/films@1  ir" in answer.stdout
    found = wait_for(node, "done")
    assert found["item_url"] == f"http://{weko.host}/records/1"
    assert found["has_files"]
    assert found["item_url"] in node.run("deposit", "lab/films").stdout
    with zipfile.ZipFile(io.BytesIO(weko.zips[0])) as archive:
        archive.extractall(tmp_path / "bag")
    bagit.Bag(str(tmp_path / "bag")).validate()
    node.run("review", "withdraw", key, "A wrong sample.")
    wait_for(node, "withdrawn")
    assert weko.items == {}
    if not JUDGES.exists():
        pytest.skip("roc-validator is not here: tests/run.py puts it into .judges")
    folder = tmp_path / "bag" / "data"
    crate = json.loads((folder / "ro-crate-metadata.json").read_bytes())
    assert _judge(folder, crate, "ro-crate-1.1") == []
    # A judge that cannot refuse is none.
    crate["@graph"] = [{**one, "license": []} if one["@id"] == "./" else one for one in crate["@graph"]]
    assert _judge(folder, {**crate, "@graph": crate["@graph"][1:]}, "ro-crate-1.1")
