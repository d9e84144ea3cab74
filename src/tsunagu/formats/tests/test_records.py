"""Descriptions that somebody else wrote: what they say becomes a proposal, and what is broken says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tsunagu.formats.api import ExtractorPool, default_mapping, propose
from tsunagu.standards import api as standards
from tsunagu.standards.tests.official import STANDARDS, full_record

CRATE = {
    "@context": "https://w3id.org/ro/crate/1.1/context",
    "@graph": [
        {"@id": "ro-crate-metadata.json", "@type": "CreativeWork", "about": {"@id": "./"}},
        {
            "@id": "./",
            "@type": "Dataset",
            "name": [
                {"@value": "薄膜のX線回折", "@language": "ja"},
                {"@value": "XRD of thin films", "@language": "en"},
            ],
            "description": "Diffraction patterns of 60 films.",
            "license": {"@id": "https://creativecommons.org/licenses/by/4.0/"},
            "author": [{"@id": "https://orcid.org/0000-0002-1825-0097"}, {"@id": "#taro"}, "Kitamiyama Lab"],
            "keywords": "thin films, XRD",
            "datePublished": "2026-04-01",
            "identifier": "https://doi.org/10.1234/FILMS.2",
            "funder": {"@id": "https://ror.org/00hhkn466"},
            "hasPart": [{"@id": "data/a.csv"}],
        },
        {"@id": "https://creativecommons.org/licenses/by/4.0/", "@type": "CreativeWork", "name": "CC BY 4.0"},
        {"@id": "https://orcid.org/0000-0002-1825-0097", "@type": "Person", "name": "Yamada, Hanako"},
        {"@id": "#taro", "@type": "Person", "familyName": "鈴木", "givenName": "太郎"},
        {"@id": "https://ror.org/00hhkn466", "@type": "Organization", "name": "JSPS"},
        {"@id": "data/a.csv", "@type": "File", "contentSize": "12", "sha256": "A" * 64},
        {"@id": "https://example.org/b.csv", "@type": "File"},
        {"@id": "data/", "@type": "Dataset"},
    ],
}


def read(pool: ExtractorPool, data: bytes, name: str):
    outcome = default_mapping().apply(pool.extract_bytes(data, name=name))
    found = {one.key: one.value for one in propose([(name, outcome)])}
    return outcome, found


def test_a_crate_becomes_proposals(pool):
    outcome, found = read(pool, json.dumps(CRATE).encode(), "films/ro-crate-metadata.json")
    assert (outcome.status, outcome.reader) == ("read", "record")
    assert found["title"] == "薄膜のX線回折"
    assert found["title_en"] == "XRD of thin films"
    assert found["licence"] == "CC-BY-4.0"
    assert list(found["creators"]) == ["Hanako Yamada (0000-0002-1825-0097)", "鈴木 太郎", "Kitamiyama Lab"]
    assert list(found["keywords"]) == ["thin films", "XRD"]
    raw = {one.key: one.value for one in outcome.reading.fields}
    assert raw["DOI"] == "10.1234/films.2"
    assert raw["funding"] == "JSPS"
    assert raw["described files"] == 1


def test_files_of_a_crate_are_those_beside_it():
    files = standards.from_ro_crate(json.dumps(CRATE)).files
    assert files == (standards.CrateFile("data/a.csv", 12, "a" * 64),)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("datacite.xml", standards.to_datacite_xml),
        ("jpcoar.xml", lambda record: standards.to_jpcoar(record, "2.0")),
        ("datacite.json", lambda record: json.dumps(standards.to_datacite_json(record)).encode()),
    ],
)
def test_our_own_records_come_back(pool, name, write):
    written = write(full_record())
    outcome, found = read(pool, written if isinstance(written, bytes) else written.encode(), name)
    assert (outcome.status, outcome.reader, outcome.reason) == ("read", "record", "")
    assert {found["title"], found["title_en"]} >= {"XRD of thin films & more"}
    assert any("0000-0002-1825-0097" in one for one in found["creators"])
    assert found["licence"] == "CC-BY-4.0"
    assert "薄膜" in found["keywords"]


def test_json_and_xml_of_datacite_say_the_same():
    record = full_record()
    from_json = standards.from_datacite_json(json.dumps(standards.to_datacite_json(record)))
    from_xml = standards.from_datacite(standards.to_datacite_xml(record))
    assert [one.ids for one in from_json.creators] == [one.ids for one in from_xml.creators]
    assert [one.names for one in from_json.creators] == [one.names for one in from_xml.creators]
    for name in ("titles", "subjects", "relations", "rights", "dates", "doi", "version", "languages"):
        assert getattr(from_json, name) == getattr(from_xml, name), name


@pytest.mark.skipif(not STANDARDS.exists(), reason="the official samples are not here")
def test_every_official_sample_is_read(pool):
    samples: list[Path] = sorted(STANDARDS.glob("**/*.xml"))
    samples = [one for one in samples if one.parent.name in {"samples", "example"}]
    assert len(samples) > 40
    for sample in samples:
        outcome, found = read(pool, sample.read_bytes(), sample.name)
        assert (outcome.status, outcome.reader) == ("read", "record"), (sample, outcome.reason)
        assert found.get("title"), sample


@pytest.mark.parametrize(
    ("name", "data", "word"),
    [
        ("ro-crate-metadata.json", b"{}", "@graph"),
        ("ro-crate-metadata.json", b"[[[[", "@graph"),
        ("ro-crate-metadata.json", b'{"@graph": [{"@id": "./"}]}', "root dataset"),
        ("ro-crate-metadata.json", b'{"@graph": [7, null, {"@id": ["a"]}]}', "root dataset"),
        ("datacite.json", b'{"titles": "a", "types": 1}', "DataCite"),
        ("a.xml", b'<resource xmlns="http://datacite.org/schema/kernel-4"><titles>', ""),
        (
            "bomb.xml",
            b'<!DOCTYPE a [<!ENTITY b "cc">]><resource xmlns="http://datacite.org/schema/kernel-4">&b;</resource>',
            "",
        ),
    ],
)
def test_what_is_broken_says_so(pool, name, data, word):
    outcome = pool.extract_bytes(data, name=name)
    assert outcome.status == "unreadable"
    assert word in outcome.reason
    assert outcome.reason.endswith(".")


def test_long_lists_and_texts_come_whole(pool):
    people = [{"@type": "Person", "name": f"Person {number}"} for number in range(100)]
    long = "".join(f"{number} " for number in range(2000))
    graph = [CRATE["@graph"][0], {**CRATE["@graph"][1], "author": people, "description": long}]
    _outcome, found = read(pool, json.dumps({"@graph": graph}).encode(), "ro-crate-metadata.json")
    assert list(found["creators"]) == [one["name"] for one in people]
    assert found["description"] == long.strip()


def test_the_record_on_top_speaks_for_the_whole(pool):
    part = json.dumps({**CRATE, "@graph": [CRATE["@graph"][0], {"@id": "./", "name": "A part"}]}).encode()
    files = {"a/ro-crate-metadata.json": part, "ro-crate-metadata.json": json.dumps(CRATE).encode()}
    outcomes = [(name, pool.extract_bytes(data, name=name)) for name, data in files.items()]
    assert {one.value for one in propose(outcomes) if one.key == "title"} == {"薄膜のX線回折"}


def test_a_crate_of_wrong_shapes_is_read_as_far_as_it_goes(pool):
    """Every property of the root as everything that JSON can be."""
    root = CRATE["@graph"][1]
    for name in root:
        if name.startswith("@"):
            continue
        for odd in (
            None,
            True,
            7,
            "",
            [],
            {},
            [[]],
            {"@id": 7},
            {"@value": {}},
            [None, {"@id": "./"}],
            "x" * 9000,
        ):
            graph = [CRATE["@graph"][0], {**root, name: odd}, *CRATE["@graph"][2:]]
            standards.from_ro_crate(json.dumps({"@graph": graph}))
    outcome, _found = read(pool, json.dumps({"@graph": graph}).encode(), "ro-crate-metadata.json")
    assert outcome.status == "read"
