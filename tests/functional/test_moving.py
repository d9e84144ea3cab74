"""A published dataset moves to another node: same DOIs, ids, versions and history; every old address leads there."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest

from tests.functional.test_publish import SAID, wait_for
from tests.node import free_port, running_node
from tests.rooms.datacite_stand_in import account_at, running_datacite

pytestmark = pytest.mark.functional
PREFIX = "10.12345"


class Stay(urllib.request.HTTPRedirectHandler):
    """Follow nothing: the redirect itself is looked at."""

    def redirect_request(self, *_):
        return None


def led(address, accept="text/html"):
    """Status and target of an address."""
    request = urllib.request.Request(address, headers={"Accept": accept})
    try:
        with urllib.request.build_opener(Stay).open(request, timeout=30) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get("Location", "")


def text(address):
    with urllib.request.urlopen(address, timeout=30) as answer:
        return answer.read().decode()


def oai(node, verb, **more):
    query = "&".join(f"{key}={value}" for key, value in {"metadataPrefix": "oai_dc", **more}.items())
    return text(f"{node.url}/oai?verb={verb}&{query}")


@pytest.fixture
def nodes(tmp_path):
    with running_datacite() as (service, host):
        account = account_at(host)
        ports = free_port(), free_port()
        extra = {"TSUNAGU_DOI_ACCOUNTS": json.dumps([account]), "TSUNAGU_EGRESS_ALLOWED": host}
        with (
            running_node(tmp_path / "old", extra, port=ports[0]) as old,
            running_node(tmp_path / "new", extra, port=ports[1]) as new,
        ):
            old.may_reach = f"{host},localhost:{ports[1]}"
            yield old, new, service


def told(node, key):
    """Whether the agency has confirmed everything about a publication, and the record knows."""
    shown = node.json("review", "show", key)
    return shown["is_doi_registered"] and {one["state"] for one in shown["effects"]} == {"done"}


def published(node, folder):
    """Two published versions with one between them that is not; the first was withdrawn since."""
    names = ("--name-ja", "北見山大学", "--name-en", "Kitamiyama University", "--members-may-publish", "yes")
    node.run("institution", "set", "kita", *names, "--doi-prefix", PREFIX, "--doi-agency", "DataCite")
    node.run("project", "create", "films")
    (folder / "raw").mkdir(parents=True)
    (folder / "scan.csv").write_text("x,y\n1,2\n")
    (folder / "raw" / "図.txt").write_text("見本")
    node.run("push", str(folder), "films/run-7")
    for name, value in SAID.items():
        assert node.api("PUT", f"/datasets/films/run-7/metadata/{name}", {"value": value})[0] == 200
    node.run("label", "films/run-7", "personal=no")
    node.run("freeze", "films/run-7", "--note", "初版")
    first = node.json("publish", "films/run-7", "--institution", "kita")
    node.run("rm", "films/run-7", "raw/図.txt")
    node.run("freeze", "films/run-7")
    (folder / "scan.csv").write_text("x,y\n1,2\n3,4\n")
    node.run("push", str(folder), "films/run-7")
    assert node.api("PUT", "/datasets/films/run-7/metadata/keywords", {"value": ["XRD"]})[0] == 200
    node.run("freeze", "films/run-7")
    third = node.json("publish", "films/run-7", "--institution", "kita")
    wait_for(lambda: told(node, first["id"]) and told(node, third["id"]))
    node.run("review", "withdraw", first["id"], "校正に誤りがありました。")
    wait_for(lambda: told(node, first["id"]))
    return first["id"], third["id"]


def test_a_dataset_moves_and_keeps_its_names(nodes, tmp_path):
    old, new, service = nodes
    first, third = published(old, tmp_path / "data")
    before = old.json("review", "show", third)
    new.run("institution", "set", "kita", "--name-ja", "北見山大学", "--name-en", "Kitamiyama University")
    command = ("move", "--collection", "kita", "--to", new.url, "--institution", "kita")
    token = {"TSUNAGU_TO_TOKEN": new.token}
    refused = old.run(*command, check=False, env=token)
    assert refused.returncode != 0
    assert "films/run-7" in refused.stderr
    assert "not reached" in refused.stderr
    assert led(before["url"])[0] == 200, "what did not end leaves the old node as it was"
    old.stop()
    old.environment["TSUNAGU_EGRESS_ALLOWED"] = old.may_reach
    old.start()
    (done,) = json.loads(old.run(*command, "--json", env=token).stdout)["moved"]
    assert done["url"] == f"{new.url}/d/films/run-7"
    assert (done["version_count"], done["record_count"], done["differing"], done["foreign_dois"]) == (
        3,
        2,
        [],
        [],
    )

    # The records stand there as they stood here.
    after = new.json("review", "show", third)
    for name in ("id", "version", "doi", "state", "access", "published_at", "requested_at", "title"):
        assert after[name] == before[name], name
    assert [one["step"] for one in after["history"]] == [
        *(one["step"] for one in before["history"]),
        "arrive",
    ]
    gone = new.json("review", "show", first)
    assert (gone["state"], gone["reason"]) == ("withdrawn", "校正に誤りがありました。")
    for number in (1, 2, 3):
        paths = [
            {
                (one["path"], one["sha256"])
                for one in node.json("files", "films/run-7", "--version", str(number))
            }
            for node in (old, new)
        ]
        assert paths[0] == paths[1]
    versions = {one["number"]: one["note"] for one in new.json("show", "films/run-7")["versions"]}
    assert versions[1] == "初版"
    labels = {
        one["name"]: one["value"] for one in new.api("GET", "/datasets/films/run-7/labels")[1]["labels"]
    }
    assert labels["personal"] == "no"

    # Every address here leads there, the DOI at its agency too.
    page = f"{new.url}/d/films/run-7"
    assert led(f"{old.url}/d/films/run-7") == (301, page)
    assert led(before["url"]) == (301, f"{page}/v3")
    assert led(before["url"], "application/x-bibtex") == (301, f"{page}/v3")
    assert led(f"{old.url}/d/films/run-7/v1") == (301, f"{page}/v1")
    assert led(f"{page}/v1")[0] == 410
    assert led(f"{before['url']}/record/datacite.xml") == (301, f"{page}/v3/record/datacite.xml")
    assert before["doi"] in text(f"{page}/v3")
    wait_for(lambda: service.dois[before["doi"]]["url"] == f"{page}/v3")
    concept = before["doi"].rpartition(".v")[0]
    wait_for(lambda: service.dois[concept]["url"] == page)
    assert service.dois[before["doi"]]["state"] == "findable"

    # Harvesters see the same ids: gone here, standing there.
    told = oai(old, "GetRecord", identifier=f"oai:localhost:{third}")
    assert 'status="deleted"' in told
    told = oai(new, "GetRecord", identifier=f"oai:localhost:{third}")
    assert "X-ray diffraction" in told
    assert 'status="deleted"' not in told

    # Nothing more is published here, and a second move says so.
    status, answer = old.api("POST", "/datasets/films/run-7/publications", {"access": "open", "version": 2})
    assert status == 409
    assert page in answer["remedy"]
    again = old.run("move", "films/run-7", "--to", new.url, env=token)
    assert f"stands at {page} already" in again.stdout
    nothing = old.run("move", "--collection", "kita", "--to", new.url, env=token)
    assert "Nothing" in nothing.stderr
