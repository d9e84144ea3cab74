"""Provenance names no dataset that one may not see, and shows whatever a run says about itself."""

from __future__ import annotations

import pytest

from tests.rooms.clients import caller_of, client_of
from tsunagu.data.ai_use import api as ai_use
from tsunagu.data.capture import api as capture
from tsunagu.data.datasets import api as datasets
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

pytestmark = pytest.mark.django_db


@pytest.fixture
def derived(dataset, put, person):
    """A dataset made from a version of lab/data by its owner, and a member who sees the one and not the other."""
    owner, card = dataset
    put(owner, card, {"a": b"1"})
    datasets.freeze_version(owner, card.id)
    ai_use.set_terms(owner, card, ai_use.parse({"uses": {"training": "deny"}}))
    opened = capture.open_push(owner, "lab", "derived", inputs=["lab/data@1"])
    member = person("member")
    project = datasets.get_project(owner, "lab").resource
    policy.grant(owner, project, subject_kind="person", subject_id=member.id, role=policy.Role.READER)
    policy.write_text(
        owner, "project", f"""@id("hidden") @en("Not yet.") @ja("公開前です。")
        forbid(principal, action in [Action::"dataset.read", Action::"dataset.read_draft"], resource)
        when {{ resource.id == "{card.id}" }}
        unless {{ principal.owner_of.contains(resource.project) }};""", project_id=card.project_id,
    )  # fmt: skip
    return owner, member, opened.run


def test_a_run_names_its_sources_to_those_who_may_see_them(derived):
    owner, member, run = derived
    for actor, is_named in ((owner, True), (member, False)):
        page = client_of(actor).get(f"/d/lab/derived/runs/{run}").content.decode()
        assert ("lab/data" in page, "not shown to you" in page) == (is_named, not is_named)
        found = caller_of(actor).get("/api/v1/datasets/lab/derived/runs").json()["runs"]
        said = [(link["kind"], link["label"], bool(link["id"])) for one in found for link in one["links"]]
        assert ("dataset", "lab/derived", True) in said
        assert (("dataset", "lab/data", True) in said, ("dataset", "", False) in said) == (
            is_named,
            not is_named,
        )
        assert (("version", "lab/data@1", True) in said) == is_named


def test_terms_for_ai_bind_without_naming_a_hidden_source(derived):
    for actor, names in zip(derived, (["lab/data"], None), strict=False):
        answer = caller_of(actor).get("/api/v1/datasets/lab/derived/ai-terms").json()
        assert answer["uses"]["training"] == "deny"
        assert answer["inherited"].get("training") == names
        page = client_of(actor).get("/d/lab/derived/ai-use").content.decode()
        assert ("lab/data" in page) == bool(names)


def test_a_run_may_call_a_fact_as_it_likes(derived):
    owner, _, _ = derived
    card = datasets.get_dataset(owner, "lab", "derived")
    facts = {"items": "forty-two things", "values": [1], "keys": {"a": 2}}
    run = runs.record(owner, "describe", dataset_id=card.id, parameters=facts)
    page = client_of(owner).get(f"/d/lab/derived/runs/{run}").content.decode()
    assert "forty-two things" in page
    assert "a: 2" in page


def test_sources_of_a_dataset_are_those_of_runs_that_made_or_may_still_make_something(dataset):
    owner, card = dataset
    used = {name: datasets.create_dataset(owner, "lab", name).id for name in ("one", "two", "three", "four")}
    out, own = runs.Link("out", "files", "f"), runs.Link("in", "dataset", card.id)

    def source(name):
        return runs.Link("in", "dataset", used[name])

    runs.record(owner, "capture", dataset_id=card.id, links=[source("one"), out])
    runs.record(owner, "check", dataset_id=card.id, links=[source("two"), own])
    runs.start(owner, "capture", dataset_id=card.id, links=[source("three")])
    runs.record(owner, "capture", dataset_id=used["four"], links=[source("four"), out])
    runs.record(owner, "capture", dataset_id=card.id, links=[source("one"), out])
    assert runs.sources_of(card.id) == [used["one"], used["three"]]
