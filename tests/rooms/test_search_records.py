"""Records of other repositories among what is found: beside our own data, changed and gone with their source, and harmless."""

from __future__ import annotations

import zlib

import pytest
from django.core import mail
from django.test import Client

from tests import harvest_world as world
from tests.rooms.clients import client_of
from tests.rooms.test_search import index, library
from tsunagu.core import clock
from tsunagu.data.discovery import api as discovery
from tsunagu.data.discovery.saved import ask_all_again
from tsunagu.data.harvesting import answers, rounds
from tsunagu.data.harvesting import api as harvesting
from tsunagu.data.harvesting.models import Source
from tsunagu.foundation.identity.api import ANONYMOUS
from tsunagu.standards import api as standards

pytestmark = pytest.mark.django_db
__all__ = ["index", "library"]


@pytest.fixture
def source(person):
    row = Source.objects.create(
        name="kita", url="https://kita.example.ac.jp/oai", prefix="jpcoar_2.0", title="北見山大学リポジトリ",
        made_by=person("admin", is_admin=True).id, made_at=clock.now(), due_at=clock.now(),
    )  # fmt: skip
    rounds.begin(row)
    return row


def came(source, *records, deleted=(), stamp="2026-04-01T00:00:00Z"):
    """A page of the source, as a round takes it."""
    items = [(one.id, False, standards.to_jpcoar(one)) for one in records]
    items += [(one, True, b"") for one in deleted]
    rounds._keep(
        source,
        [
            answers.Item(f"oai:kita:{key}", stamp, is_deleted, (), content)
            for key, is_deleted, content in items
        ],
    )
    discovery.catch_up()


def kinds(actor, text, **more):
    return [(hit.kind, hit.title) for hit in discovery.search(actor, text, **more).hits]


def test_they_are_found_beside_our_own_data_by_everybody(library, source):
    owner, *_ = library
    came(source, world.a_record(1), world.a_record(2, titles=(standards.Text("電池の寿命", "ja"),)))
    assert sorted(kinds(owner, "電池")) == [
        ("dataset", "LiCoO2 正極材料の充放電サイクル"),
        ("record", "電池の寿命"),
    ]
    assert kinds(ANONYMOUS, "電池") == [("record", "電池の寿命")]
    assert kinds(ANONYMOUS, "title:XRD") == [("record", "薄膜のX線回折 1")], "in either language"
    assert kinds(owner, "電池 kind:record") == [("record", "電池の寿命")]
    assert kinds(owner, "電池 kind:dataset") == [("dataset", "LiCoO2 正極材料の充放電サイクル")]
    (hit,) = discovery.search(ANONYMOUS, "creator:山田").hits[:1]
    assert (hit.source, hit.creators[0]) == ("北見山大学リポジトリ", "山田 花子")
    assert hit.url.startswith("https://doi.org/10.1234/set")
    assert hit.licence == "CC-BY-4.0"


def test_counts_and_facets_hold_them_and_name_no_project(library, source):
    came(source, *(world.a_record(number) for number in range(5)))
    found = discovery.search(ANONYMOUS, "薄膜")
    assert (found.total, len(found.hits)) == (5, 5)
    facets = {name: {one.value: one.count for one in several} for name, several in found.facets.items()}
    assert facets["licence"] == {"CC-BY-4.0": 5}
    assert facets["access"] == {"open": 5}
    assert facets.get("project", {}) == {}
    assert facets["year"] == {"2026": 5}
    assert discovery.suggest(ANONYMOUS, "薄膜の")


def test_changed_withdrawn_and_removed(library, source, person):
    came(source, world.a_record(1), world.a_record(2))
    assert len(kinds(ANONYMOUS, "薄膜")) == 2
    came(
        source,
        world.a_record(1, titles=(standards.Text("訂正された題", "ja"),), subjects=()),
        deleted=["000002"],
        stamp="2026-05-01T00:00:00Z",
    )
    assert kinds(ANONYMOUS, "title:訂正") == [("record", "訂正された題")]
    assert kinds(ANONYMOUS, "title:薄膜") == []
    came(source, world.a_record(2), stamp="2026-06-01T00:00:00Z")
    assert kinds(ANONYMOUS, "title:薄膜") == [("record", "薄膜のX線回折 2")]
    harvesting.remove(person("another", is_admin=True), "kita")
    discovery.catch_up()
    assert kinds(ANONYMOUS, "薄膜") == []


def test_an_index_that_is_made_anew_has_them(library, source, index):
    came(source, *(world.a_record(number) for number in range(3)))
    before = kinds(library[0], "", sort="newest")
    index.begin_anew()
    index.finish()
    assert kinds(library[0], "") == []
    from tsunagu.data.discovery import indexing

    indexing.rebuild()
    assert sorted(kinds(library[0], "", sort="newest")) == sorted(before)


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,<script>1</script>", "//evil", ""]
)
def test_no_address_of_a_source_is_followed_that_is_none(library, source, address):
    hostile = world.a_record(1, url=address, doi="", titles=(standards.Text("<b>薄膜</b>", "ja"),))
    row = source.harvested_set.create(
        identifier="oai:kita:1", datestamp="", content=zlib.compress(b"<x/>"), kept=standards.to_kept(hostile),
        changed_at=clock.now(), title="x", run_id=source.run_id,
    )  # fmt: skip
    from tsunagu.data.discovery import indexing

    indexing.note_records([row.pk])
    discovery.catch_up()
    (hit,) = discovery.search(ANONYMOUS, "薄膜").hits
    assert hit.url == ""
    text = Client().get("/search", {"q": "薄膜"}).content.decode()
    assert "javascript:" not in text
    assert "data:text" not in text
    assert "<b>" not in text


@pytest.mark.parametrize(
    ("language", "word"), [("en", "Record of another repository"), ("ja", "他のリポジトリのレコード")]
)
def test_the_page_the_file_and_rest_show_them(library, source, language, word):
    came(source, world.a_record(1))
    browser = client_of(library[0])
    text = browser.get("/search", {"q": "薄膜"}, headers={"accept-language": language}).content.decode()
    for said in (word, "北見山大学リポジトリ", 'href="https://doi.org/10.1234/set1"'):
        assert said in text, said
    exported = browser.get("/search", {"q": "薄膜", "form": "json"}).json()["hits"]
    assert [(one["kind"], one["url"]) for one in exported] == [("record", "https://doi.org/10.1234/set1")]
    assert (
        "https://doi.org/10.1234/set1"
        in browser.get("/search", {"q": "薄膜", "form": "csv"}).content.decode()
    )
    (hit,) = browser.get("/api/v1/search", {"q": "薄膜"}).json()["hits"]
    assert (hit["kind"], hit["doi"], hit["project"]) == ("record", "10.1234/set1", "")


def test_a_saved_search_counts_and_mails_them(library, source, configure):
    owner, *_ = library
    configure(mail_url="smtp://mail.example.ac.jp:25")
    discovery.save(owner, "薄膜", by_mail=True)
    came(source, world.a_record(1), world.a_record(2))
    ask_all_again()
    (saved,) = discovery.list_saved(owner)
    assert saved.fresh_count == 2
    (sent,) = mail.outbox
    assert "2" in sent.body
    assert "薄膜のX線回折" not in sent.body, "no title of what was found"
    came(source, deleted=["000001"], stamp="2026-05-01T00:00:00Z")
    (saved,) = discovery.list_saved(owner)
    assert saved.fresh_count == 1, "what is gone is no news"
