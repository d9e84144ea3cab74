"""From a frozen version to a public page with a DOI, by command line, on a node with two people and an agency."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request

import pytest

from tests.node import running_node
from tests.rooms.datacite_stand_in import account_at, running_datacite

pytestmark = pytest.mark.functional
SAID = {
    "title": "薄膜のX線回折",
    "title_en": "X-ray diffraction of thin films",
    "description": "室温で測定しました。",
    "creators": ["山田 花子 (0000-0002-1825-0097)"],
    "licence": "CC BY 4.0",
}


@pytest.fixture
def agency():
    with running_datacite() as (service, host):
        yield service, host


@pytest.fixture
def publishing_node(tmp_path, agency):
    """A node with an account at the agency; its first person administers it, another one owns the data."""
    _, host = agency
    account = account_at(host)
    extra = {"TSUNAGU_DOI_ACCOUNTS": json.dumps([account]), "TSUNAGU_EGRESS_ALLOWED": host}
    with running_node(tmp_path / "home", extra) as node:
        yield node


def page(address):
    request = urllib.request.Request(address, headers={"Accept-Language": "ja"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def wait_for(ask, *, timeout_s=60):
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if ask():
            return
        time.sleep(0.3)
    raise AssertionError("it did not happen in time")


def test_a_version_is_asked_for_reviewed_published_registered_and_withdrawn(
    publishing_node, agency, tmp_path
):
    node, service = publishing_node, agency[0]
    service.fail("after", times=1)  # the first answer is lost
    officer = node.token
    names = ("--name-ja", "北見山大学", "--name-en", "Kitamiyama University")
    node.run(
        "institution", "set", "kitamiyama", *names, "--doi-prefix", "10.12345", "--doi-agency", "DataCite"
    )
    owner = node.token = node.make_token("hanako@example.org")
    node.run("project", "create", "films")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "scan.csv").write_text("x,y\n1,2\n")
    node.run("push", str(tmp_path / "data"), "films/run-7")
    node.run("freeze", "films/run-7")
    refused = node.run("publish", "films/run-7", check=False)
    assert refused.returncode == 5
    assert "no licence" in refused.stderr
    for name, value in SAID.items():
        assert node.api("PUT", f"/datasets/films/run-7/metadata/{name}", {"value": value})[0] == 200
    node.run("label", "films/run-7", "personal=no")
    node.run("freeze", "films/run-7")
    asked = node.json("publish", "films/run-7", "--institution", "kitamiyama")
    assert (asked["state"], asked["version"]) == ("requested", 2)
    assert page(asked["url"])[0] == 404
    key = asked["id"]
    assert node.run("review", "approve", key, check=False).returncode == 3
    node.token = officer
    assert [one["id"] for one in node.json("review", "list")["publications"]] == [key]
    node.run("review", "comment", key, "Which column is the angle?", "--file", "scan.csv")
    assert node.json("review", "approve", key)["state"] == "published"
    status, text = page(asked["url"])
    assert status == 200
    assert "北見山大学" in text
    doi = node.json("review", "show", key)["doi"]
    wait_for(lambda: node.json("review", "show", key)["is_doi_registered"])
    assert f"https://doi.org/{doi}" in page(asked["url"])[1]
    assert service.dois[doi]["url"] == asked["url"]
    assert len(service.dois) == 2, "one for the version, one for all of them, whatever got lost on the way"
    node.token = owner
    node.run("review", "withdraw", key, "校正に誤りがありました。")
    status, text = page(asked["url"])
    assert status == 410
    assert "校正に誤りがありました。" in text
    wait_for(lambda: service.dois[doi]["state"] == "registered")
