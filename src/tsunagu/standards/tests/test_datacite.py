"""DataCite: official examples come through without loss; what we write passes the official schema of 4.6."""

from __future__ import annotations

import re

import pytest
from lxml import etree

from tsunagu.standards import api as s
from tsunagu.standards.tests import official
from tsunagu.standards.tests.official import full_record, needs_official

EXAMPLES = [
    (version, path)
    for version in ("4.6", "4.7")
    for path in sorted((official.STANDARDS / "datacite" / f"kernel-{version}" / "example").glob("*.xml"))
]
named = pytest.mark.parametrize(
    ("version", "path"), EXAMPLES, ids=lambda value: getattr(value, "stem", value)
)


def meaning(data):
    """A document as the schema means it: no order at the top nor among contributors, homes of known schemes left out."""
    root = etree.fromstring(data)
    parts = {}
    for child in root.iterchildren(tag=etree.Element):
        rows = [_leaves(one) for one in child.iterchildren(tag=etree.Element)] or [_leaves(child)]
        parts[etree.QName(child).localname] = sorted(rows) if child.tag.endswith("contributors") else rows
    return parts


def _leaves(top):
    rows = []
    for element in top.iter(tag=etree.Element):
        text = re.sub(r"\s+", " ", element.text or "").strip()
        if element.tag.endswith("itude"):
            text = str(float(text))
        if element.tag.endswith("}identifier"):
            text = text.lower()  # a DOI has no case
        if element.get("relatedIdentifierType") == "DOI":
            text = text.removeprefix("https://doi.org/")  # written either way
        known = ("nameIdentifier", "affiliation", "publisher", "rights")
        attributes = dict(element.attrib)
        if etree.QName(element).localname in known:
            attributes.pop("schemeURI", None)
        if attributes.get("affiliationIdentifier"):
            attributes["affiliationIdentifierScheme"] = "ROR"
        rows.append((etree.QName(element).localname, text, tuple(sorted(attributes.items()))))
    # Children of a place, a party or a grant stand in an order that says nothing.
    return [rows[0], *sorted(rows[1:])]


@needs_official
def test_there_are_examples():
    assert len(EXAMPLES) == 30


@needs_official
@named
def test_an_example_comes_back_as_it_was(version, path):
    data = path.read_bytes()
    record = s.from_datacite(data)
    written = s.to_datacite_xml(record, version)
    assert meaning(written) == meaning(data)
    assert s.from_datacite(written) == record
    assert official.faults(official.datacite_schema(version), written) == []


@needs_official
@named
def test_an_example_is_written_in_the_words_of_4_6_and_of_jpcoar(version, path):
    record = s.from_datacite(path.read_bytes())
    assert official.faults(official.datacite_schema("4.6"), s.to_datacite_xml(record)) == []
    for schema in ("2.0", "2.1"):
        assert official.faults(official.jpcoar_schema(schema), s.to_jpcoar(record, schema)) == []


@needs_official
@pytest.mark.parametrize(("version", "path"), [(v, p) for v in ("2.0", "2.1") for p in official.samples(v)])
def test_a_jpcoar_sample_becomes_datacite(version, path):
    record = s.from_jpcoar(path.read_bytes())
    if not record.dates:
        with pytest.raises(s.IncompleteRecordError, match="year of publication"):
            s.to_datacite_xml(record)
        return
    for kernel in ("4.6", "4.7"):
        assert official.faults(official.datacite_schema(kernel), s.to_datacite_xml(record, kernel)) == []


@needs_official
def test_every_type_is_valid_in_both_versions():
    for label in s.RESOURCE_TYPES:
        for kernel in ("4.6", "4.7"):
            written = s.to_datacite_xml(full_record(resource_type=label), kernel)
            assert official.faults(official.datacite_schema(kernel), written) == [], label


def test_attributes_for_the_rest_interface():
    said = s.to_datacite_json(full_record())
    assert said["creators"] == [
        {
            "name": "山田, 花子",
            "nameType": "Personal",
            "lang": "ja",
            "nameIdentifiers": [
                {
                    "nameIdentifier": "https://orcid.org/0000-0002-1825-0097",
                    "nameIdentifierScheme": "ORCID",
                    "schemeUri": "https://orcid.org",
                }
            ],
            "affiliation": [
                {
                    "name": "東北大学",
                    "affiliationIdentifier": "https://ror.org/01dq60k83",
                    "affiliationIdentifierScheme": "ROR",
                    "schemeUri": "https://ror.org",
                }
            ],
        }
    ]
    assert said["types"] == {"resourceTypeGeneral": "Dataset", "resourceType": "experimental data"}
    assert said["publicationYear"] == 2026
    assert said["language"] == "ja"
    assert said["relatedIdentifiers"][0] == {
        "relatedIdentifier": "10.5555/article",
        "relatedIdentifierType": "DOI",
        "relationType": "IsSupplementTo",
    }
    assert said["rightsList"][0]["rightsIdentifier"] == "CC-BY-4.0"
    assert said["fundingReferences"][0]["funderIdentifierType"] == "ROR"
    assert said["sizes"] == ["500 枚", "1.23 MB"]
    # What is left out keeps its old value there; an empty list clears it.
    assert s.to_datacite_json(full_record(subjects=(), files=()))["subjects"] == []


def test_a_record_without_a_known_doi_is_named_by_its_address():
    waiting = s.to_datacite_xml(full_record(is_doi_registered=False))
    assert b'<identifier identifierType="URL">https://data.example.ac.jp/d/lab/films/v2<' in waiting


def test_what_the_standard_demands_is_asked_for():
    with pytest.raises(s.IncompleteRecordError):
        s.to_datacite_xml(full_record(titles=(s.Text("ヨミ", "ja-Kana"),)))


def test_dublin_core_says_the_same_in_fifteen_words():
    root = etree.fromstring(s.to_oai_dc(full_record()))
    said = [(etree.QName(child).localname, child.text) for child in root]
    assert ("identifier", "https://doi.org/10.1234/films.2") in said
    assert ("identifier", "https://data.example.ac.jp/d/lab/films/v2") in said
    assert ("rights", "https://creativecommons.org/licenses/by/4.0/") in said
    assert ("title", "薄膜のX線回折 <θ-2θ>") in said
    assert b"10.1234" not in s.to_oai_dc(full_record(is_doi_registered=False))
