"""Labels travel along runs, get stricter by themselves and looser only by a person with the right and a reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rooms.clients import client_of
from tsunagu.core.errors import InvalidInputError, NotFoundError
from tsunagu.data.capture import api as capture
from tsunagu.data.datasets import api as datasets
from tsunagu.data.sharing import api as sharing
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

ANY = st.builds(
    policy.Labels,
    st.fixed_dictionaries({name: st.integers(0, len(steps) - 1) for name, steps in policy.LEVELS.items()}),
    st.lists(st.sampled_from(["JP", "US", "DE"]), unique=True).map(tuple),
)


@given(st.lists(ANY, min_size=1, max_size=4), ANY)
def test_what_is_derived_is_never_looser_than_a_source(several, more):
    merged, wider = policy.strictest(several), policy.strictest([*several, more])
    for name in policy.LEVELS:
        levels = [one.levels[name] for one in several]
        assert merged.levels[name] == max(levels) or (
            merged.levels[name] == 0 and 0 in levels and max(levels) == 1
        )
        # One source more makes nothing looser, unless it is that nobody knows.
        assert wider.levels[name] >= merged.levels[name] or (wider.levels[name], merged.levels[name]) == (
            0,
            1,
        )
    assert set(merged.origins) == {code for one in several for code in one.origins}
    assert policy.strictest([merged, merged]).levels == merged.levels


def shown(card):
    return {one.name: one.value for one in datasets.labels(card)}


@pytest.fixture
def source(dataset, put):
    owner, card = dataset
    put(owner, card, {"a.txt": b"1"})
    datasets.set_label(owner, card, "personal", "special")
    datasets.set_label(owner, card, "sensitivity", "3")
    datasets.set_label(owner, card, "origin", "jp")
    datasets.freeze_version(owner, card.id)
    return owner, card


@pytest.mark.django_db
@pytest.mark.parametrize("place", ["lab/data", "lab/data@1"])
def test_a_push_from_a_dataset_brings_its_labels_before_the_first_byte(source, place):
    owner, _ = source
    derived = datasets.create_dataset(owner, "lab", "derived")
    datasets.set_label(owner, derived, "sensitivity", "4")
    datasets.set_label(owner, derived, "origin", "US")
    opened = capture.open_push(owner, "lab", "derived", inputs=[place])
    now = shown(derived)
    assert (now["personal"], now["sensitivity"], now["origin"]) == ("special", "4", "JP,US")
    brought = {one.name: one.run_id for one in datasets.labels(derived) if one.run_id}
    assert brought == {"personal": opened.run, "origin": opened.run}
    again = datasets.create_dataset(owner, "lab", "again")
    capture.open_push(owner, "lab", "again", inputs=["lab/derived"])
    assert shown(again)["personal"] == "special"
    assert policy.labels_of([datasets.get_version(source[1], 1).version_hash])


@pytest.mark.django_db
def test_one_cannot_derive_from_what_one_may_not_read(source, person):
    person("other")
    other = person("other")
    datasets.create_project(other, "own")
    with pytest.raises(NotFoundError):
        capture.open_push(other, "own", "new", inputs=["lab/data"])
    assert datasets.find_dataset("own", "new") is None


@pytest.mark.django_db
def test_only_an_owner_releases_and_only_with_a_reason(source, person):
    owner, card = source
    editor, reader = person("editor"), person("reader")
    sharing.share(owner, card, role="editor", email="editor@example.org")
    sharing.share(owner, card, role="reader", email="reader@example.org")
    with pytest.raises(policy.ActionDeniedError):
        datasets.set_label(reader, card, "sensitivity", "5")
    datasets.set_label(editor, card, "sensitivity", "4")
    for name, value in (("sensitivity", "2"), ("personal", "no"), ("contract", "no"), ("origin", "")):
        with pytest.raises(policy.ActionDeniedError):
            datasets.set_label(editor, card, name, value, reason="because")
    for name, value in (("sensitivity", "2"), ("personal", "undecided"), ("origin", "US")):
        with pytest.raises(policy.NoReasonError):
            datasets.set_label(owner, card, name, value, reason=" ")
    datasets.set_label(owner, card, "sensitivity", "2", reason="aggregated")
    run = runs.of_dataset(card.id)[0]
    assert (run.kind, run.reason) == ("release_label", "aggregated")
    assert run.parameters == {"label": "sensitivity", "before": "4", "now": "2"}
    for name, value in (("colour", "red"), ("personal", "perhaps"), ("sensitivity", ""), ("origin", "Japan")):
        with pytest.raises(InvalidInputError):
            datasets.set_label(owner, card, name, value)


@pytest.mark.django_db
def test_pages_and_rest_show_and_set_labels(source):
    owner, card = source
    browser = client_of(owner)
    page = browser.get("/d/lab/data").content.decode()
    assert "Sensitivity: level 3 of 5" in page
    assert "Personal information: special care-required" in page
    assert browser.post("/d/lab/data/access", {"label": "contract", "value": "yes"}).status_code == 302
    assert shown(card)["contract"] == "yes"
    assert browser.post("/d/lab/data/access", {"label": "contract", "value": "no"}).status_code == 422
    found = {row["name"]: row for row in browser.get("/api/v1/datasets/lab/data/labels").json()["labels"]}
    assert (found["sensitivity"]["value"], found["sensitivity"]["level"]) == ("3", 3)
