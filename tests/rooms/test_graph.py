"""The graph: one thing for one identifier, nothing for a name alone, and what sources say follows the sources."""

from __future__ import annotations

import pytest

from tests.rooms.graph_worlds import (
    SUZUKI,
    TOHOKU,
    YAMADA,
    a_source,
    around,
    article,
    came,
    everything,
    only,
    person,
    record,
)
from tsunagu.data.graph import api as graph
from tsunagu.foundation.identity.api import ANONYMOUS
from tsunagu.standards import api as standards

pytestmark = pytest.mark.django_db


@pytest.fixture
def source(db):
    return a_source()


def test_one_identifier_is_one_thing_in_every_spelling(source):
    came(
        source,
        record(1, person("山田, 花子", orcid=YAMADA, home="東北大学", ror=TOHOKU)),
        article(
            2,
            person("Hanako Yamada", more=[("ORCID", f"https://orcid.org/{YAMADA}")]),
            relations=(standards.Relation("isSupplementedBy", "DOI", "https://doi.org/10.1234/SET1"),),
        ),
    )
    assert only(ANONYMOUS, YAMADA).uid == only(ANONYMOUS, f"https://orcid.org/{YAMADA}").uid
    assert around(ANONYMOUS, YAMADA)["creator", False] == {"薄膜のX線回折 1", "薄膜のX線回折 2"}
    assert around(ANONYMOUS, "10.1234/set1")["isSupplementTo", True] == {"薄膜のX線回折 2"}
    assert around(ANONYMOUS, "10.1234/art2")["isSupplementTo", False] == {"薄膜のX線回折 1"}
    assert ("affiliation", False) in around(ANONYMOUS, TOHOKU)
    assert around(ANONYMOUS, "JP24K00366")["funding", False] == {"薄膜のX線回折 1", "薄膜のX線回折 2"}


def test_a_name_alone_makes_nothing_one(source):
    came(source, record(1, person("田中, 一郎")), record(2, person("田中, 一郎")))
    found, _more = graph.find(ANONYMOUS, name="一郎 田中", kind="person")
    assert len(found) == 2, "each record has its own"


@pytest.mark.parametrize(
    "broken",
    [
        ("ORCID", "0000-0002-1825-0098"),
        ("ORCID", "x"),
        ("ROR", "05fake000"),
        ("e-Rad_Researcher", "0"),
        ("ISNI", "1"),
    ],
)
def test_an_identifier_with_a_wrong_check_digit_is_none(source, broken):
    came(
        source, record(1, person("山田, 花子", more=[broken])), record(2, person("山田, 花子", more=[broken]))
    )
    found, _more = graph.find(ANONYMOUS, name="山田 花子")
    assert len(found) == 2
    assert all(not one.identifiers for one in found)


def test_a_number_of_e_rad_leads_to_the_one_person_who_has_it(source):
    erad = ("e-Rad_Researcher", "90191305")
    came(
        source,
        record(1, person("山田, 花子", more=[erad])),
        record(2, person("Hanako Yamada", more=[("NRID", "1000090191305")])),
    )
    assert only(ANONYMOUS, "e-Rad:90191305").uid == only(ANONYMOUS, "1000090191305").uid
    alone = only(ANONYMOUS, "e-Rad:90191305").uid
    came(source, record(3, person("山田, 花子", orcid=YAMADA, more=[erad])))
    assert only(ANONYMOUS, "e-Rad:90191305").uid == only(ANONYMOUS, YAMADA).uid != alone
    assert len(around(ANONYMOUS, YAMADA)["creator", False]) == 3
    assert graph.get_thing(ANONYMOUS, alone).card.uid == only(ANONYMOUS, YAMADA).uid, (
        "the old address leads on"
    )
    came(source, record(4, person("鈴木, 太郎", orcid=SUZUKI, more=[erad])))
    assert only(ANONYMOUS, "e-Rad:90191305").uid == alone, "two people claim it: neither gets it"
    for orcid in (YAMADA, SUZUKI):
        (conflict,) = graph.get_thing(ANONYMOUS, only(ANONYMOUS, orcid).uid).conflicts
        assert (conflict.kind, conflict.values) == ("identifiers", ("e-Rad 90191305",))
        assert len(conflict.others) == 2
    came(source, deleted=["000004"], stamp="2026-05-01T00:00:00Z")
    assert only(ANONYMOUS, "e-Rad:90191305").uid == only(ANONYMOUS, YAMADA).uid


def test_two_orcid_ids_of_one_author_stay_two_people_and_are_shown(source):
    came(source, record(1, person("山田, 花子", orcid=YAMADA, more=[("ORCID", SUZUKI)])))
    for orcid in (YAMADA, SUZUKI):
        found = graph.get_thing(ANONYMOUS, only(ANONYMOUS, orcid).uid)
        assert found.groups == (), "the record is of neither"
        (conflict,) = found.conflicts
        assert conflict.values == (f"ORCID {SUZUKI}", f"ORCID {YAMADA}")
        assert len(conflict.others) == 2
    assert around(ANONYMOUS, "10.1234/set1")["creator", True] == {"山田 花子"}


def test_one_doi_with_two_titles_and_two_kinds_is_shown(source):
    other = a_source("minami")
    same = (standards.Text("別の題名", "ja"), standards.Text("Another title", "en"))
    came(source, record(1, person("山田, 花子")))
    came(other, article(1, person("山田, 花子"), doi="10.1234/SET1", titles=same))
    found = graph.get_thing(ANONYMOUS, only(ANONYMOUS, "10.1234/set1").uid)
    assert sorted(one.kind for one in found.conflicts) == ["kinds", "titles", "titles"]
    assert found.source_count == 2


def test_what_a_source_withdraws_goes_and_nothing_else(source):
    other = a_source("minami")
    came(source, record(1, person("山田, 花子", orcid=YAMADA)))
    before = everything()
    came(other, article(2, person("山田, 花子", orcid=YAMADA), person("鈴木, 太郎", orcid=SUZUKI)))
    assert len(around(ANONYMOUS, YAMADA)["creator", False]) == 2
    came(other, deleted=["000002"], stamp="2026-05-01T00:00:00Z")
    assert everything() == before
    assert graph.find(ANONYMOUS, identifier=SUZUKI) == ([], "")


def test_anew_is_the_same_as_step_by_step(source):
    other = a_source("minami")
    came(
        source,
        *(
            record(n, person("山田, 花子", home="東北大学"), person("鈴木, 太郎", orcid=SUZUKI))
            for n in range(4)
        ),
    )
    came(other, article(2, person("山田, 花子", orcid=YAMADA, more=[("e-Rad_Researcher", "90191305")])))
    came(source, record(1, person("別, 人")), deleted=["000003"], stamp="2026-05-01T00:00:00Z")
    before = everything()
    assert before["merges"]
    assert graph.rebuild()
    assert everything() == before
    assert graph.catch_up() == 0
