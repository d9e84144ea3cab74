"""An embargo is a closed dataset, everywhere, until it lifts itself."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client

from tests.rooms.clients import client_of
from tsunagu.core import clock
from tsunagu.core.errors import InvalidInputError, NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

pytestmark = pytest.mark.django_db
# 2099-04-01 begins in Asia/Tokyo, the node's zone, at this moment.
OPENS = dt.datetime(2099, 3, 31, 15, tzinfo=dt.UTC)
PAGES = (
    "/d/lab/data", "/d/lab/data/files", "/d/lab/data/file/a.txt", "/d/lab/data/metadata", "/d/lab/data/provenance",
    "/d/lab/data/versions", "/d/lab/data/access", "/d/lab/data/download/a.txt", "/d/lab/data?version=1",
    "/api/v1/datasets/lab/data", "/api/v1/datasets/lab/data/files", "/api/v1/datasets/lab/data/tree",
    "/api/v1/datasets/lab/data/versions", "/api/v1/datasets/lab/data/metadata",
    "/api/v1/decide?action=read&place=lab/data",
)  # fmt: skip


@pytest.fixture
def embargoed(dataset, put):
    owner, card = dataset
    put(owner, card, {"a.txt": b"1"})
    datasets.freeze_version(owner, card.id)
    datasets.set_access(owner, card.id, policy.Access.OPEN, embargo_until="2099-04-01")
    return owner, datasets.get_dataset(owner, "lab", "data")


def test_it_is_closed_everywhere_and_opens_at_its_moment(embargoed, person, monkeypatch):
    owner, _ = embargoed
    stranger = person("stranger")
    browsers = (Client(), client_of(stranger))
    for moment in (clock.now(), OPENS - dt.timedelta(seconds=1)):
        monkeypatch.setattr(clock, "now", lambda moment=moment: moment)
        for browser in browsers:
            for place in PAGES:
                assert browser.get(place).status_code == 404, place
            assert "lab/data" not in browser.get("/").content.decode()
            assert browser.get("/api/v1/datasets").json()["datasets"] == []
            pulled = browser.post("/api/v1/datasets/lab/data/pull", "{}", content_type="application/json")
            assert pulled.status_code == 404
        for actor in (stranger, identity.ANONYMOUS):
            assert datasets.list_datasets(actor) == ([], "")
            with pytest.raises(NotFoundError):
                datasets.get_dataset(actor, "lab", "data")
        assert client_of(owner).get("/d/lab/data").status_code == 200
    monkeypatch.setattr(clock, "now", lambda: OPENS)
    for browser in browsers:
        for place in PAGES:
            assert browser.get(place).status_code in {200, 302}, place
        assert "lab/data" in browser.get("/").content.decode()
        assert len(browser.get("/api/v1/datasets").json()["datasets"]) == 1


def test_pages_rest_and_runs_say_it(embargoed):
    owner, card = embargoed
    browser = client_of(owner)
    page = browser.get("/d/lab/data/access").content.decode()
    assert 'value="2099-04-01"' in page
    assert "closed until 2099-04-01 00:00, then open" in page
    shown = browser.get("/api/v1/datasets/lab/data").json()
    assert (shown["access"], shown["embargo_until"]) == ("open", "2099-03-31T15:00:00.000Z")
    said = runs.of_dataset(card.id, kinds=("set_access",))[0].parameters
    assert said == {"before": "closed", "now": "open", "embargo_until": "2099-03-31T15:00:00.000Z"}
    # Another access, the day untouched: the embargo stays. An empty day lifts it.
    assert (
        browser.post("/d/lab/data/access", {"access": "shared", "embargo": "2099-04-01"}).status_code == 302
    )
    assert datasets.get_dataset(owner, "lab", "data").embargo_until == "2099-03-31T15:00:00.000Z"
    assert browser.post("/d/lab/data/access", {"access": "open", "embargo": ""}).status_code == 302
    assert Client().get("/d/lab/data").status_code == 200


@pytest.mark.parametrize("day", ["2001-01-01", "1.4.2099", "2099-02-30"])
def test_a_day_that_cannot_be_is_refused_and_changes_nothing(embargoed, day):
    owner, card = embargoed
    with pytest.raises(InvalidInputError):
        datasets.set_access(owner, card.id, policy.Access.OPEN, embargo_until=day)
    assert datasets.get_dataset(owner, "lab", "data").embargo_until == "2099-03-31T15:00:00.000Z"
