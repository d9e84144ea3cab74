"""A published version in every form, below its public page."""

from __future__ import annotations

import json
import sys
import types

import pytest

from tests.harvest_world import a_record
from tsunagu.doors.records import forms, views
from tsunagu.standards import api as s

PAGE = "https://data.example.ac.jp/d/lab/films/v1"
MOVED = 4
RECORDS = {
    ("lab/films", 1): a_record(7, url=PAGE),
    ("lab/films", 2): a_record(8, url=PAGE, withdrawn_on="2026-04-02"),
    ("lab/films", 3): a_record(9, url=PAGE, dates=(), is_doi_registered=False),
    ("lab/films", MOVED): a_record(10, url=PAGE),
}


@pytest.fixture
def get(settings, monkeypatch, client):
    urls = types.ModuleType("urls_of_records")
    urls.urlpatterns = views.addresses(
        lambda place, number: RECORDS.get((place, number)),
        lambda _place, number: "https://new.example.ac.jp/d/lab/films/v4" if number == MOVED else "",
    )
    monkeypatch.setitem(sys.modules, "urls_of_records", urls)
    settings.ROOT_URLCONF = "urls_of_records"
    return lambda name, number=1, **more: client.get(f"/d/lab/films/v{number}/record/{name}", more)


def test_every_form_is_answered_as_what_it_is(get):
    for form in forms.FORMS:
        answer = get(form.name)
        assert answer.status_code == 200, form.name
        assert answer["Content-Type"] == f"{form.media_type}; charset=utf-8"
        assert answer.content.strip()
        is_described = f'<{PAGE}>; rel="describes"' in answer["Link"]
        assert is_described == form.is_description
    assert s.from_jpcoar(get("jpcoar.xml").content).titles == RECORDS["lab/films", 1].titles
    assert s.from_datacite(get("datacite.xml").content).doi == "10.1234/set7"
    assert json.loads(get("datacite.json").content)["doi"] == "10.1234/set7"
    assert "attachment" in get("citation.bib")["Content-Disposition"]


def test_what_was_moved_leads_to_the_same_form_there(get):
    answer = get("citation.txt", number=MOVED, style="apa")
    there = "https://new.example.ac.jp/d/lab/films/v4/record/citation.txt?style=apa"
    assert (answer.status_code, answer["Location"]) == (301, there)


def test_a_citation_in_a_style_and_a_language(get):
    assert "Yamada, H. (2026)" in get("citation.txt", style="apa", language="en").content.decode()
    assert "山田 花子 (2026): 薄膜" in get("citation.txt", language="ja").content.decode()
    wrong = get("citation.txt", style="no-such-style")
    assert wrong.status_code == 422
    assert "There is no citation style" in wrong.content.decode()


def test_what_is_not_there_and_what_is_no_more(get):
    assert get("jpcoar.xml", number=9).status_code == 404
    assert get("passwd").status_code == 404
    withdrawn = get("jpcoar.xml", number=2)
    assert (withdrawn.status_code, withdrawn.content) == (410, b"")


def test_the_form_of_an_agency_is_there_for_its_own_dois_alone(get, monkeypatch):
    record = RECORDS["lab/films", 1]
    assert record.doi_agency == "JaLC"
    assert json.loads(get("jalc.json").content)["doi"] == record.doi
    assert "jalc.json" in get("linkset.json").content.decode()
    monkeypatch.setitem(RECORDS, ("lab/films", 1), a_record(7, url=PAGE, doi_agency="DataCite"))
    assert get("jalc.json").status_code == 404
    assert "jalc" not in get("linkset.json").content.decode()
    # What asks for any JSON gets the page: the form is for those who know it.
    assert forms.form_for("application/json") is None


def test_what_a_form_demands_is_said(get):
    answer = get("datacite.xml", number=3)
    assert answer.status_code == 422
    assert answer.content.decode() == (
        "The record has no date that gives a year of publication. Give it a date of type Issued.\n"
    )


def test_a_doi_that_is_not_registered_stands_in_no_form_but_those_that_ask_for_it():
    waiting = a_record(7, url=PAGE, is_doi_registered=False)
    shown = [form.name for form in forms.FORMS if "10.1234/set7" in form.write(waiting, "en")]
    assert shown == ["jpcoar.xml", "jalc.json"]


def test_the_page_says_where_its_forms_are():
    header = forms.link_header(RECORDS["lab/films", 1])
    assert f'<{PAGE}/record/linkset.json>; rel="linkset"; type="application/linkset+json"' in header
    for form in forms.FORMS:
        assert (f'<{PAGE}/record/{form.name}>; rel="describedby"' in header) == form.is_description


@pytest.mark.parametrize(
    ("accept", "name"),
    [
        ("application/x-bibtex", "citation.bib"),
        ("application/vnd.citationstyles.csl+json, text/html;q=0.5", "citation.json"),
        ("text/html, application/x-bibtex;q=0.9", None),
        ("text/html;q=0.2, application/vnd.datacite.datacite+xml;q=0.9", "datacite.xml"),
        ("application/unknown, application/x-research-info-systems", "citation.ris"),
        ("application/x-bibtex;q=0", None),
        ("application/x-bibtex;q=nan;q=inf", None),
        ("*/*", None),
        ("", None),
        (",;,=;q," * 200, None),
    ],
)
def test_a_form_is_chosen_by_what_is_accepted(accept, name):
    form = forms.form_for(accept)
    assert (form.name if form else None) == name
