"""The rules of the national aggregator: one failing example for each, and the official samples as they are known."""

from __future__ import annotations

import re

import pytest

from tsunagu.standards import api as s
from tsunagu.standards.tests import official
from tsunagu.standards.tests.official import full_record, needs_official

_PERSON = '<jpcoar:creatorName xml:lang="ja">山田, 花子</jpcoar:creatorName>'
_SPACES = "https://github.com/JPCOAR/schema/blob/master/2.0/"
_FIRST_DATE = '<datacite:date dateType="Issued">'


def good_record():
    """Nothing to object to, not even a hint: an article's manuscript in a series with everything filled in."""
    return full_record(
        rights_holders=(s.Party((s.Text("Tohoku University Library System", "en"),), is_organization=True),),
        text_version="AM",
        relations=(s.Relation("isVersionOf", "DOI", "https://doi.org/10.5555/article"),),
        source_ids=(s.Identifier("PISSN", "1880-697X"), s.Identifier("NCID", "AA12032633")),
        volume="12",
        issue="3",
        page_count="24",
        original_languages=("jpn",),
        imprints=(s.Imprint((s.Text("須原屋", "ja"),), (), (s.Text("江戸", "ja"),), ("JPN",)),),
    )


def good_thesis():
    grantor = s.Party((s.Text("東北大学", "ja"),), ids=(s.PartyId("kakenhi", "11301"),))
    degree = s.Degree(
        "甲第5384号",
        (s.Text("博士（理学）", "ja"), s.Text("Doctor of Science", "en")),
        "2017-03-25",
        (grantor,),
    )
    holders = good_record().rights_holders
    return full_record(resource_type="doctoral thesis", degree=degree, rights_holders=holders)


def test_nothing_is_found_where_nothing_is_wrong():
    assert s.check(good_record()) == []
    assert s.check(good_record(), "2.1") == []
    assert s.check(good_thesis()) == []


# rule: what of the good record is replaced by what (a pattern, first match)
SPOILT = {
    "access_rights_without_rdf_resource": (r'(<dcterms:accessRights) rdf:resource="[^"]*"', r"\1"),
    "access_rights_wrong_uri": ("access_right/c_abf2", "access_right/c_abf9"),
    "access_rights_mismatch": (">open access<", ">restricted access<"),
    "embargoed_access_no_available_date": ('c_abf2">open access', 'c_f1cf">embargoed access'),
    "coar_version_type_mismatch": (">AM</oaire:version>", ">P</oaire:version>"),
    "vor_relation_not_found": ("isVersionOf", "isFormatOf"),
    "xmllang_not_found": ('<dc:title xml:lang="en">', "<dc:title>"),
    "xmllang_duplicated": ('<dc:title xml:lang="en">', '<dc:title xml:lang="ja">'),
    "xmllang_nojapanese_with_yomi": (_PERSON, ""),
    "yomi_not_needed": (
        r"(ja-Kana\">ヤマダ, ハナコ</jpcoar:creatorName>)",
        r'\1<jpcoar:familyName xml:lang="ja-Kana">ヤマダ</jpcoar:familyName>',
    ),
    "no_comma_creator": ("山田, 花子", "山田花子"),
    "contributor_type_not_found": (' contributorType="HostingInstitution"', ""),
    "nameidentifier_content_is_uri": (">0000-0002-1825-0097<", ">https://orcid.org/0000-0002-1825-0097<"),
    "nameIdentifierScheme_obsolete": (
        '<jpcoar:nameIdentifier nameIdentifierScheme="ORCID"[^>]*>[^<]*<',
        '<jpcoar:nameIdentifier nameIdentifierScheme="NRID">1000030413925<',
    ),
    "nameIdentifier_mismatch": (">0000-0002-1825-0097<", ">0000-0002-1825-009<"),
    "nameIdentifierURI_mismatch": ('"https://orcid.org/0000', '"http://orcid.org/0000'),
    "identifier_type_mismatch": (">1880-697X<", ">1880697X<"),
    "identifier_type_pmid": ('identifierType="URI">https://data', 'identifierType="PMID">https://data'),
    "identifier_type_obsolete": (
        'identifierType="DOI">https://doi.org/10.5555',
        'identifierType="NAID">10.5555',
    ),
    "identifier_registration_doi_mismatch": ('"JaLC">10.1234/films.2', '"JaLC">10.1234/films.3'),
    "award_number_format_error": (">JP24K00366<", ">24K00366<"),
    "award_number_type_not_supported": ('awardNumberType="JGN"', 'awardNumberType="Other"'),
    "rights_resource_uri_missing": (' rdf:resource="https://creativecommons[^"]*"', ""),
    "publisher_name_not_found": ("<jpcoar:publisherName[^/]*</jpcoar:publisherName>", ""),
    "format_iso3166_1": (">JPN</dcndl:publicationPlace>", ">Japan</dcndl:publicationPlace>"),
    "format_version": (">1.2<", ">version 1.2<"),
    "original_language_format": (">jpn</dcndl:originalLanguage>", ">ja</dcndl:originalLanguage>"),
    "volume_unnecessary_chars": ("<jpcoar:volume>12<", "<jpcoar:volume>第12巻<"),
    "objectype_not_found": (' objectType="dataset"', ""),
    "mimetype_format": (">text/csv<", ">CSV<"),
    "extent_format": (">1.23 MB<", ">large<"),
    "jpcoar_element_not_found": ("(?s).*", "<record/>"),
    "parse_error": ("</jpcoar:jpcoar>", ""),
    "no_jpcoar_namespace": (f'jpcoar="{re.escape(_SPACES)}"', 'jpcoar="https://example.org/"'),
    "positiveInteger": (">24</jpcoar:numPages>", ">e24</jpcoar:numPages>"),
    "sourceIdentifierVocab": ('identifierType="PISSN">1880', 'identifierType="CODEN">1880'),
    "funder_name_not_available": ("<jpcoar:funderName.*</jpcoar:funderName>", ""),
    "title_not_found": ("<dc:title.*</dc:title>", ""),
    "identifier_not_found": ("<jpcoar:identifier .*</jpcoar:identifierRegistration>", ""),
    "resource_type_unknown": (">experimental data</dc:type>", ">data of experiments</dc:type>"),
    "resource_type_mismatch": (">experimental data</dc:type>", ">dataset</dc:type>"),
}
SPOILT_THESES = {
    "no_creator_in_thesis": ("<jpcoar:creator>.*</jpcoar:creator>", ""),
    "dissertation_details_not_found": ("<dcndl:dateGranted>.*</dcndl:dateGranted>", ""),
    "dissertation_number_format": ("甲第5384号", "5384"),
    "degree_name_english": ('<dcndl:degreeName xml:lang="en">[^<]*</dcndl:degreeName>', ""),
    "degree_grantor_kakenhi_missing": (
        '<jpcoar:nameIdentifier nameIdentifierScheme="kakenhi">11301</jpcoar:nameIdentifier>',
        "",
    ),
}
# Rules about a repository's answers, not about a record: test_answers_of_a_repository.
OF_ANSWERS = {"no_metadataFormat", "jpcoar_unsupported", "not_success_http", "zero_listrecords"}


def spoil(record, change):
    pattern, instead = change
    text, count = re.subn(pattern, instead, s.to_jpcoar(record).decode(), count=1)
    assert count == 1, "the good record does not hold what is to be spoilt"
    return text.encode()


@pytest.mark.parametrize("rule", SPOILT)
def test_a_rule_finds_its_fault_and_no_other_does(rule):
    assert {finding.id for finding in s.check(spoil(good_record(), SPOILT[rule]))} == {rule}


@pytest.mark.parametrize("rule", SPOILT_THESES)
def test_a_rule_finds_its_fault_in_a_thesis(rule):
    assert {finding.id for finding in s.check(spoil(good_thesis(), SPOILT_THESES[rule]))} == {rule}


def test_no_rule_is_without_an_example():
    assert {*SPOILT, *SPOILT_THESES, *OF_ANSWERS} == set(s.RULES)


def test_every_rule_speaks_both_languages():
    for rule in s.RULES.values():
        assert rule.english.isascii() or "甲" in rule.english
        assert rule.english.endswith(".")
        assert re.search("[ぁ-ん].*。$", rule.japanese), rule.id


def test_a_finding_says_where_and_what():
    found = s.check(spoil(good_record(), SPOILT["nameIdentifier_mismatch"]))
    assert [(finding.where, finding.value, finding.is_error) for finding in found] == [
        ("jpcoar:creator/jpcoar:nameIdentifier", "0000-0002-1825-009", False)
    ]


def test_answers_of_a_repository():
    assert [f.id for f in s.check_answer(503, b"", "ListRecords")] == ["not_success_http"]
    assert [f.id for f in s.check_answer(200, b"<OAI-PMH>", "ListRecords")] == ["parse_error"]
    assert [f.id for f in s.check_answer(200, b"<OAI-PMH/>", "ListMetadataFormats")] == ["no_metadataFormat"]
    other = b"<OAI-PMH><metadataFormat><metadataNamespace>x</metadataNamespace></metadataFormat></OAI-PMH>"
    assert [f.id for f in s.check_answer(200, other, "ListMetadataFormats")] == ["jpcoar_unsupported"]
    assert s.check_answer(200, other.replace(b">x<", f">{_SPACES}<".encode()), "ListMetadataFormats") == []
    assert [f.id for f in s.check_answer(200, b"<OAI-PMH/>", "ListRecords")] == ["zero_listrecords"]
    assert s.check_answer(200, b"<OAI-PMH><record/></OAI-PMH>", "ListRecords") == []


@needs_official
@pytest.mark.parametrize("version", ["2.0", "2.1"])
def test_official_samples_are_judged_as_the_ruby_validator_judges_them(version):
    """Beside our own rules, which tie a label to its address: 13 and 14 do not."""
    errors = {
        path.name[:2]: {finding.id for finding in s.check(path.read_bytes()) if finding.is_error}
        for path in official.samples(version)
    }
    faulty = {number: found for number, found in errors.items() if found}
    assert faulty == {
        "07": {"xmllang_not_found"},
        "11": {"xmllang_not_found"},
        "12": {"xmllang_not_found"},
        "13": {"resource_type_mismatch"},
        "14": {"resource_type_mismatch"},
    }
