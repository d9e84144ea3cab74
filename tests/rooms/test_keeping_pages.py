"""Pages about keeping and giving up."""

from __future__ import annotations

import pytest

from tests.rooms.clients import client_of
from tsunagu.data.datasets import api as datasets
from tsunagu.data.keeping import api as keeping
from tsunagu.data.sharing import api as sharing

pytestmark = pytest.mark.django_db

URL = "/d/lab/data/keeping"


def test_an_owner_sets_a_retention_and_cannot_remove_before(dataset, put):
    owner, card = dataset
    put(owner, card, {"a.txt": b"1"})
    browser = client_of(owner)
    assert b'name="typed"' in browser.get(URL).content
    assert browser.post(URL, {"until": "2060-03-31", "reason": "ten years"}).status_code == 302
    shown = browser.get(URL).content.decode()
    assert "2060" in shown
    assert 'name="typed"' not in shown
    assert browser.post(URL, {"typed": "lab/data", "reason": "x"}).status_code == 403
    assert browser.post(URL, {"until": "2050-01-01"}).status_code == 409


def test_removing_needs_the_name_typed_and_leaves_a_page(dataset, put, person):
    owner, card = dataset
    put(owner, card, {"a.txt": b"1"})
    datasets.freeze_version(owner, card.id)
    browser = client_of(owner)
    wrong = browser.post(URL, {"typed": "lab/dat", "reason": "<b>mistake</b>"})
    assert wrong.status_code == 422
    assert "&lt;b&gt;mistake" in wrong.content.decode()
    assert browser.post(URL, {"typed": "lab/data", "reason": "<b>mistake</b>"}).status_code == 302
    for page in ("/d/lab/data", "/d/lab/data/files", "/d/lab/data/access", URL):
        gone = browser.get(page)
        assert gone.status_code == 410
        assert "&lt;b&gt;mistake" in gone.content.decode()
    assert "Removed datasets" in browser.get("/projects/lab").content.decode()
    assert browser.get("/").status_code == 200
    stranger = client_of(person("stranger")).get("/d/lab/data")
    assert (stranger.status_code, b"mistake" in stranger.content) == (404, False)


def test_a_reader_sees_how_it_is_kept_and_no_forms(dataset, put, person, officer):
    owner, card = dataset
    put(owner, card, {"a.txt": b"1"})
    reader = person("reader")
    sharing.share(owner, card, role="reader", email="reader@example.org")
    keeping.place_hold(officer, "lab", reason="inquiry 12")
    shown = client_of(reader).get(URL).content.decode()
    assert "legal hold" in shown
    assert "inquiry 12" not in shown
    assert 'name="typed"' not in shown
    assert 'name="until"' not in shown
    assert "inquiry 12" in client_of(owner).get(URL).content.decode()


def test_the_office_is_for_administrators(dataset, person, officer):
    owner, card = dataset
    person("heir")
    assert client_of(owner).get("/keeping").status_code == 403
    desk = client_of(officer)
    assert desk.post("/keeping", {"place": "lab/data", "reason": "inquiry 12"}).status_code == 302
    assert "inquiry 12" in desk.get("/keeping").content.decode()
    held = keeping.list_holds(officer)[0].id
    assert desk.post("/keeping", {"lift": held, "reason": ""}).status_code == 422
    assert desk.post("/keeping", {"lift": held, "reason": "over"}).status_code == 302
    giver = {"giver": "owner@example.org"}
    alone = desk.post("/keeping", {**giver, "close": "1"})
    assert (alone.status_code, b"only owner" in alone.content) == (409, True)
    assert desk.post("/keeping", {**giver, "successor": "heir@example.org", "close": "1"}).status_code == 302
    assert datasets.get_dataset(person("heir"), "lab", "data").id == card.id


def test_the_pages_are_whole_in_japanese(dataset, officer):
    owner, _ = dataset
    assert "保存期間" in client_of(owner, "ja").get(URL).content.decode()
    assert "引き継ぎ" in client_of(officer, "ja").get("/keeping").content.decode()
