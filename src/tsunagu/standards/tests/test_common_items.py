"""The Japanese common metadata items in JPCOAR: every item where sample 14 of the schema has it."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from tsunagu.standards import api as s
from tsunagu.standards.tests import official

SAID = {
    "funder": "JST",
    "programme_code": "MJPF",
    "programme_ja": "研究開発事業",
    "award_number": "JPMJPF9999",
    "project_title_ja": "課題の名称",
    "project_field": "1000",
    "data_number": "12345678",
    "data_field": "project",
    "data_type": "experimental data",
    "data_size": "852.95 KB",
    "charge": "free",
    "terms_of_use_ja": "このデータを使用するにあたっては出典を示すこと",
    "hosting_institution_ja": "北見山大学",
    "hosting_institution_en": "Kitamiyama University",
    "hosting_institution_ror": "https://ror.org/057zh3y96",
    "manager_kind": "organization",
    "manager_ja": "データ管理室",
    "contact_organisation": "受付係",
    "contact_address": "北見市1-1",
    "contact_phone": "0157-00-0000",
    "remarks_ja": "備考",
}
SPACES = {
    "jpcoar": "https://github.com/JPCOAR/schema/blob/master/2.1/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "datacite": "https://schema.datacite.org/meta/kernel-4/",
    "dcterms": "http://purl.org/dc/terms/",
}
LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def record(**more):
    return s.PublicRecord(
        id="x",
        url="https://node.example/d/lab/data/v1",
        resource_type="dataset",
        titles=(s.Text("名称", "ja"),),
        access="embargoed access",
        creators=(s.Party((s.Text("情報, 太郎", "ja"),), ids=(s.PartyId("e-Rad_Researcher", "20210001"),)),),
        rights=(s.Right(s.Text("CC-BY-4.0", "en"), "https://creativecommons.org/licenses/by/4.0/"),),
        dates=(s.Dated("2030-04-01", "Available"),),
        **more,
    )


@pytest.fixture(scope="module")
def tree():
    return ET.fromstring(s.to_jpcoar(s.with_common_items(record(), SAID), "2.1"))


def texts(tree, path):
    return [(one.get(LANG), one.text) for one in tree.findall(path, SPACES)]


def contributor(tree, kind):
    (found,) = [
        one for one in tree.findall("jpcoar:contributor", SPACES) if one.get("contributorType") == kind
    ]
    return found


def test_hosting_institution_is_a_contributor_with_its_ror(tree):
    found = contributor(tree, "HostingInstitution")
    names = found.findall("jpcoar:contributorName", SPACES)
    assert [(one.get("nameType"), one.get(LANG)) for one in names] == [
        ("Organizational", "ja"),
        ("Organizational", "en"),
    ]
    (code,) = found.findall("jpcoar:nameIdentifier", SPACES)
    assert (code.get("nameIdentifierScheme"), code.text) == ("ROR", "https://ror.org/057zh3y96")


def test_manager_is_an_office_without_the_code_of_the_institution(tree):
    found = contributor(tree, "DataManager")
    assert texts(found, "jpcoar:contributorName") == [("ja", "データ管理室")]
    assert not found.findall("jpcoar:nameIdentifier", SPACES)


def test_a_person_who_manages_has_the_number_of_e_rad():
    said = {**SAID, "manager_kind": "individual", "manager_ja": "情報 花子", "manager_erad": "12345678"}
    tree = ET.fromstring(s.to_jpcoar(s.with_common_items(record(), said), "2.1"))
    found = contributor(tree, "DataManager")
    (number,) = found.findall("jpcoar:nameIdentifier", SPACES)
    assert (number.get("nameIdentifierScheme"), number.text) == ("e-Rad_Researcher", "12345678")
    assert found.find("jpcoar:contributorName", SPACES).get("nameType") is None


def test_contact_is_free_text_as_a_name(tree):
    found = contributor(tree, "ContactPerson")
    assert texts(found, "jpcoar:contributorName") == [("ja", "受付係　北見市1-1　0157-00-0000")]
    mail = s.with_common_items(record(), {**SAID, "contact_mail": "data@example.ac.jp"})
    assert mail.contributors[-1].names == (s.Text("data@example.ac.jp", "en"),)


def test_policy_on_use_is_the_licence_by_its_address_and_more_rights(tree):
    assert texts(tree, "dc:rights") == [
        ("en", "CC-BY-4.0"),
        ("ja", "無償"),
        ("en", "free of charge"),
        ("ja", "このデータを使用するにあたっては出典を示すこと"),
    ]


def test_field_is_a_subject_in_words(tree):
    found = tree.findall("jpcoar:subject", SPACES)
    assert [(one.get(LANG), one.get("subjectScheme"), one.text) for one in found] == [
        ("ja", "e-Rad_field", "自然科学一般"),
        ("en", "e-Rad_field", "Natural Science"),
    ]


def test_data_number_is_a_local_identifier_of_the_same_thing(tree):
    (found,) = tree.findall("jpcoar:relation", SPACES)
    assert found.get("relationType") == "isIdenticalTo"
    number = found.find("jpcoar:relatedIdentifier", SPACES)
    assert (number.get("identifierType"), number.text) == ("Local", "12345678")


def test_funding_has_funder_programme_and_systematic_number(tree):
    (found,) = tree.findall("jpcoar:fundingReference", SPACES)
    assert texts(found, "jpcoar:funderName") == [
        ("ja", "国立研究開発法人科学技術振興機構"),
        ("en", "Japan Science and Technology Agency"),
    ]
    stream = found.find("jpcoar:fundingStreamIdentifier", SPACES)
    assert (stream.get("fundingStreamIdentifierType"), stream.text) == ("JGN_fundingStream", "MJPF")
    assert stream.get("fundingStreamIdentifierTypeURI") == "https://www.nistep.go.jp/taikei"
    assert texts(found, "jpcoar:fundingStream") == [("ja", "研究開発事業")]
    award = found.find("jpcoar:awardNumber", SPACES)
    assert (award.get("awardNumberType"), award.text) == ("JGN", "JPMJPF9999")
    assert texts(found, "jpcoar:awardTitle") == [("ja", "課題の名称")]


def test_size_creator_type_date_and_remarks(tree):
    assert [one.text for one in tree.findall("jpcoar:file/jpcoar:extent", SPACES)] == ["852.95 KB"]
    creator = tree.find("jpcoar:creator/jpcoar:nameIdentifier", SPACES)
    assert (creator.get("nameIdentifierScheme"), creator.text) == ("e-Rad_Researcher", "20210001")
    assert tree.find("dc:type", SPACES).text == "experimental data"
    date = tree.find("datacite:date", SPACES)
    assert (date.get("dateType"), date.text) == ("Available", "2030-04-01")
    (remark,) = tree.findall("datacite:description", SPACES)
    assert (remark.get("descriptionType"), remark.text) == ("Other", "備考")


def test_a_grant_of_the_plan_is_not_said_twice():
    planned = s.Funding(
        (s.Text("Japan Society for the Promotion of Science", "en"),),
        s.PartyId("ROR", "https://ror.org/00hhkn466"),
        award_number="24K00366",
    )
    other = s.Funding((s.Text("A foundation", "en"),), award_number="7")
    made = s.with_common_items(
        record(fundings=(planned, other)), {"funder": "JSPS", "award_number": "24K00366"}
    )
    assert [one.award_number for one in made.fundings] == ["JP24K00366", "7"]
    assert made.fundings[0].funder_id.value == "https://ror.org/00hhkn466"


def test_nothing_said_changes_nothing():
    assert s.with_common_items(record(), {"title": "x"}) == record()


@pytest.mark.parametrize(
    ("text", "name", "number", "orcid"),
    [
        ("山田 花子 (e-Rad 12345678)", "山田 花子", "12345678", ""),
        ("山田 花子（e-Rad：12345678）", "山田 花子", "12345678", ""),
        (
            "Hanako Yamada (0000-0002-1825-0097, e-Rad 12345678)",
            "Hanako Yamada",
            "12345678",
            "0000-0002-1825-0097",
        ),
        ("Hanako Yamada (0000-0002-1825-0097)", "Hanako Yamada", "", "0000-0002-1825-0097"),
        ("Konrad 12345678", "Konrad 12345678", "", ""),
        ("Hanako (Physics)", "Hanako (Physics)", "", ""),
    ],
)
def test_people_are_named_with_their_numbers(text, name, number, orcid):
    agent = s.agent_named(text)
    assert (agent.name, agent.id.rpartition("/")[2]) == (name, orcid)
    assert s.erad_number(text) == number


@official.needs_official
@pytest.mark.parametrize("version", ["2.0", "2.1"])
def test_the_official_schema_takes_it_and_the_official_sample_says_the_same_way(version):
    made = s.with_common_items(record(), SAID)
    assert official.faults(official.jpcoar_schema(version), s.to_jpcoar(made, version)) == []
    assert official.faults(official.datacite_schema(), s.to_datacite_xml(made)) == []
    (path,) = [one for one in official.samples(version) if one.name.startswith("14_")]
    sample = s.from_jpcoar(path.read_bytes())
    assert [one.role for one in sample.contributors] == [one.role for one in made.contributors]
    assert [one.scheme for one in sample.subjects] == [one.scheme for one in made.subjects]
    assert [(one.type, one.scheme) for one in sample.relations] == [
        (one.type, one.scheme) for one in made.relations
    ]
    theirs, ours = sample.fundings[0], made.fundings[0]
    assert (theirs.stream_id, theirs.stream_scheme, theirs.award_number) == (
        ours.stream_id, ours.stream_scheme, ours.award_number,
    )  # fmt: skip
    assert [one.extents for one in sample.files] == [one.extents for one in made.files]
