"""Harvesters that others wrote read the door over HTTP while records change."""

from __future__ import annotations

import datetime as dt
import sys
import types

import pytest
from django.core.wsgi import get_wsgi_application
from lxml import etree
from oaipmh_scythe import Scythe
from sickle import Sickle

from tests.harvest_world import Publications, a_record, serving
from tsunagu.core import clock
from tsunagu.doors.oai import views
from tsunagu.standards import api as s
from tsunagu.standards.tests import official

COUNT = 1050


@pytest.fixture
def publications():
    return Publications(COUNT)


@pytest.fixture
def address(publications, settings, monkeypatch):
    urls = types.ModuleType("urls_of_judged_harvest")
    urls.urlpatterns = views.addresses(publications)
    monkeypatch.setitem(sys.modules, "urls_of_judged_harvest", urls)
    settings.ROOT_URLCONF = "urls_of_judged_harvest"
    settings.STATIC_ROOT.mkdir(exist_ok=True)
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    with serving(get_wsgi_application()) as server:
        yield f"{server}/oai"


def _change(publications, number):
    """What goes on in a node while somebody reads it: one changes, one is new, one is withdrawn."""
    moment = clock.now() + dt.timedelta(minutes=1)  # after the list began, whatever the machine's haste
    publications.put(a_record(number, version="2"), moment)
    publications.put(a_record(COUNT + number), moment)
    publications.put(a_record(COUNT - 1 - number), moment, is_deleted=True)


def test_sickle_reads_all_of_it_while_records_change(publications, address, monkeypatch):
    sickle = Sickle(address, timeout=30)
    assert sickle.Identify().deletedRecord == "persistent"
    assert "jpcoar_2.0" in [form.metadataPrefix for form in sickle.ListMetadataFormats()]
    asked_at = clock.now().replace(microsecond=0)
    seen = []
    for number, record in enumerate(sickle.ListRecords(metadataPrefix="jpcoar_2.0")):
        seen.append(record.header.identifier)
        if number % 100 == 50:
            _change(publications, number)
    assert len(seen) == len(set(seen))
    monkeypatch.setattr(clock, "now", lambda: asked_at + dt.timedelta(hours=1))
    since = {"from": asked_at.strftime("%Y-%m-%dT%H:%M:%SZ")}
    headers = sickle.ListIdentifiers(metadataPrefix="jpcoar_2.0", **since)
    later = {header.identifier: header.deleted for header in headers}
    known = set(seen) | set(later)
    assert known == {f"oai:localhost:{entry}" for entry in publications.all_ids()}
    gone = {f"oai:localhost:{entry}" for entry in publications.deleted_ids()}
    assert {identifier for identifier, is_deleted in later.items() if is_deleted} == gone


def test_scythe_reads_the_same(address):
    with Scythe(address) as scythe:
        records = list(scythe.list_records(metadata_prefix="oai_datacite"))
        assert len({record.header.identifier for record in records}) == COUNT
        assert [one.setSpec for one in scythe.list_sets()] == ["institution:tohoku", "institution:other"]
        one = scythe.get_record(identifier="oai:localhost:000007", metadata_prefix="jpcoar_2.0")
        assert s.from_jpcoar(etree.tostring(one.xml)).titles[0].value == "薄膜のX線回折 7"


@official.needs_official
def test_what_sickle_gets_is_valid(address):
    records = iter(Sickle(address, timeout=30).ListRecords(metadataPrefix="jpcoar_2.0"))
    schema = official.jpcoar_schema("2.0")
    for _ in range(200):
        payload = next(records).xml.find("{http://www.openarchives.org/OAI/2.0/}metadata")[0]
        assert official.faults(schema, etree.tostring(payload)) == []
