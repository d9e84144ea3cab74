"""The page of a scan: the picture with what was looked for marked in it, the text beside it, a button to begin."""

from __future__ import annotations

import io

import pytest
from django.test import Client
from reportlab.pdfgen import canvas

from tests.rooms.clients import caller_of, client_of
from tsunagu.data.datasets import api as datasets
from tsunagu.data.scans import api as scans
from tsunagu.data.scans import reading

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]


@pytest.fixture(autouse=True)
def stop_reader():
    yield
    reading.reader().close()
    reading.reader.cache_clear()


@pytest.fixture
def paper(dataset, put):
    """A PDF of two pages of which nothing was read yet."""
    owner, card = dataset
    out = io.BytesIO()
    pen = canvas.Canvas(out, pagesize=(300, 200))
    for line in ("First we tried at 300 degrees.", "Nothing reacted, the furnace leaked."):
        pen.drawString(50, 150, line)
        pen.showPage()
    pen.save()
    put(owner, card, {"book.pdf": out.getvalue(), "a.csv": b"x\n1\n"})
    return owner, datasets.get_dataset(owner, card.project, card.name)


def test_a_press_begins_and_the_page_shows_words_in_their_places(paper):
    owner, card = paper
    browser = client_of(owner)
    assert "Text of the pages" not in browser.get("/d/lab/data/file/a.csv").content.decode()
    assert "Read the pages" in browser.get("/d/lab/data/file/book.pdf").content.decode()
    answer = browser.post("/d/lab/data/scan/book.pdf", follow=True)
    assert "wait to be read" in answer.content.decode()
    reading.go_on(scans.scan_of(owner, card, "book.pdf").id)
    assert "2 pages with text" in browser.get("/d/lab/data/file/book.pdf").content.decode()
    shown = browser.get("/d/lab/data/scan/book.pdf?page=2&find=reac").content.decode()
    assert "Nothing reacted, the furnace leaked." in shown
    assert "1 place on this page." in shown
    assert '<rect class="found"' in shown
    assert shown.count("<rect") == 1
    assert browser.get("/d/lab/data/scan/book.pdf?page=99").status_code == 404
    assert browser.get("/d/lab/data/scan/book.pdf?page=%C2%B2").status_code == 200


def test_rest_begins_with_some_files_and_goes_on(paper, put, monkeypatch):
    owner, card = paper
    put(owner, card, {"c.pdf": b"%PDF-1.4", "d.png": b"x"})
    monkeypatch.setattr("tsunagu.data.scans.services.MOST_FILES", 1)
    caller, seen, wish = caller_of(owner), [], {}
    while wish is not None:
        answer = caller.post(
            "/api/v1/datasets/lab/data/page-readings", wish, content_type="application/json"
        ).json()
        seen += [one["path"] for one in answer["readings"]]
        wish = {"after": answer["next"]} if answer["next"] else None
    assert seen == ["book.pdf", "c.pdf", "d.png"]


def test_rest_gives_words_with_places(paper):
    owner, card = paper
    caller = caller_of(owner)
    begun = caller.post(
        "/api/v1/datasets/lab/data/page-readings", {"paths": ["book.pdf"]}, content_type="application/json"
    )
    assert begun.status_code == 202, begun.content
    assert begun.json()["readings"][0]["state"] == "waiting"
    reading.go_on(scans.scan_of(owner, card, "book.pdf").id)
    (row,) = caller.get("/api/v1/datasets/lab/data/page-readings").json()["readings"]
    assert (row["state"], row["text_count"]) == ("done", 2)
    page = caller.get("/api/v1/datasets/lab/data/pages?path=book.pdf&page=2").json()
    assert [word["text"] for word in page["words"]][:2] == ["Nothing", "reacted,"]
    assert page["words"][1]["left"] > page["words"][0]["left"] + page["words"][0]["width"]
    wrong = caller.get("/api/v1/datasets/lab/data/pages?path=book.pdf&page=7")
    assert (wrong.status_code, wrong.json()["code"]) == (404, "scans.no_such_page")
    assert Client().get("/api/v1/datasets/lab/data/pages?path=book.pdf").status_code == 404
