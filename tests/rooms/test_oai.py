"""OAI-PMH: every verb, every fault, lists that stay right while records change."""

from __future__ import annotations

import datetime as dt
import sys
import types

import pytest
from lxml import etree

from tests.harvest_world import START, Publications, a_record, spoilt
from tsunagu.core import clock
from tsunagu.doors.oai import lists, views
from tsunagu.standards import api as s

OAI = "{http://www.openarchives.org/OAI/2.0/}"
NOW = START + dt.timedelta(days=30)


@pytest.fixture
def published(settings, monkeypatch):
    """A node that publishes seven records, pages of three, at a clock that stands still."""
    publications = Publications(7)
    urls = types.ModuleType("urls_of_harvest")
    urls.urlpatterns = views.addresses(publications)
    monkeypatch.setitem(sys.modules, "urls_of_harvest", urls)
    settings.ROOT_URLCONF = "urls_of_harvest"
    monkeypatch.setattr(lists, "PAGE", 3)
    monkeypatch.setattr(clock, "now", lambda: NOW)
    return publications


@pytest.fixture
def ask(published, client):
    def ask(address="/oai", **arguments):
        said = client.get(address, {name.rstrip("_"): value for name, value in arguments.items()})
        assert said.status_code == 200
        assert said["Content-Type"] == "text/xml; charset=utf-8"
        return etree.fromstring(said.content)

    return ask


def error(answer):
    return [(found.get("code"), found.text) for found in answer.iter(f"{OAI}error")]


def ids(answer):
    return [found.text.rpartition(":")[2] for found in answer.iter(f"{OAI}identifier")]


def token(answer):
    found = answer.find(f".//{OAI}resumptionToken")
    return (
        None if found is None else (found.text, int(found.get("completeListSize")), int(found.get("cursor")))
    )


def harvest(ask, verb="ListIdentifiers", between=lambda: None, **arguments):
    """All pages; something happens between them."""
    answer = ask(verb=verb, **arguments)
    found = ids(answer)
    while token(answer) is not None and token(answer)[0]:
        between()
        answer = ask(verb=verb, resumptionToken=token(answer)[0])
        found += ids(answer)
    return found


def test_identify(ask):
    answer = ask(verb="Identify")
    said = {etree.QName(child).localname: child.text for child in answer.find(f"{OAI}Identify")}
    assert said["baseURL"] == "http://localhost:8000/oai"
    assert said["deletedRecord"] == "persistent"
    assert said["granularity"] == "YYYY-MM-DDThh:mm:ssZ"
    assert said["earliestDatestamp"] == "2026-04-01T00:00:00Z"
    assert answer.find(f"{OAI}request").attrib == {"verb": "Identify"}


def test_an_institution_has_its_own_name_and_records(ask):
    answer = ask("/oai/tohoku", verb="Identify")
    assert answer.find(f".//{OAI}repositoryName").text == "東北大学 / Tohoku University"
    assert answer.find(f".//{OAI}adminEmail").text == "rdm@example.ac.jp"
    answer = ask("/oai/tohoku", verb="ListIdentifiers", metadataPrefix="oai_dc")
    assert ids(answer) == ["000001", "000003", "000005"]
    gone = ask("/oai/tohoku", verb="GetRecord", metadataPrefix="oai_dc", identifier="oai:localhost:000002")
    assert error(gone)[0][0] == "idDoesNotExist"


def test_an_unknown_institution_is_not_there(published, client):
    assert client.get("/oai/nowhere", {"verb": "Identify"}).status_code == 404


def test_a_domain_name_is_described(ask, configure):
    configure(control_url="https://data.example.ac.jp")
    answer = ask(verb="Identify")
    assert answer.find(".//{*}repositoryIdentifier").text == "data.example.ac.jp"
    one = ask(verb="GetRecord", metadataPrefix="oai_dc", identifier="oai:data.example.ac.jp:000001")
    assert ids(one) == ["000001"]


def test_formats_and_their_namespaces(ask, configure):
    prefixes = [found.text for found in ask(verb="ListMetadataFormats").iter(f"{OAI}metadataPrefix")]
    assert prefixes == ["jpcoar_2.0", "jpcoar_1.0", "oai_dc", "oai_datacite"]
    configure(oai_jpcoar_2_1=True)
    answer = ask(verb="ListMetadataFormats")
    assert "jpcoar_2.1" in [found.text for found in answer.iter(f"{OAI}metadataPrefix")]
    assert s.check_answer(200, etree.tostring(answer), "ListMetadataFormats") == []
    for prefix in ("jpcoar_2.0", "jpcoar_2.1", "jpcoar_1.0", "oai_dc", "oai_datacite"):
        one = ask(verb="GetRecord", metadataPrefix=prefix, identifier="oai:localhost:000001")
        payload = one.find(f".//{OAI}metadata")[0]
        advertised = {
            form.find(f"{OAI}metadataPrefix").text: form.find(f"{OAI}metadataNamespace").text
            for form in answer.iter(f"{OAI}metadataFormat")
        }
        assert etree.QName(payload).namespace == advertised[prefix]


def test_sets(ask):
    answer = ask(verb="ListSets")
    assert [found.text for found in answer.iter(f"{OAI}setSpec")] == [
        "institution:tohoku",
        "institution:other",
    ]
    assert harvest(ask, metadataPrefix="oai_dc", set="institution:other") == [
        "000000",
        "000002",
        "000004",
        "000006",
    ]
    assert error(ask(verb="ListRecords", metadataPrefix="oai_dc", set="nothing"))[0][0] == "noRecordsMatch"


def test_a_list_in_pages(ask):
    first = ask(verb="ListRecords", metadataPrefix="jpcoar_2.0")
    assert ids(first) == ["000000", "000001", "000002"]
    assert token(first)[1:] == (7, 0)
    second = ask(verb="ListRecords", resumptionToken=token(first)[0])
    third = ask(verb="ListRecords", resumptionToken=token(second)[0])
    assert ids(third) == ["000006"]
    assert token(third) == (None, 7, 6)
    # Once more the same page: a harvester whose line broke asks again.
    assert ids(ask(verb="ListRecords", resumptionToken=token(first)[0])) == ids(second)
    short = ask(verb="ListRecords", metadataPrefix="jpcoar_2.0", from_="2026-04-01T00:00:02Z")
    assert (ids(short), token(short)) == (["000006"], None)


def test_every_jpcoar_record_given_is_free_of_errors(ask):
    answer = ask(verb="ListRecords", metadataPrefix="jpcoar_2.0")
    payloads = [found[0] for found in answer.iter(f"{OAI}metadata")]
    assert len(payloads) == 3
    assert not [finding for one in payloads for finding in s.check(etree.tostring(one)) if finding.is_error]


def test_a_list_stays_right_while_records_change(ask, published):
    """Nothing twice, nothing jumped over: what changes comes with the next harvest."""
    moves = iter(["000001", "000006"])

    def change():
        number = next(moves, None)
        if number is not None:
            published.put(a_record(int(number), version="2"), NOW + dt.timedelta(seconds=1))
            published.put(a_record(100 + int(number)), NOW + dt.timedelta(seconds=1))

    found = harvest(ask, metadataPrefix="oai_dc", between=change)
    assert found == ["000000", "000001", "000002", "000003", "000004", "000005"]
    assert len(set(found)) == len(found)


def test_the_next_harvest_brings_what_changed(ask, published, monkeypatch):
    answer = ask(verb="ListIdentifiers", metadataPrefix="oai_dc")
    asked_at = answer.find(f"{OAI}responseDate").text
    published.put(a_record(1, version="2"), NOW)
    published.put(a_record(2), NOW + dt.timedelta(seconds=5), is_deleted=True)
    monkeypatch.setattr(clock, "now", lambda: NOW + dt.timedelta(hours=1))
    later = ask(verb="ListIdentifiers", metadataPrefix="oai_dc", from_=asked_at)
    assert ids(later) == ["000001", "000002"]
    assert [header.get("status") for header in later.iter(f"{OAI}header")] == [None, "deleted"]


def test_what_was_being_written_while_the_list_was_read_comes_with_the_next_harvest(
    ask, published, monkeypatch
):
    answer = ask(verb="ListIdentifiers", metadataPrefix="oai_dc")
    asked_at = answer.find(f"{OAI}responseDate").text
    # Written a second before the answer, committed after it.
    published.put(a_record(1, version="2"), NOW - dt.timedelta(seconds=1))
    monkeypatch.setattr(clock, "now", lambda: NOW + dt.timedelta(hours=1))
    later = ask(verb="ListIdentifiers", metadataPrefix="oai_dc", from_=asked_at)
    assert "000001" in ids(later)


def test_a_deleted_record_stays_as_a_header(ask, published):
    published.put(a_record(2), NOW, is_deleted=True)
    one = ask(verb="GetRecord", metadataPrefix="jpcoar_2.0", identifier="oai:localhost:000002")
    assert one.find(f".//{OAI}header").get("status") == "deleted"
    assert one.find(f".//{OAI}metadata") is None


def test_what_the_aggregator_would_drop_is_not_given_to_it(ask, published):
    published.put(spoilt(a_record(2)), NOW)
    answer = ask(verb="ListRecords", metadataPrefix="jpcoar_2.0", from_="2026-04-30")
    assert [header.get("status") for header in answer.iter(f"{OAI}header")] == ["deleted"]
    one = ask(verb="GetRecord", metadataPrefix="jpcoar_2.0", identifier="oai:localhost:000002")
    ((code, message),) = error(one)
    assert code == "cannotDisseminateFormat"
    assert "xmllang_not_found: dc:title" in message
    forms = ask(verb="ListMetadataFormats", identifier="oai:localhost:000002")
    assert [found.text for found in forms.iter(f"{OAI}metadataPrefix")] == ["oai_dc", "oai_datacite"]
    assert ids(ask(verb="GetRecord", metadataPrefix="oai_dc", identifier="oai:localhost:000002")) == [
        "000002"
    ]


def test_a_token_lives_three_days_and_no_longer(ask, monkeypatch):
    answer = ask(verb="ListIdentifiers", metadataPrefix="oai_dc")
    begun = clock.epoch_s()
    monkeypatch.setattr(clock, "epoch_s", lambda: begun + 2.9 * 86400)
    assert ids(ask(verb="ListIdentifiers", resumptionToken=token(answer)[0])) == [
        "000003",
        "000004",
        "000005",
    ]
    monkeypatch.setattr(clock, "epoch_s", lambda: begun + 3.1 * 86400)
    late = ask(verb="ListIdentifiers", resumptionToken=token(answer)[0])
    assert error(late) == [
        ("badResumptionToken", "The resumptionToken is older than three days. Begin the list again.")
    ]


def test_a_token_of_another_list_is_refused(ask):
    answer = ask(verb="ListIdentifiers", metadataPrefix="oai_dc")
    for said in (
        ask(verb="ListRecords", resumptionToken=token(answer)[0]),
        ask("/oai/tohoku", verb="ListIdentifiers", resumptionToken=token(answer)[0]),
        ask(verb="ListIdentifiers", resumptionToken=token(answer)[0][:-2] + "AA"),
        ask(verb="ListIdentifiers", resumptionToken="x"),
        ask(verb="ListSets", resumptionToken="x"),
    ):
        assert error(said)[0][0] == "badResumptionToken"


LIST = {"verb": "ListRecords", "metadataPrefix": "oai_dc"}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "badVerb"),
        ("verb=Destroy", "badVerb"),
        ("verb=Identify&verb=Identify", "badVerb"),
        ("verb=Identify&x=1", "badArgument"),
        ("verb=ListRecords", "badArgument"),
        ("verb=ListRecords&metadataPrefix=", "badArgument"),
        ("verb=ListRecords&metadataPrefix=oai_dc&metadataPrefix=oai_dc", "badArgument"),
        ("verb=ListRecords&metadataPrefix=oai_dc&from=yesterday", "badArgument"),
        ("verb=ListRecords&metadataPrefix=oai_dc&from=2026-02-30", "badArgument"),
        ("verb=ListRecords&metadataPrefix=oai_dc&from=2026-04-02&until=2026-04-01", "badArgument"),
        ("verb=ListRecords&metadataPrefix=oai_dc&from=2026-04-01&until=2026-04-02T00:00:00Z", "badArgument"),
        ("verb=ListRecords&metadataPrefix=oai_dc&resumptionToken=x", "badArgument"),
        ("verb=ListRecords&metadataPrefix=oai_dc&until=2020-01-01", "noRecordsMatch"),
        ("verb=ListRecords&metadataPrefix=marc21", "cannotDisseminateFormat"),
        ("verb=GetRecord&metadataPrefix=oai_dc", "badArgument"),
        ("verb=GetRecord&metadataPrefix=oai_dc&identifier=oai:elsewhere:1", "idDoesNotExist"),
        ("verb=GetRecord&metadataPrefix=oai_dc&identifier=oai:localhost:%00%0b", "idDoesNotExist"),
        ("verb=ListMetadataFormats&identifier=oai:localhost:", "idDoesNotExist"),
        ("verb=Identify&a=%ff%fe&b=" + "x" * 5000, "badArgument"),
        ("&".join(f"a{number}=1" for number in range(100)), "badVerb"),
    ],
)
def test_a_fault_is_an_answer_in_words(published, client, query, code):
    answer = client.get(f"/oai?{query}")
    assert answer.status_code == 200
    root = etree.fromstring(answer.content)
    ((found, message),) = error(root)
    assert found == code
    assert message.endswith(".")
    if code in {"badVerb", "badArgument"}:
        assert root.find(f"{OAI}request").attrib == {}


def test_post_asks_the_same(published, client):
    answer = client.post(
        "/oai", "verb=ListRecords&metadataPrefix=oai_dc", content_type="application/x-www-form-urlencoded"
    )
    assert ids(etree.fromstring(answer.content)) == ["000000", "000001", "000002"]
    wrong = client.post("/oai", '{"verb": "Identify"}', content_type="application/json")
    assert error(etree.fromstring(wrong.content))[0][0] == "badVerb"
    assert client.put("/oai").status_code == 405


def test_an_answer_is_packed_for_who_takes_it(published, client):
    packed = client.get("/oai", LIST, headers={"Accept-Encoding": "gzip, deflate"})
    assert packed["Content-Encoding"] == "gzip"
    assert len(packed.content) * 4 < len(client.get("/oai", LIST).content)


def test_a_control_character_spoils_no_page(ask, published):
    published.put(a_record(2, titles=(s.Text("bad \x0b\x00 title", "en"),)), NOW)
    answer = ask(verb="ListRecords", metadataPrefix="jpcoar_2.0", from_="2026-04-30")
    assert [found.text for found in answer.iter("{http://purl.org/dc/elements/1.1/}title")] == ["bad  title"]
