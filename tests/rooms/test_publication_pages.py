"""The pages of publishing: what a DOI leads to, what strangers see of what, review by form, institutions."""

from __future__ import annotations

import json
import re

import pytest
from django.test import Client

from tests.rooms.clients import client_of
from tests.rooms.publication_worlds import describe, ready
from tsunagu.data.datasets import api as datasets
from tsunagu.data.publication import api as publication

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at")]
LANDING, DATASET = "/d/lab/data/v1", "/d/lab/data"
INSTITUTION = {
    "name_ja": "北見山大学",
    "name_en": "Kitamiyama University",
    "members_may_publish": True,
    "contact": "data@kitamiyama.example.ac.jp",
    "colour": "#0b5394",
}


@pytest.fixture
def publish(dataset, put, officer):
    owner, card = dataset
    publication.write_institution(officer, "kitamiyama", INSTITUTION)

    def make(**wish):
        return owner, publication.request(owner, ready(owner, card, put), institution="kitamiyama", **wish)

    return make


def visitor(language="en"):
    return Client(headers={"accept-language": language})


@pytest.mark.parametrize(
    ("language", "title", "words"),
    [
        (
            "en",
            "X-ray diffraction of thin films",
            ("How to cite", "Kitamiyama University", "Open to everybody"),
        ),
        ("ja", "薄膜のX線回折", ("引用のしかた", "北見山大学", "誰でも利用可")),
    ],
)
def test_everybody_gets_the_page_and_it_is_light(publish, language, title, words):
    publish()
    answer = visitor(language).get(LANDING)
    assert answer.status_code == 200
    text = answer.content.decode()
    assert f"<title>{title}" in text
    for word in (
        *words,
        "0000-0002-1825-0097",
        "raw/b.txt",
        "CC-BY-4.0",
        "mailto:data@kitamiyama.example.ac.jp",
    ):
        assert word in text, word
    assert len(answer.content) < 60_000
    again = visitor(language).get(DATASET).content.decode()
    assert f"<title>{title}" in again, "without a number it is the newest one"
    cited = re.search(r'<p id="citation">([^<]*)</p>', text)[1]
    assert cited.startswith("山田 花子; Suzuki, Taro (2027): ")
    assert cited.endswith("http://localhost:8000/d/lab/data/v1")


def test_machines_read_the_same(publish):
    publish()
    answer = visitor().get(LANDING)
    said = json.loads(
        re.search(
            r'<script type="application/ld\+json"[^>]*>(.*?)</script>', answer.content.decode(), re.DOTALL
        )[1]
    )
    assert said["url"] == "http://localhost:8000/d/lab/data/v1"
    assert said["license"] == "https://creativecommons.org/licenses/by/4.0/"
    assert said["creator"][0]["sameAs"] == "https://orcid.org/0000-0002-1825-0097"
    assert [one["name"] for one in said["distribution"]] == ["a.csv", "raw/b.txt"]
    links = answer["Link"]
    for relation in ("cite-as", "license", "author", "item", "type"):
        assert f'rel="{relation}"' in links
    offered = re.findall(r"<([^>]*download[^>]*)>", links)
    assert visitor().get(offered[0].removeprefix("http://localhost:8000")).status_code == 302


def test_members_keep_their_workspace_and_strangers_get_the_landing_page(publish, person):
    owner, _ = publish(access="metadata")
    assert "How to cite" not in client_of(owner).get(DATASET).content.decode()
    assert "How to cite" in client_of(person("stranger")).get(DATASET).content.decode()
    assert "How to cite" in client_of(owner).get(LANDING).content.decode()


@pytest.mark.parametrize(
    ("wish", "word"),
    [
        ({"access": "embargoed", "opens_on": "2027-10-01"}, "2027-10-01"),
        ({"access": "restricted"}, "sign in at this node"),
        ({"access": "metadata"}, "The files are not public"),
    ],
)
def test_what_is_not_open_shows_words_and_never_a_file(publish, wish, word):
    publish(**wish)
    answer = visitor().get(LANDING)
    text = answer.content.decode()
    assert word in text
    assert "室温で測定した薄膜60点の回折図形です。" in text
    for secret in ("a.csv", "raw/b.txt"):
        assert secret not in text
        assert secret not in answer["Link"]
    assert visitor().get("/d/lab/data/download/a.csv?version=1").status_code == 404
    assert visitor().get("/d/lab/data/file/a.csv?version=1").status_code == 404


def test_nothing_that_is_not_published_has_a_page(dataset, put, person):
    owner, card = dataset
    waiting = publication.request(owner, ready(owner, card, put))
    for browser in (visitor(), client_of(person("stranger"))):
        for place in (LANDING, "/d/lab/data/v2", "/d/lab/nothing/v1", DATASET):
            assert browser.get(place).status_code == 404, place
    told = [
        re.sub(r"data|nothing|<time.*?</time>|value=\"\w+\"", "", visitor().get(place).content.decode())
        for place in (DATASET, "/d/lab/nothing")
    ]
    assert told[0] == told[1], "that somebody asked for publication is not told either"
    assert client_of(person("other")).get(f"/publishing/requests/{waiting.id}").status_code == 404
    assert visitor().get(f"/publishing/requests/{waiting.id}").status_code == 302


def test_a_tombstone_says_what_it_was_and_that_it_is_gone(publish):
    owner, found = publish()
    publication.withdraw(owner, found.id, "The <b>calibration</b> was wrong.")
    answer = visitor().get(LANDING)
    text = answer.content.decode()
    assert answer.status_code == 410
    assert "X-ray diffraction of thin films" in text
    assert "&lt;b&gt;calibration" in text
    assert "a.csv" not in text
    assert "application/ld+json" not in text
    assert visitor().get(DATASET).status_code == 410
    assert "取り下げられました" in visitor("ja").get(LANDING).content.decode()


@pytest.mark.parametrize("language", ["en", "ja"])
def test_an_owner_asks_and_a_curator_decides_by_form(dataset, put, person, officer, language):
    owner, card = dataset
    publication.write_institution(officer, "kitamiyama", {**INSTITUTION, "members_may_publish": False})
    curator = person("curator")
    publication.write_institution(officer, "kitamiyama", {"curators": ["curator@example.org"]})
    put(owner, card, {"a.csv": b"1"})
    datasets.freeze_version(owner, card.id)
    mine, theirs = client_of(owner, language), client_of(curator, language)
    page = mine.get("/d/lab/data/publication").content.decode()
    assert {"en": "names no creators", "ja": "作成者が書かれていません"}[language] in page
    sent = {"version": "1", "institution": "kitamiyama", "access": "open", "resource_type": "dataset"}
    refused = mine.post("/d/lab/data/publication", sent)
    assert refused.status_code == 409
    assert {"en": "names no licence", "ja": "ライセンスが書かれていない"}[
        language
    ] in refused.content.decode()
    describe(owner, card)
    datasets.set_label(owner, card, "personal", "no")
    datasets.freeze_version(owner, card.id)
    asked = mine.post("/d/lab/data/publication", {**sent, "version": "2"})
    assert asked.status_code == 302
    place = asked["Location"]
    queue = theirs.get("/publishing").content.decode()
    assert place in queue
    assert place not in theirs.get("/publishing?assigned=me").content.decode()
    assert place not in client_of(person("stranger"), language).get("/publishing").content.decode()
    assert theirs.post(place, {"step": "assign", "to": ""}).status_code == 302
    empty = theirs.post(place, {"step": "ask_changes", "text": ""})
    assert empty.status_code == 422
    assert (
        theirs.post(place, {"step": "comment", "text": "角度の列はどれですか", "path": "a.csv"}).status_code
        == 302
    )
    assert "角度の列はどれですか" in mine.get(place).content.decode()
    assert mine.post(place, {"step": "approve"}).status_code == 403
    assert theirs.post(place, {"step": "approve", "text": ""}).status_code == 302
    assert visitor(language).get("/d/lab/data/v2").status_code == 200
    assert mine.post(place, {"step": "withdraw", "text": "wrong"}).status_code == 302
    assert visitor(language).get("/d/lab/data/v2").status_code == 410
    assert theirs.post(place, {"step": "dance"}).status_code == 422


def test_administrators_write_institutions_and_nobody_else(officer, person):
    browser = client_of(officer)
    sent = {
        "name": "minami",
        "name_ja": "南大学",
        "name_en": "Minami University",
        "curators": "officer@example.org\n",
    }
    assert browser.post("/publishing/institutions", sent).status_code == 302
    card = publication.institution_card("minami")
    assert ([one.email for one in card.curators], card.members_may_publish) == (
        ["officer@example.org"],
        False,
    )
    wrong = browser.post("/publishing/institutions", {**sent, "doi_prefix": "10"})
    assert wrong.status_code == 422
    assert 'value="南大学"' in wrong.content.decode(), "what was typed stays"
    assert 'value="Minami University"' in browser.get("/publishing/institutions?name=minami").content.decode()
    assert client_of(person("member")).get("/publishing/institutions").status_code == 403
    assert Client().get("/publishing/institutions").status_code == 302


def test_only_curators_are_shown_the_way(person, officer):
    member = person("member")
    assert 'href="/publishing"' not in client_of(member).get("/").content.decode()
    assert 'href="/publishing"' in client_of(officer).get("/").content.decode()
    publication.write_institution(officer, "tsunagu", {"curators": ["member@example.org"]})
    assert 'href="/publishing"' in client_of(member).get("/").content.decode()
