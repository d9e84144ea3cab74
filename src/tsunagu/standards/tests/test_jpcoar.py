"""JPCOAR: official samples come through without loss, and everything that we write passes the official schema."""

from __future__ import annotations

import dataclasses
import re
import time

import pytest
from lxml import etree

from tsunagu.standards import api as s
from tsunagu.standards.tests import official
from tsunagu.standards.tests.official import full_record, needs_official

SAMPLES = [(version, path) for version in ("2.0", "2.1") for path in official.samples(version)]
named = pytest.mark.parametrize(("version", "path"), SAMPLES, ids=lambda value: getattr(value, "stem", value))


def leaves(data):
    """A document as the schema means it: elements, attributes and text in order; numbers of places as numbers."""
    rows = []
    for element in etree.fromstring(data).iter(tag=etree.Element):
        text = (element.text or "").strip()
        if re.search("itude$", element.tag):
            text = str(float(text))
        attributes = {
            name: value for name, value in element.attrib.items() if "XMLSchema-instance" not in name
        }
        rows.append((element.tag, tuple(sorted(attributes.items())), text))
    return rows


@needs_official
def test_there_are_samples():
    assert len(SAMPLES) == 28


@needs_official
@named
def test_a_sample_comes_back_as_it_was(version, path):
    data = path.read_bytes()
    record = s.from_jpcoar(data)
    written = s.to_jpcoar(record, version)
    assert leaves(written) == leaves(data)
    assert s.from_jpcoar(written) == record
    assert official.faults(official.jpcoar_schema(version), written) == []


@needs_official
@pytest.mark.parametrize("version", ["2.0", "2.1"])
def test_a_full_record_is_valid(version):
    written = s.to_jpcoar(full_record(), version)
    assert official.faults(official.jpcoar_schema(version), written) == []


@needs_official
@named
def test_a_sample_is_valid_in_the_other_version(version, path):
    other = {"2.0": "2.1", "2.1": "2.0"}[version]
    written = s.to_jpcoar(s.from_jpcoar(path.read_bytes()), other)
    assert official.faults(official.jpcoar_schema(other), written) == []


@needs_official
def test_labels_and_addresses_are_those_of_the_list():
    rows = (official.STANDARDS / "jpcoar21_resource_types.tsv").read_text(encoding="utf-8").splitlines()
    listed = {row.split("\t")[1]: row.split("\t")[3] for row in rows}
    assert listed == s.RESOURCE_TYPES


@needs_official
@pytest.mark.parametrize("version", ["2.0", "2.1"])
def test_every_type_and_relation_is_valid_in_every_version(version):
    for label in s.RESOURCE_TYPES:
        written = s.to_jpcoar(full_record(resource_type=label), version)
        assert official.faults(official.jpcoar_schema(version), written) == [], label
    words = ("cites", "isTranslationOf", "isNewVersionOf", "isDocumentedBy", "continues", "")
    relations = tuple(
        s.Relation(word, scheme, "https://example.org/")
        for word in words
        for scheme in ("RRID", "CSTR", "DOI", "w3id")
    )
    written = s.to_jpcoar(full_record(relations=relations), version)
    assert official.faults(official.jpcoar_schema(version), written) == []


@needs_official
@pytest.mark.parametrize("version", ["2.0", "2.1"])
def test_what_the_schema_refuses_is_not_written(version):
    record = full_record(
        first_page="e0123",
        page_count="0",
        dates=(
            s.Dated("19--", "Issued"),
            s.Dated("2026-04-01T10:00:00.123Z", "Created"),
            s.Dated("2026", "Withdrawn"),
        ),
        descriptions=(s.Description(s.Text("series", "en"), "SeriesInformation"),),
        contributors=(s.Party((s.Text("A, B", "en"),), role="RegistrationAgency"),),
        titles=(s.Text("bad \x00\x0b\x1f\ufffe text", "en"),),
    )
    written = s.to_jpcoar(record, version)
    assert official.faults(official.jpcoar_schema(version), written) == []
    assert b"e0123" not in written
    assert b"bad  text" in written


def test_only_a_doi_that_is_registered_or_asked_for_by_harvest_is_shown():
    waiting = full_record(doi_agency="DataCite", is_doi_registered=False)
    assert b"10.1234" not in s.to_jpcoar(waiting)
    registered = dataclasses.replace(waiting, is_doi_registered=True)
    assert b">https://doi.org/10.1234/films.2<" in s.to_jpcoar(registered)
    assert b"identifierRegistration" not in s.to_jpcoar(registered)
    asking = full_record(doi_agency="JaLC", is_doi_registered=False)
    assert b'<jpcoar:identifierRegistration identifierType="JaLC">10.1234/films.2<' in s.to_jpcoar(asking)


def test_the_old_version_says_it_in_its_own_words():
    written = s.to_jpcoar(full_record(), "1.0").decode()
    assert "https://github.com/JPCOAR/schema/blob/master/1.0/" in written
    assert ">dataset</dc:type>" in written
    assert 'relationType="references"' in written
    for newer in ("ROR", "fundingStream", "e-Rad_field", "dcterms:extent", "nameType", "awardNumberType"):
        assert newer not in written


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<jpcoar>",
        b"<a/>",
        b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    ],
)
def test_what_is_no_record_is_refused_in_words(data):
    with pytest.raises(s.UnreadableXmlError):
        s.from_jpcoar(data)


_LAUGHS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
HOSTILE = {
    "a million laughs": f'<!DOCTYPE a [<!ENTITY a0 "ha">{_LAUGHS}]><a>&a11;</a>',
    "depth": "<a>" * 100_000 + "</a>" * 100_000,
    "a document type of the web": '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><a/>',
    "a huge text": f"<a>{'x' * (11 << 20)}</a>",
    "another encoding than it says": '<?xml version="1.0" encoding="UTF-7"?><a>+ADw-</a>',
    "size": "<a>" + " " * (33 << 20) + "</a>",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_source_gets_a_sentence_and_no_time(kind):
    begun = time.process_time()
    with pytest.raises(s.UnreadableXmlError) as refused:
        s.from_jpcoar(HOSTILE[kind].encode())
    assert refused.value.message.endswith((".", ")"))
    assert time.process_time() - begun < 2
