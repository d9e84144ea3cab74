"""Repositories as a whole: made, opened, closed, removed, their cards, and who asks for access."""

from __future__ import annotations

import json

import pytest

from tests.rooms.clients import caller_of, client_of
from tests.rooms.hub_clients import EMPTY, Repository, file
from tsunagu.data.datasets import api as datasets
from tsunagu.data.sharing import api as sharing
from tsunagu.foundation.policy import api as policy

pytestmark = pytest.mark.django_db


def test_new_repositories(repository, person):
    def create(name, **asked):
        return repository.post(
            "/api/repos/create", {"type": "dataset", "organization": "lab", "name": name, **asked}
        )

    access = {}
    for name, asked in {
        "neither": {},
        "new-closed": {"visibility": "private"},
        "old-closed": {"private": True},
        "both": {"visibility": "private", "private": False},
        "odd": {"visibility": "protected", "private": False},
        "new-open": {"visibility": "public"},
        "old-open": {"private": False},
    }.items():
        assert create(name, **asked).status_code == 200
        access[name] = str(datasets.get_dataset(repository.actor, "lab", name).access)
    assert {name for name, word in access.items() if word == "open"} == {"new-open", "old-open"}
    assert {word for name, word in access.items() if not name.endswith("open")} == {"closed"}
    again = create("neither")
    assert (again.status_code, again.json()["url"].endswith("/datasets/lab/neither")) == (409, True)
    unknown = repository.post("/api/repos/create", {"type": "dataset", "organization": "nolab", "name": "x"})
    assert (unknown.status_code, "no such project" in unknown["X-Error-Message"]) == (404, True)
    assert create("Bad Name").status_code == 422
    assert repository.post("/api/repos/create", {"organization": "lab", "name": "m"}).status_code == 422, (
        "a model"
    )
    hidden = caller_of(person("stranger")).post(
        "/api/repos/create",
        {"type": "dataset", "organization": "lab", "name": "x"},
        content_type="application/json",
    )
    assert hidden.json() == unknown.json()


@pytest.mark.parametrize(
    ("head", "wrong"),
    [
        (
            "license: cc-by-4.0\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n    path: '*.csv'",
            "",
        ),
        ("a: [1", "line 2"),
        ("- a\n- b", "names and values"),
        ("configs: yes", "configs must be a list"),
        ("configs:\n- data_files: x", "config_name"),
        ("configs:\n- config_name: a\n- config_name: a", "named a"),
        ("configs:\n- config_name: a\n  data_files:\n  - path: x", "both a split and a path"),
        ("pretty_name: [1]", "pretty_name must be text"),
        ("x: !!python/object/apply:os.system ['true']", "no YAML"),
        ("[" * 5000, "no YAML"),
        ("a: 1\n" * 20_000, "longer than 64 KiB"),
    ],
)
def test_the_head_of_a_card(repository, head, wrong):
    answer = repository.post(
        "/api/validate-yaml", {"content": f"---\n{head}\n---\n# A\n", "repoType": "dataset"}
    )
    assert answer.status_code == (400 if wrong else 200)
    errors = answer.json()["errors"]
    assert wrong in errors[0]["message"] if wrong else not errors


def test_warnings_of_a_card(repository):
    for content in ("# no head", "---\nlicense: my-own\n---\n"):
        found = repository.post("/api/validate-yaml", {"content": content, "repoType": "dataset"}).json()
        assert (len(found["warnings"]), found["errors"]) == (1, [])


def test_a_card_that_was_committed_wins(repository):
    repository.commit(file("a.csv", b"x\n1\n"), file("README.md", b"---\nlicense: mit\n---\n# mine\n"))
    found = repository.client.get("/api/datasets/lab/data?blobs=True").json()
    (readme,) = [one for one in found["siblings"] if one["rfilename"] == "README.md"]
    assert readme["size"] == len(b"---\nlicense: mit\n---\n# mine\n")


def test_an_empty_repository_can_be_looked_at_by_its_members(repository, person):
    found = repository.client.get("/api/datasets/lab/data/revision/main").json()
    assert (found["sha"], found["siblings"]) == (EMPTY, [])
    assert repository.client.get("/api/datasets/lab/data/tree/main").json() == []
    missing = repository.client.get("/api/datasets/lab/data/tree/main/data")
    assert (missing.status_code, missing["X-Error-Code"]) == (404, "EntryNotFound")
    assert caller_of(person("stranger")).get("/api/datasets/lab/data/tree/main").status_code == 404


def test_opening_closing_and_removing(repository, person):
    client, address = repository.client, "/api/datasets/lab/data/settings"

    def change(**asked):
        return client.put(address, json.dumps(asked), content_type="application/json").status_code

    assert change(visibility="public") == 200
    assert str(repository.card.access) == "open"
    assert change(private=True) == 200
    assert str(repository.card.access) == "closed"
    assert [change(), change(visibility="protected"), change(gated="auto")] == [422] * 3
    for place in ("branch/dev", "tag/main", "super-squash/main"):
        answer = repository.post(f"/api/datasets/ID/{place}", {})
        assert (answer.status_code, "main" in answer["X-Error-Message"]) == (400, True)
    moved = repository.post(
        "/api/repos/move", {"fromRepo": "lab/data", "toRepo": "lab/new", "type": "dataset"}
    )
    assert (moved.status_code, "keeps its address" in moved["X-Error-Message"]) == (422, True)
    body = json.dumps({"organization": "lab", "name": "data", "type": "dataset"})
    stranger = caller_of(person("stranger"))
    assert stranger.delete("/api/repos/delete", body, content_type="application/json").status_code == 404
    assert client.delete("/api/repos/delete", body, content_type="application/json").status_code == 200
    gone_now = client.get("/api/datasets/lab/data")
    assert gone_now.status_code == 404
    (stone,) = datasets.list_tombstones(repository.actor, datasets.get_project(repository.actor, "lab").id)
    assert "client of the Hub" in stone.reason


def test_who_asked_is_for_those_who_manage(repository, person):
    reader, asker = person("reader"), person("asker")
    project = datasets.get_project(repository.actor, "lab").resource
    policy.grant(
        repository.actor, project, subject_kind="person", subject_id=reader.id, role=policy.Role.READER
    )
    sharing.ask(asker, "lab", "data", reason="to compare")
    gate = "/api/datasets/lab/data/user-access-request"
    answer = {"user": "asker@example.org", "status": "accepted"}
    for actor, status in ((reader, 403), (asker, 404)):
        theirs = Repository(actor)
        assert theirs.client.get(f"{gate}/pending").status_code == status
        assert theirs.post(f"{gate}/handle", answer).status_code == status
        assert theirs.post(f"{gate}/grant", {"user": "asker@example.org"}).status_code == status
    (row,) = repository.client.get(f"{gate}/pending").json()
    assert (row["user"]["email"], row["fields"]["reason"]) == ("asker@example.org", "to compare")
    assert repository.post(f"{gate}/handle", {**answer, "user": "nobody"}).status_code == 404
    assert repository.post(f"{gate}/handle", {**answer, "user": ""}).status_code == 404
    assert repository.post(f"{gate}/handle", {**answer, "status": "pending"}).status_code == 422
    assert repository.post(f"{gate}/handle", {**answer, "status": "rejected"}).status_code == 422, "no words"
    said = {**answer, "status": "rejected", "rejectionReason": "not out yet"}
    assert repository.post(f"{gate}/handle", said).status_code == 200
    assert [one["status"] for one in repository.client.get(f"{gate}/rejected").json()] == ["rejected"]
    assert repository.post(f"{gate}/grant", {"user": "asker@example.org"}).status_code == 200
    assert datasets.get_dataset(asker, "lab", "data")


def test_addresses_that_clients_print_lead_to_pages(repository):
    def leads(place):
        return repository.client.get(f"/datasets/lab/data{place}").headers.get("Location")

    assert leads("") == leads("/tree/main/") == "/d/lab/data"
    oid = repository.commit(file("データ/a.csv", b"x\n1\n")).json()["commitOid"]
    repository.commit(file("b", b"2"))
    assert leads(f"/commit/{oid}") == "/d/lab/data?version=1"
    assert leads("/tree/main/") == "/d/lab/data?version=2"
    browser = client_of(repository.actor)
    for place in ("/tree/v1/データ", "/blob/v1/データ/a.csv", f"/blob/{oid}/データ/a.csv"):
        assert leads(place).endswith("?version=1")
        assert browser.get(leads(place)).status_code == 200
    assert leads("/tree/v9") is None
