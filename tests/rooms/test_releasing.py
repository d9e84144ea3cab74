"""Which versions others see: what was not released does not exist for whoever has no role, at any door."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.rooms.clients import caller_of, client_of
from tests.rooms.publication_worlds import describe, ready, run_queued
from tsunagu.core import clock
from tsunagu.core.errors import NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.data.discovery import api as discovery
from tsunagu.data.discovery.embedded import Tantivy
from tsunagu.data.publication import api as publication
from tsunagu.data.publication import publishing
from tsunagu.foundation.identity.api import ANONYMOUS, SYSTEM
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at", "english")]


@pytest.fixture
def two(dataset, put):
    """An owner and a dataset of two frozen versions: the first names a person, the second is clean."""
    owner, card = dataset
    describe(owner, card)
    put(owner, card, {"people.csv": b"name\nYamada Hanako\n"})
    datasets.freeze_version(owner, card.id, note="with names")
    datasets.remove_files(owner, card.id, ["people.csv"])
    return owner, ready(owner, card, put)


@pytest.fixture
def index(tmp_path, monkeypatch):
    """An index of its own."""
    made = Tantivy(tmp_path / "search")
    for module in ("engines", "indexing", "selectors"):
        monkeypatch.setattr(f"tsunagu.data.discovery.{module}.engine", lambda: made)
    return made


def publish(owner, officer, card, version=0):
    asked = publication.request(owner, card, version=version)
    return publication.approve(officer, asked.id)


def seen(actor):
    return [one.number for one in datasets.list_versions(datasets.get_dataset(actor, "lab", "data"))]


def test_publishing_one_version_opens_that_one_alone(two, officer):
    owner, card = two
    publish(owner, officer, card)
    assert seen(ANONYMOUS) == [2]
    assert seen(owner) == [2, 1]
    assert seen(officer) == [2], "who administers the node has no role on the data"
    card = datasets.get_dataset(ANONYMOUS, "lab", "data")
    assert (card.last_version, card.file_count) == (2, 2)
    for ask in (
        lambda: datasets.get_version(card, 1),
        lambda: datasets.list_files(ANONYMOUS, card, version=1),
        lambda: datasets.get_file(ANONYMOUS, card, "people.csv", version=1),
        lambda: datasets.list_diff(ANONYMOUS, card, 1, 2),
    ):
        with pytest.raises(NotFoundError):
            ask()


@pytest.mark.parametrize(
    "place",
    [
        "/api/v1/datasets/lab/data/versions/1",
        "/api/v1/datasets/lab/data/versions/1/evidence",
        "/api/v1/datasets/lab/data/files?version=1",
        "/api/v1/datasets/lab/data/tree?version=1",
        "/api/v1/datasets/lab/data/manifest?version=1",
        "/api/v1/datasets/lab/data/diff?from=1&to=2",
        "/api/v1/datasets/lab/data/tables?version=1",
        "/api/v1/datasets/lab/data/readiness?version=1",
        "/api/datasets/lab/data/revision/1",
        "/api/datasets/lab/data/tree/1",
        "/datasets/lab/data/resolve/1/people.csv",
        "/d/lab/data/v1",
        "/d/lab/data/v1/croissant.json",
        "/d/lab/data/v1/ro-crate-metadata.json",
        "/d/lab/data?version=1",
        "/d/lab/data/files?version=1",
        "/d/lab/data/file/people.csv?version=1",
        "/d/lab/data/versions?from=1&to=2",
    ],
)
def test_no_door_knows_a_version_that_is_not_released(two, officer, person, place):
    owner, card = two
    publish(owner, officer, card)
    asks = caller_of if place.startswith(("/api", "/datasets")) else client_of
    refused = asks(person("other")).get(place)
    assert refused.status_code == 404, place
    assert b"Yamada" not in refused.content
    assert Client().get(place).status_code in {401, 404}


def test_bytes_of_it_are_not_handed_out(two, officer):
    owner, card = two
    publish(owner, officer, card)
    place = "/api/v1/datasets/lab/data/pulls"
    asked = {"version": 1}
    assert Client().post(place, asked, content_type="application/json").status_code == 404
    assert caller_of(owner).post(place, asked, content_type="application/json").status_code == 200
    newest = Client().post(place, {}, content_type="application/json").json()
    assert newest["version"] == 2
    assert {one["path"] for one in newest["files"]} == {"a.csv", "raw/b.txt"}


def test_the_versions_page_of_others_names_only_what_they_see(two, officer):
    owner, card = two
    publish(owner, officer, card)
    page = Client().get("/d/lab/data/versions")
    assert page.status_code == 200
    assert "Version 1" not in page.content.decode()
    mine = client_of(owner).get("/d/lab/data/versions").content.decode()
    assert "members only" in mine
    assert "Show to others" in mine


def test_what_is_frozen_later_waits_for_its_own_publication(two, officer, put):
    owner, card = two
    publish(owner, officer, card)
    put(owner, card, {"c.csv": b"3"})
    datasets.freeze_version(owner, card.id)
    assert seen(ANONYMOUS) == [2]
    assert datasets.get_dataset(ANONYMOUS, "lab", "data").file_count == 2
    (shown,), _more = datasets.list_datasets(ANONYMOUS)
    assert (shown.file_count, shown.last_version) == (2, 2)
    (shown,), _more = datasets.list_datasets(owner)
    assert (shown.file_count, shown.last_version) == (3, 3)
    publish(owner, officer, datasets.get_dataset(owner, "lab", "data"))
    assert seen(ANONYMOUS) == [3, 2]


def test_a_withdrawn_version_is_gone_though_another_keeps_the_dataset_open(two, officer, put):
    owner, card = two
    first = publish(owner, officer, card)
    put(owner, card, {"c.csv": b"3"})
    datasets.freeze_version(owner, card.id)
    publish(owner, officer, datasets.get_dataset(owner, "lab", "data"))
    publication.withdraw(officer, first.id, "A name was left in it.")
    assert seen(ANONYMOUS) == [3]
    assert Client().get("/datasets/lab/data/resolve/2/a.csv").status_code == 404
    assert Client().get("/d/lab/data/v2").status_code == 410, "its page says what it was"
    publication.restore(officer, first.id)
    assert seen(ANONYMOUS) == [3, 2]


def test_what_owners_opened_themselves_stays_open(two, officer):
    owner, card = two
    datasets.set_access(owner, card.id, policy.Access.OPEN)
    assert seen(ANONYMOUS) == [2, 1]
    publish(owner, officer, datasets.get_dataset(owner, "lab", "data"))
    assert seen(ANONYMOUS) == [2, 1]


def test_an_embargo_hides_and_then_opens_that_version_alone(two, officer, at):
    owner, card = two
    asked = publication.request(owner, card, access="embargoed", opens_on="2027-10-01")
    publication.approve(officer, asked.id)
    with pytest.raises(NotFoundError):
        datasets.get_dataset(ANONYMOUS, "lab", "data")
    at(clock.start_of("2027-10-02", "Asia/Tokyo"))
    assert seen(ANONYMOUS) == [2]


def test_people_with_a_role_see_every_version(two, officer, person):
    owner, card = two
    publish(owner, officer, card)
    reader = person("reader")
    assert seen(reader) == [2]
    policy.place(
        policy.Resource("dataset", card.id, project_id=card.project_id),
        subject_kind="person",
        subject_id=reader.id,
        role=policy.Role.READER,
        by=owner.id,
    )
    assert seen(reader) == [2, 1]
    (shown,), _more = datasets.list_datasets(reader)
    assert shown.last_version == 2


def test_owners_decide_by_rest_and_by_page_and_it_is_recorded(two, officer, person):
    owner, card = two
    publish(owner, officer, card)
    place = "/api/v1/datasets/lab/data/versions/1"
    change = {"content_type": "application/json"}
    assert caller_of(person("other")).patch(place, {"is_released": True}, **change).status_code == 403
    assert seen(ANONYMOUS) == [2]
    answer = caller_of(owner).patch(place, {"is_released": True}, **change)
    assert (answer.status_code, answer.json()["is_released"]) == (200, True)
    assert seen(ANONYMOUS) == [2, 1]
    page = client_of(owner)
    assert page.post("/d/lab/data/versions", {"take_back": "2"}).status_code == 302
    assert seen(ANONYMOUS) == [1]
    assert datasets.get_dataset(ANONYMOUS, "lab", "data").last_version == 1
    assert page.post("/d/lab/data/versions", {"release": "２９ x"}).status_code in {302, 404}
    assert client_of(person("other")).post("/d/lab/data/versions", {"release": "2"}).status_code == 403
    kinds = [run.kind for run in runs.of_dataset(card.id)]
    assert kinds.count("release_version") == 2
    assert kinds.count("take_back_version") == 1


def test_search_shows_others_the_released_version(two, officer, put, index):
    owner, card = two
    publish(owner, officer, card)
    put(owner, card, {"later.txt": b"zirconia"})
    description.set_value(owner, card.id, "keywords", ["ジルコニア"])
    datasets.freeze_version(owner, card.id)
    discovery.catch_up()
    assert not discovery.search(ANONYMOUS, "ジルコニア").hits
    assert discovery.search(owner, "ジルコニア").hits
    assert discovery.search(ANONYMOUS, "薄膜").hits
    publish(owner, officer, datasets.get_dataset(owner, "lab", "data"))
    discovery.catch_up()
    assert discovery.search(ANONYMOUS, "ジルコニア").hits


def test_the_node_itself_sees_everything(two, officer):
    owner, card = two
    publish(owner, officer, card)
    assert seen(SYSTEM) == [2, 1]


def test_a_version_of_which_only_the_metadata_are_public_neither_opens_nor_closes_the_others(two, officer):
    owner, card = two
    second = publish(owner, officer, card)
    asked = publication.request(owner, card, version=1, access="metadata")
    assert publication.approve(officer, asked.id).state == "published"
    assert seen(ANONYMOUS) == [2]
    access = {number: publication.find_record("lab/data", number).access for number in (1, 2)}
    assert access == {1: "metadata only access", 2: "open access"}
    assert b"people.csv" not in Client().get("/d/lab/data/v1").content
    publication.withdraw(owner, second.id, "A calibration was wrong.")
    with pytest.raises(NotFoundError):
        datasets.get_dataset(ANONYMOUS, "lab", "data")


def test_the_record_of_a_version_that_is_taken_back_says_so(two, officer):
    owner, card = two
    publish(owner, officer, card)
    datasets.take_back(owner, card.id, 2)
    page = Client().get("/d/lab/data/v2")
    assert page.status_code == 200
    assert b"a.csv" not in page.content
    run_queued()
    assert publication.find_record("lab/data", 2).access == "metadata only access"


def test_a_version_under_an_embargo_of_its_own_leaves_the_others_open_and_opens_by_itself(
    two, officer, put, at
):
    owner, card = two
    publish(owner, officer, card)
    put(owner, card, {"c.csv": b"3"})
    datasets.freeze_version(owner, card.id)
    card = datasets.get_dataset(owner, "lab", "data")
    asked = publication.request(owner, card, access="embargoed", opens_on="2027-10-01")
    publication.approve(officer, asked.id)
    assert seen(ANONYMOUS) == [2]
    found = publication.find_record("lab/data", 3)
    assert found.access == "embargoed access"
    assert ("2027-10-01", "Available") in {(one.value, one.type) for one in found.dates}
    assert b"c.csv" not in Client().get("/d/lab/data/v3").content
    at(clock.start_of("2027-10-01", "Asia/Tokyo"))
    publishing.lift_embargoes()
    assert seen(ANONYMOUS) == [3, 2]
    found = publication.find_record("lab/data", 3)
    assert found.access == "open access"
    assert ("2027-10-01", "Available") in {(one.value, one.type) for one in found.dates}
    datasets.take_back(owner, card.id, 3)
    run_queued()
    publishing.lift_embargoes()
    assert seen(ANONYMOUS) == [2], "what was taken back by hand stays so"


def test_publishing_another_version_at_once_ends_no_embargo(two, officer, put, at):
    owner, card = two
    asked = publication.request(owner, card, access="embargoed", opens_on="2027-10-01")
    publication.approve(officer, asked.id)
    put(owner, card, {"c.csv": b"3"})
    datasets.freeze_version(owner, card.id)
    publish(owner, officer, datasets.get_dataset(owner, "lab", "data"))
    assert seen(ANONYMOUS) == [3]
    run_queued()
    assert publication.find_record("lab/data", 2).access == "embargoed access"
    at(clock.start_of("2027-10-01", "Asia/Tokyo"))
    publishing.lift_embargoes()
    assert seen(ANONYMOUS) == [3, 2]
