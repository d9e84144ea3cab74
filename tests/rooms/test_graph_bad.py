"""What sources of bad records do to the graph: nothing but what they say, and no page without an end."""

from __future__ import annotations

import random
import time

import pytest
from django.test import Client

from tests.rooms.graph_worlds import (
    SUZUKI,
    TOHOKU,
    YAMADA,
    a_source,
    around,
    came,
    everything,
    only,
    person,
    record,
)
from tsunagu.data.graph import api as graph
from tsunagu.data.graph import records, sources, writing
from tsunagu.data.graph.claims import SINGLE
from tsunagu.data.graph.models import Identifier, Naming
from tsunagu.foundation.identity.api import ANONYMOUS
from tsunagu.standards import api as standards

pytestmark = pytest.mark.django_db
_ODD = (
    "",
    " ",
    "x" * 5000,
    "10.1234/\u202e",
    "https://",
    "http://[::1",
    "0000-0002-1825-009X",
    "javascript:alert(1)",
    "\ud800",
    "10.1234/a b",
)
_GOOD = {
    "ORCID": (YAMADA, SUZUKI),
    "ROR": (TOHOKU, "https://ror.org/00hhkn466"),
    "e-Rad_Researcher": ("90191305", "80191306"),
    "NRID": ("1000090191305",),
    "DOI": ("10.1234/A", "https://doi.org/10.1234/a", "10.1234/b"),
    "URI": ("https://example.org/x", "http://hdl.handle.net/2433/1"),
    "CRID": ("1360000000000000001",),
}


def _party(dice):
    schemes = dice.choices(list(_GOOD), k=dice.randrange(4))
    ids = [(one, dice.choice((*_GOOD[one], *_ODD))) for one in schemes]
    return person(
        dice.choice(("山田, 花子", "鈴木, 太郎", "", "\x00", "a" * 3000)),
        more=ids,
        home=dice.choice(("東北大学", "")),
    )


def _bad(dice, number):
    """A record in which anything may stand, in another order of rows each time it is written."""
    kinds = ("cites", "IsCitedBy", "hasPart", "isPartOf", "isIdenticalTo", "", "no such word")
    relations = [
        standards.Relation(dice.choice(kinds), one, dice.choice((*_GOOD[one], *_ODD)))
        for one in dice.choices(list(_GOOD), k=dice.randrange(6))
    ]
    return record(
        number,
        *(_party(dice) for _ in range(dice.randrange(6))),
        doi=dice.choice(("10.1234/a", "10.1234/B", f"10.1234/own{number}", "", "nonsense")),
        url=dice.choice(("https://example.org/x", f"https://example.org/{number}", *_ODD)),
        relations=tuple(relations),
    )


def _written(several):
    for number, one in several:
        writing.replace({f"record:{number}": [records.said(one, f"record:{number}", label="kita")]})


def test_a_hundred_records_that_contradict_each_other_in_any_order():
    dice = random.Random(11)
    several = [(number, _bad(dice, number)) for number in range(100)]
    _written(several)
    there = everything()
    dice.shuffle(several)
    _written([(number, _bad(dice, number)) for number in range(0, 100, 3)])  # other ones in between
    _written(several)
    assert everything() == there, "no order of things leaves a trace"
    for thing, scheme in Identifier.objects.filter(scheme__in=SINGLE).values_list("thing", "scheme"):
        assert Identifier.objects.filter(thing=thing, scheme=scheme).count() == 1
    named = sorted(set(Naming.objects.values_list("identifier__thing", flat=True)))
    for uid in dice.sample(named, 25):
        assert Client().get(f"/graph/{uid}").status_code == 200


def test_things_that_are_parts_of_each_other():
    def part_of(number):
        other = f"https://doi.org/10.1234/set{number % 3 + 1}"
        return standards.Relation("isPartOf", "DOI", other), standards.Relation("hasPart", "DOI", other)

    _written([(number, record(number, relations=part_of(number))) for number in (1, 2, 3)])
    found = around(ANONYMOUS, "10.1234/set1")
    assert found["isPartOf", True] == found["isPartOf", False] == {"薄膜のX線回折 2", "薄膜のX線回折 3"}
    itself = standards.Relation("cites", "DOI", "10.1234/SET9")
    _written([(9, record(9, relations=(itself,)))])
    assert ("cites", True) not in around(ANONYMOUS, "10.1234/set9")


def test_a_record_of_ten_thousand_creators_is_read_and_paged():
    many = tuple(person(f"共著, {number}", home="東北大学") for number in range(10_000))
    begun = time.monotonic()
    _written([(1, record(1, *many)), (2, record(2, person("共著, 7", home="東北大学")))])
    assert time.monotonic() - begun < 60
    uid = only(ANONYMOUS, "10.1234/set1").uid
    page = Client().get(f"/graph/{uid}").content.decode()
    assert "10,000" in page
    assert len(page) < 60_000
    group = graph.neighbours(ANONYMOUS, uid, "creator", is_from=True, limit=100)
    assert (len(group.neighbours), group.count) == (100, 10_000)
    assert graph.neighbours(ANONYMOUS, uid, "creator", is_from=True, after=group.after, limit=1).neighbours
    assert everything()["merges"] == [], "so many authors are no evidence of who is who"


def test_what_lies_about_us_names_nothing_of_ours(dataset):
    """A foreign record that calls itself by our own names is a thing of its own."""
    owner, card = dataset
    graph.catch_up()
    source = a_source()
    ids = (
        standards.Identifier("local", f"dataset:{card.id}"),
        standards.Identifier("URI", f"dataset:{card.id}"),
    )
    came(
        source,
        record(
            1, identifiers=ids, relations=(standards.Relation("isPartOf", "local", f"dataset:{card.id}"),)
        ),
    )
    (key,) = sources.all_keys()[0]
    assert graph.thing_for(ANONYMOUS, "local", key) != graph.thing_for(owner, "local", f"dataset:{card.id}")
    assert graph.thing_for(ANONYMOUS, "local", f"dataset:{card.id}") == ""
