"""Whatever people and machines put into a record: what we write is valid, and comes back."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from lxml import etree

from tsunagu.standards import api as s
from tsunagu.standards.tests import official
from tsunagu.standards.tests.official import full_record, needs_official
from tsunagu.standards.xml import address

_words = st.text(max_size=12)
_said = st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12).filter(
    str.strip
)
_languages = st.sampled_from(["ja", "en", "ja-Kana", "ja-Latn", "", "fr-CA", "zh-TW", "ain", "x", "日本"])
_texts = st.lists(st.builds(s.Text, _words, _languages), max_size=3).map(tuple)
_addresses = st.sampled_from(
    ["", "https://example.org/a b", "https://example.org/温度?x=1&y=<2>", "urn:x:1", "10.1/x"]
)
_ids = st.lists(
    st.builds(
        s.PartyId, st.sampled_from(["ORCID", "ROR", "e-Rad_Researcher", "Other", ""]), _words, _addresses
    ),
    max_size=2,
).map(tuple)
_parties = st.lists(
    st.builds(
        s.Party,
        _texts,
        st.booleans(),
        _ids,
        role=st.sampled_from(["", "DataManager", "Translator", "RegistrationAgency", "著"]),
        family_names=_texts,
    ),
    max_size=2,
).map(tuple)
_days = st.sampled_from(
    ["2026", "2026-04-01", "2025/2026", "/2026", "2026-04-01T10:00:00+09:00", "19--", "", "soon"]
)
_kinds = st.sampled_from(["Issued", "Available", "Coverage", "Withdrawn", "Other", "Never"])
_numbers = st.floats(allow_nan=True, allow_infinity=True)
records = st.builds(
    full_record,
    titles=st.builds(lambda first, more: (s.Text(first, "ja"), *more), _said, _texts),
    alternatives=_texts,
    resource_type=st.sampled_from(sorted(s.RESOURCE_TYPES)),
    access=st.sampled_from(["open access", "embargoed access", "restricted access", "metadata only access"]),
    creators=_parties,
    contributors=_parties,
    rights_holders=_parties,
    publishers=_parties,
    subjects=st.lists(st.builds(s.Subject, st.builds(s.Text, _words, _languages), _words), max_size=2).map(tuple),
    descriptions=st.lists(st.builds(s.Description, st.builds(s.Text, _words, _languages), _words), max_size=2).map(tuple),
    dates=st.lists(st.builds(s.Dated, _days, _kinds, _words), max_size=3).map(
        lambda dates: (s.Dated("2026-04-01", "Issued"), *dates)
    ),
    languages=st.lists(st.sampled_from(["ja", "jpn", "en-GB", "x", "", "日本語"]), max_size=2).map(tuple),
    version=_words,
    relations=st.lists(
        st.builds(s.Relation, st.sampled_from(["cites", "", "isNewVersionOf", "x"]), _words, _words, _texts), max_size=2
    ).map(tuple),
    places=st.lists(
        st.builds(
            s.Place, _words, st.one_of(st.none(), st.tuples(_numbers, _numbers)),
            st.one_of(st.none(), st.tuples(_numbers, _numbers, _numbers, _numbers)),
        ),
        max_size=2,
    ).map(tuple),
    first_page=_words,
    page_count=_words,
    conferences=st.lists(st.builds(s.Conference, _texts, _words, country=_words), max_size=1).map(tuple),
    degree=st.one_of(st.none(), st.builds(s.Degree, _words, _texts, _words, _parties)),
)  # fmt: skip
# Records are large: to make a failing one small takes minutes, and the schema names its element anyway.
_quick = settings(
    max_examples=40,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@needs_official
@_quick
@given(records)
def test_jpcoar_is_valid(record):
    for version in ("2.0", "2.1"):
        written = s.to_jpcoar(record, version)
        assert official.faults(official.jpcoar_schema(version), written) == []
        # Space around words is not kept; after that, nothing changes any more.
        again = s.to_jpcoar(s.from_jpcoar(written), version)
        assert s.to_jpcoar(s.from_jpcoar(again), version) == again
    etree.fromstring(s.to_jpcoar(record, "1.0"))
    etree.fromstring(s.to_oai_dc(record))
    s.check(record)


@needs_official
@_quick
@given(records)
def test_datacite_is_valid(record):
    for version in ("4.6", "4.7"):
        written = s.to_datacite_xml(record, version)
        assert official.faults(official.datacite_schema(version), written) == []
        s.from_datacite(written)


@_quick
@given(records)
def test_citations_stay_whole(record):
    assert s.to_ris(record).count("\r\n") == len(s.to_ris(record).splitlines())
    assert s.to_bibtex(record).count("\n}\n") == 1
    assert s.recommended_citation(record).endswith("https://doi.org/10.1234/films.2")
    assert s.from_kept(s.to_kept(record)).id == record.id


_ANY_URI = etree.XMLSchema(
    etree.fromstring(
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="a" type="xs:anyURI"/></xs:schema>'
    )
)


@settings(max_examples=500, deadline=None)
@given(
    st.one_of(
        st.text(max_size=20),
        st.text(alphabet="ab:/?#[]@%12.é", max_size=20).map(lambda text: f"https://{text}"),
    )
)
def test_an_address_is_one_whatever_it_is(text):
    element = etree.fromstring(f"<a>{address(text)}</a>")
    assert _ANY_URI.validate(element), element.text


def test_a_good_address_stays():
    for text in (
        "https://e.org/a%20b?x=1#y",
        "https://u@e.org:8000/温度.csv",
        "10.1/x",
        "urn:x:1",
        "a（準備中）",
    ):
        assert address(text) == text


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_bytes_of_any_kind_are_refused_in_words(data):
    for read in (s.from_jpcoar, s.from_datacite):
        with pytest.raises(s.UnreadableXmlError) as refused:
            read(data)
        assert refused.value.message
