"""A node harvests another node that publishes: the first time everything, then what was withdrawn."""

from __future__ import annotations

import time

import pytest

from tests.node import free_port, running_node

pytestmark = pytest.mark.functional
SAID = {
    "title": "薄膜のX線回折",
    "title_en": "X-ray diffraction of thin films",
    "description": "室温で測定しました。",
    "creators": ["山田 花子 (0000-0002-1825-0097)"],
    "licence": "CC BY 4.0",
}


@pytest.fixture(scope="module")
def giver(tmp_path_factory):
    """A node with two published versions."""
    with running_node(tmp_path_factory.mktemp("giver") / "home") as node:
        node.run("project", "create", "lab")
        for name in ("lab/one", "lab/two"):
            folder = tmp_path_factory.mktemp("files")
            (folder / "scan.csv").write_text("x,y\n1,2\n")
            node.run("push", str(folder), name)
            for key, value in SAID.items():
                assert node.api("PUT", f"/datasets/{name}/metadata/{key}", {"value": value})[0] == 200
            node.run("label", name, "personal=no")
            node.run("freeze", name)
            asked = node.json("publish", name)
            if asked["state"] != "published":
                assert node.json("review", "approve", asked["id"])["state"] == "published"
        yield node


def _in_the_graph(node, identifier, *, records):
    """A thing once so many records say that they are of it."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if node.run("graph", identifier, check=False).returncode == 0:
            found = node.json("graph", identifier)
            if [one["count"] for one in found["groups"] if one["relation"] == "creator"] == [records]:
                return found
        time.sleep(0.3)
    raise AssertionError(identifier)


def test_a_node_harvests_another_node(giver, tmp_path):
    extra = {
        "TSUNAGU_EGRESS_ALLOWED": giver.url.removeprefix("http://"),
        "TSUNAGU_HARVEST_PAUSE_S": "0",
    }
    with running_node(tmp_path / "home", extra, port=free_port()) as taker:
        found = taker.json("harvest", f"{giver.url}/oai", "--name", "giver")
        assert (found["state"], found["record_count"], found["problem_count"]) == ("idle", 2, 0)
        assert found["prefix"] == "jpcoar_2.0"
        (first, second) = taker.json("harvest", "giver", "--records")["records"]
        assert {first["title"], second["title"]} == {SAID["title"]}
        assert first["identifier"] in taker.run("harvest", "giver", "--records").stdout
        deadline = time.monotonic() + 30
        while taker.json("search", "薄膜")["total"] < 2:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        hits = taker.json("search", "薄膜 kind:record")["hits"]
        assert {hit["url"] for hit in hits} == {f"{giver.url}/d/lab/{name}/v1" for name in ("one", "two")}
        author = _in_the_graph(taker, "https://orcid.org/0000-0002-1825-0097", records=2)
        assert (author["card"]["kind"], author["card"]["names"][0]["text"]) == ("person", "山田 花子")
        assert "<- creator (2)" in taker.run("graph", "0000-0002-1825-0097").stdout
        (published,) = [
            one
            for one in giver.json("review", "list", "--state", "published")["publications"]
            if one["place"] == "lab/two"
        ]
        time.sleep(1.1)  # the list knows whole seconds
        giver.run("review", "withdraw", published["id"], "The calibration was wrong.")
        time.sleep(1.1)
        again = taker.json("harvest", "giver")
        assert (again["record_count"], again["deleted_count"]) == (1, 1)
        assert _in_the_graph(taker, "0000-0002-1825-0097", records=1)
        assert taker.run("graph", "10.1234/nothing", check=False).returncode == 4
        refused = taker.run("harvest", f"{giver.url}/oai", check=False)
        assert refused.returncode == 5
        assert "harvested already" in refused.stderr
        nothing = taker.run("harvest", f"{giver.url}/healthz", check=False)
        assert nothing.returncode == 2
        assert "no OAI-PMH repository" in nothing.stderr
