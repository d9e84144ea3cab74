"""Japan Link Center's fields, as far as they are public, made of our record."""

from __future__ import annotations

from dataclasses import replace

from tsunagu.standards import api as s
from tsunagu.standards.tests.official import full_record


def record(**more):
    made = s.PublicRecord(
        id="x",
        url="https://node.example/d/lab/data/v1",
        resource_type="dataset",
        titles=(s.Text("薄膜", "ja"), s.Text("Thin films", "en")),
        access="open access",
        doi="10.12345/abc",
        doi_agency="JaLC",
        creators=(
            s.Party(
                (s.Text("山田, 花子", "ja"), s.Text("Yamada, Hanako", "en")),
                ids=(s.PartyId("ORCID", "0000-0002-1825-0097"),),
                affiliations=(s.Party((s.Text("北見山大学", "ja"),), is_organization=True),),
            ),
        ),
        dates=(
            s.Dated("2027-04-01", "Available"),
            s.Dated("2027-03-31T09:00:00Z", "Issued"),
            s.Dated("2027", "Created"),
        ),
        descriptions=(
            s.Description(s.Text("あ" * 5000, "ja")),
            s.Description(s.Text("方法", "ja"), "Methods"),
        ),
        languages=("jpn",),
    )
    return replace(made, **more)


def test_fields_are_those_of_the_public_interface():
    made = s.to_jalc_json(record())
    assert made["doi"] == "10.12345/abc"
    assert made["url"] == "https://node.example/d/lab/data/v1"
    assert made["title_list"] == [{"lang": "ja", "title": "薄膜"}, {"lang": "en", "title": "Thin films"}]
    (creator,) = made["creator_list"]
    assert creator["sequence"] == "1"
    assert creator["type"] == "person"
    assert creator["names"] == [
        {"lang": "ja", "last_name": "山田", "first_name": "花子"},
        {"lang": "en", "last_name": "Yamada", "first_name": "Hanako"},
    ]
    assert creator["affiliation_list"] == [{"affiliation_name": "北見山大学", "sequence": "1", "lang": "ja"}]


def test_one_date_by_its_rank_and_words_where_there_is_nothing():
    assert s.to_jalc_json(record())["publication_date"] == {"year": "2027", "month": "03", "day": "31"}
    later = record(dates=(s.Dated("2026", "Updated"), s.Dated("2025-02", "Created")))
    assert s.to_jalc_json(later)["publication_date"] == {"year": "2025", "month": "02"}
    bare = s.to_jalc_json(record(dates=(), publishers=()))
    assert bare["publication_date"] == {"year": "9999", "month": "01", "day": "01"}
    assert bare["publisher_list"] == [{"lang": "ja", "publisher_name": "出版社不明"}]


def test_only_abstracts_pass_and_they_are_cut():
    (one,) = s.to_jalc_json(record())["description_list"]
    assert one["description"] == "あ" * 4000


def test_organisations_grants_and_relations_come_along_and_nothing_is_empty():
    made = s.to_jalc_json(full_record())

    def empty(value):
        if isinstance(value, dict):
            return any(one in ("", [], {}) or empty(one) for one in value.values())
        return isinstance(value, list) and any(empty(one) for one in value)

    assert not empty(made)
    assert {"fund_list", "relation_list", "rights_list", "contributor_list"} <= set(made)
