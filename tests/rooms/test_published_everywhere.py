"""From a published version to everybody who asks for it: the page, its forms, reference managers, harvesters; and its end."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from django.test import Client
from lxml import etree

from tests.rooms.publication_worlds import ready
from tsunagu.core import clock
from tsunagu.data.publication import api as publication
from tsunagu.standards import api as standards

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at")]
PAGE = "/d/lab/data/v1"
OAI = "{http://www.openarchives.org/OAI/2.0/}"
INSTITUTION = {"name_ja": "北見山大学", "name_en": "Kitamiyama University", "members_may_publish": True}


@pytest.fixture
def published(dataset, put, officer):
    owner, card = dataset
    publication.write_institution(officer, "kitamiyama", INSTITUTION)
    return owner, publication.request(owner, ready(owner, card, put), institution="kitamiyama")


def oai(**arguments):
    answer = Client().get("/oai", arguments)
    assert answer.status_code == 200
    return etree.fromstring(answer.content)


def listed(prefix):
    """Identifier -> whether it is deleted, and the record."""
    root = oai(verb="ListRecords", metadataPrefix=prefix)
    return {
        one.find(f"{OAI}header/{OAI}identifier").text: (
            one.find(f"{OAI}header").get("status") == "deleted",
            one.find(f"{OAI}metadata"),
        )
        for one in root.iter(f"{OAI}record")
    }


def test_reference_managers_and_machines_get_what_they_ask_for(published):
    visitor = Client()
    page = visitor.get(PAGE)
    assert "Accept" in page["Vary"]
    for form in ("jpcoar.xml", "datacite.xml", "citation.bib"):
        assert f"{PAGE}/record/{form}>" in page["Link"]
    for form in ("citation.bib", "citation.ris", "citation.json"):
        assert f'href="http://localhost:8000{PAGE}/record/{form}"' in page.content.decode()
        assert visitor.get(f"{PAGE}/record/{form}").status_code == 200
    asked = visitor.get(PAGE, headers={"accept": "application/vnd.citationstyles.csl+json, */*;q=0.1"})
    assert asked.status_code == 303
    (item,) = json.loads(visitor.get(asked["Location"].removeprefix("http://localhost:8000")).content)
    assert item["type"] == "dataset"
    assert visitor.get(PAGE, headers={"accept": "text/html,*/*;q=0.8"}).status_code == 200
    linkset = json.loads(visitor.get(f"{PAGE}/record/linkset.json").content)
    assert linkset["linkset"][0]["anchor"] == f"http://localhost:8000{PAGE}"


def test_the_record_has_no_fault_and_harvesters_get_it(published):
    record = publication.find_record("lab/data", 1)
    errors = [one for one in standards.check(record) if one.is_error]
    assert not errors
    for prefix in ("jpcoar_2.0", "jpcoar_1.0", "oai_dc", "oai_datacite"):
        ((is_deleted, metadata),) = listed(prefix).values()
        assert not is_deleted, prefix
        assert metadata is not None
    sets = [one.text for one in oai(verb="ListSets").iter(f"{OAI}setSpec")]
    assert sets == ["institution:kitamiyama"]
    name = etree.fromstring(Client().get("/oai/kitamiyama", {"verb": "Identify"}).content)
    assert "Kitamiyama University" in etree.tostring(name, encoding="unicode")
    assert Client().get("/oai/nowhere", {"verb": "Identify"}).status_code == 404


def test_what_is_withdrawn_is_deleted_everywhere_and_comes_back(published, at, officer):
    owner, made = published
    at(clock.now() + dt.timedelta(days=1))
    publication.withdraw(owner, made.id, "The calibration was wrong.")
    assert Client().get(PAGE).status_code == 410
    assert Client().get(f"{PAGE}/record/datacite.xml").status_code == 410
    assert {is_deleted for is_deleted, _ in listed("jpcoar_2.0").values()} == {True}
    at(clock.now() + dt.timedelta(days=1))
    publication.restore(officer, made.id)
    assert Client().get(PAGE).status_code == 200
    assert {is_deleted for is_deleted, _ in listed("oai_dc").values()} == {False}


def test_before_it_is_public_nobody_hears_of_it(dataset, put, officer):
    owner, card = dataset
    publication.write_institution(officer, "kitamiyama", {**INSTITUTION, "members_may_publish": False})
    publication.request(owner, ready(owner, card, put), institution="kitamiyama")
    answer = oai(verb="ListRecords", metadataPrefix="oai_dc")
    assert [one.get("code") for one in answer.iter(f"{OAI}error")] == ["noRecordsMatch"]
    for name in ("jpcoar.xml", "citation.bib", "linkset.json"):
        assert Client().get(f"{PAGE}/record/{name}").status_code == 404
