"""The search page, REST and the files that one can take away."""

from __future__ import annotations

import csv
import io
import json

import pytest
from django.test import Client

from tests.rooms.clients import client_of
from tests.rooms.test_search import index, library  # noqa: F401 - fixtures
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.data.discovery import api as discovery
from tsunagu.foundation.policy import api as policy


@pytest.fixture
def page(library):  # noqa: F811
    """A signed-in owner's browser."""
    return client_of(library[0])


def test_the_page_shows_hits_facets_and_marks(page):
    text = page.get("/search", {"q": "電池"}, headers={"accept-language": "en"}).content.decode()
    assert "<mark>電池</mark>" in text
    assert "1 found" in text
    assert 'href="/d/lab/data"' in text
    assert "?q=%E9%9B%BB%E6%B1%A0&amp;creator=Taro+Suzuki" in text
    assert "<script>" not in text


def test_what_is_typed_is_never_markup(library):  # noqa: F811
    owner, first, *_ = library
    description.set_value(owner, first.id, "description", "before <img src=x onerror=alert(1)> after")
    discovery.catch_up()
    for typed in ("onerror", '"><script>alert(1)</script>', "<img"):
        text = client_of(owner).get("/search", {"q": typed}).content.decode()
        assert "<img src=x" not in text
        assert "<script>alert" not in text


@pytest.mark.parametrize("typed", ["x" * 10_000, '"', "の", "🔬🔬", "\u202eabc", "voltage:>"])
def test_any_question_is_a_page_and_an_answer(page, typed):
    assert page.get("/search", {"q": typed}).status_code == 200
    answer = page.get("/api/v1/search", {"q": typed})
    assert answer.status_code == 200
    assert answer.json()["cut"] == max(0, len(typed) - 1000)


def test_others_get_nothing_of_it(library, page):  # noqa: F811
    del page
    nobody = Client()
    answer = nobody.get("/api/v1/search").json()
    assert (answer["total"], answer["hits"]) == (0, [])
    assert not any(answer["facets"].values())
    assert nobody.get("/api/v1/search/suggestions", {"q": "電"}).json() == {"suggestions": []}
    assert "閲覧できるデータの中には" in nobody.get("/search", {"q": "電池"}).content.decode()
    owner, first, *_ = library
    datasets.freeze_version(owner, first.id)
    datasets.set_access(owner, first.id, policy.Access.OPEN)
    discovery.catch_up()
    assert [hit["name"] for hit in nobody.get("/api/v1/search").json()["hits"]] == ["data"]
    assert nobody.get("/search/suggestions", {"q": "電"}).json() == {"suggestions": ["電池"]}


def test_hits_can_be_taken_away(page):
    rows = list(
        csv.reader(
            io.StringIO(page.get("/search", {"q": "licoo2", "form": "csv"}).content.decode("utf-8-sig"))
        )
    )
    assert rows[0][:3] == ["project", "name", "title"]
    assert rows[1][:2] == ["lab", "data"]
    found = json.loads(page.get("/search", {"q": "licoo2", "form": "json"}).content)
    assert found["hits"][0]["creators"] == ["山田 花子", "Taro Suzuki"]
    assert found["hits"][0]["url"].endswith("/d/lab/data")


def test_a_search_is_saved_opened_and_removed(page):
    answer = page.post("/search/save", {"q": "電池", "creator": "Taro Suzuki", "name": "=cells"})
    assert answer.headers["location"].startswith("/search?q=")
    saved = page.get("/api/v1/searches").json()["searches"]
    assert saved[0]["chosen"] == {"creator": ["Taro Suzuki"]}
    opened = page.get("/search", {"saved": saved[0]["id"]})
    assert "creator=Taro+Suzuki" in opened.headers["location"]
    page.post("/search/save", {"forget": saved[0]["id"]})
    assert page.get("/api/v1/searches").json() == {"searches": []}
