"""Names ask, people decide, and everything that was decided can be taken back."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import pytest

from tests.rooms.graph_worlds import (
    SUZUKI,
    TOHOKU,
    YAMADA,
    a_source,
    around,
    came,
    everything,
    person,
    record,
)
from tests.rooms.test_curation import HOME
from tsunagu.core import clock
from tsunagu.data.graph import api as graph
from tsunagu.data.graph import writing
from tsunagu.data.graph.claims import Said, local, uid_of
from tsunagu.data.graph.models import Identifier, Merge
from tsunagu.data.publication import api as publication
from tsunagu.foundation.identity.api import ANONYMOUS, VERBS, TokenScope
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs
from tsunagu.standards import api as standards

pytestmark = pytest.mark.django_db
AUTHOR = standards.Party((standards.Text("山田, 花子", "ja"),))


@pytest.fixture
def admin(officer):
    return officer


@pytest.fixture
def source(db):
    return a_source()


def proposals(actor, state="proposed"):
    return graph.list_merges(actor, state=state)[0]


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        ((person("山田, 花子", home="東北大学"),), (person("山田, 花子", home="東北大学"),), "affiliation"),
        ((person("山田, 花子", home="東北大学", ror=TOHOKU),), (person("山田, 花子", orcid=YAMADA, home="Tohoku", ror=TOHOKU),), "affiliation"),
        ((AUTHOR, person("鈴木, 太郎", orcid=SUZUKI)), (AUTHOR, person("鈴木, 太郎", orcid=SUZUKI)), "coauthor"),
        ((AUTHOR,), (person("山田, 花子", home="北大"),), None),
        ((AUTHOR, person("鈴木, 太郎")), (AUTHOR, person("鈴木, 太郎")), None),
        ((person("山田, 花子", orcid=SUZUKI, home="東北大学"),), (person("山田, 花子", orcid=YAMADA, home="東北大学"),), None),
        ((AUTHOR, AUTHOR, person("鈴木, 太郎", orcid=SUZUKI)), (), None),
    ],
)  # fmt: skip
def test_what_makes_a_proposal(source, admin, one, other, kind):
    came(source, record(1, *one), *([record(2, *other)] if other else []))
    found = [one for one in proposals(admin) if one.left.names[0].text == "山田 花子"]
    assert [why.kind for one in found for why in one.evidence] == ([kind] if kind else [])


def test_the_same_doi_with_the_same_name_is_a_question(source, admin):
    came(source, record(1, AUTHOR))
    came(a_source("minami"), record(1, person("花子 山田")))
    (found,) = proposals(admin)
    assert [one.kind for one in found.evidence] == ["work"]


def test_what_a_record_calls_identical_is_a_question(source, admin):
    same = standards.Relation("isIdenticalTo", "DOI", "https://doi.org/10.9999/copy")
    came(source, record(1, AUTHOR, relations=(same,)))
    (found,) = proposals(admin)
    assert [(one.kind, one.text) for one in found.evidence] == [("said", "kitaリポジトリ")]
    came(source, record(1, AUTHOR), stamp="2026-05-01T00:00:00Z")
    assert proposals(admin) == []


@pytest.fixture
def two(source):
    """One author in two records, with a shared affiliation and one ORCID iD."""
    came(
        source,
        record(1, person("山田, 花子", orcid=YAMADA, home="東北大学")),
        record(2, person("山田, 花子", home="東北大学")),
    )


def test_accepted_it_is_one_and_undone_it_is_what_it_was(two, admin):
    before = everything()
    (found,) = proposals(admin)
    run = graph.decide(admin, found.id, "accept")
    assert runs.get(run).parameters["what"] == "graph_accept"
    assert around(ANONYMOUS, YAMADA)["creator", False] == {"薄膜のX線回折 1", "薄膜のX線回折 2"}
    thing = graph.get_thing(ANONYMOUS, graph.find_uid(YAMADA))
    assert [(one.state, one.decided_by) for one in thing.merges] == [("accepted", "")]
    with pytest.raises(graph.DecidedError):
        graph.decide(admin, found.id, "accept")
    graph.decide(admin, found.id, "undo")
    now = everything()
    assert [state for *_pair, state in now.pop("merges")] == ["undone"]
    assert now == {name: rows for name, rows in before.items() if name != "merges"}
    graph.decide(admin, found.id, "accept")
    assert len(around(ANONYMOUS, YAMADA)["creator", False]) == 2


def test_rejected_it_is_not_asked_again_until_that_is_taken_back(two, source, admin):
    (found,) = proposals(admin)
    graph.decide(admin, found.id, "reject")
    came(source, record(2, person("山田, 花子", home="東北大学"), subjects=()), stamp="2026-05-01T00:00:00Z")
    graph.begin_anew(admin)
    graph.catch_up()
    assert proposals(admin) == []
    graph.decide(admin, found.id, "undo")
    assert [one.id for one in proposals(admin)] == [found.id]


def test_a_decision_outlives_what_it_was_made_of(two, source, admin):
    (found,) = proposals(admin)
    graph.decide(admin, found.id, "accept")
    came(source, deleted=["000002"], stamp="2026-05-01T00:00:00Z")
    assert around(ANONYMOUS, YAMADA)["creator", False] == {"薄膜のX線回折 1"}
    came(source, record(2, person("山田, 花子", home="東北大学")), stamp="2026-06-01T00:00:00Z")
    assert len(around(ANONYMOUS, YAMADA)["creator", False]) == 2


def _closed(key, identifier):
    """What a dataset says that nobody but its readers sees."""
    made = Said("dataset:x/read", "lab/x", "", "0" * 26)
    made.link(
        made.add([local("dataset:x")], "data", [("x", "")]),
        "creator",
        made.add([identifier], "person", [(key, "")]),
    )
    writing.replace({"dataset:x": [made]})


@pytest.mark.parametrize("hidden", [0, 1])
def test_a_merge_rests_while_only_closed_sources_speak_of_one_end(source, admin, hidden):
    """Whichever of the two it is, and were it the better name: nobody learns of it from the other."""
    keys = [standards.normalised("ORCID", YAMADA), standards.normalised("e-Rad_Researcher", "90191305")]
    authors = [
        person("山田, 花子", more=[one], home="東北大学")
        for one in (("ORCID", YAMADA), ("e-Rad_Researcher", "90191305"))
    ]
    came(source, record(1, authors[0]), record(2, authors[1]))
    graph.decide(admin, proposals(admin)[0].id, "accept")
    assert len(around(ANONYMOUS, YAMADA)["creator", False]) == 2
    before = everything()
    _closed("山田 花子", keys[hidden])
    came(source, deleted=[f"00000{hidden + 1}"], stamp="2026-05-01T00:00:00Z")
    assert graph.thing_for(ANONYMOUS, *keys[hidden]) == ""
    other = keys[1 - hidden]
    assert graph.thing_for(ANONYMOUS, *other) == uid_of(other)
    shown = graph.get_thing(ANONYMOUS, uid_of(other))
    assert [(one.scheme, one.value) for one in shown.card.identifiers] == [other]
    assert shown.merges == ()
    came(source, record(hidden + 1, authors[hidden]), stamp="2026-06-01T00:00:00Z")
    writing.replace({"dataset:x": []})
    assert everything() == before, "the decision stands, and counts again"


def test_those_joined_to_one_that_rests_are_named_by_themselves(admin):
    keys = [("URI", f"https://example.org/{number}") for number in range(4)]
    for number, key in enumerate(keys):
        made = Said(f"record:{number}", "kita")
        made.add([key], "person", [(f"人 {number}", "")])
        writing.replace({made.key: [made]})
    for pair in pairwise(uid_of(key) for key in keys):
        left, right = sorted(pair)
        graph.decide(admin, Merge.objects.create(left=left, right=right, made_at=clock.now()).pk, "accept")
    assert {graph.thing_for(ANONYMOUS, *key) for key in keys} == {uid_of(keys[0])}
    _closed("人", keys[1])
    writing.replace({"record:1": []})
    assert graph.thing_for(ANONYMOUS, *keys[0]) == uid_of(keys[0])
    assert {graph.thing_for(ANONYMOUS, *key) for key in keys[2:]} == {uid_of(keys[2])}


def test_a_merge_can_be_undone_although_sources_know_a_better_name_by_now(source, admin):
    erad = ("e-Rad_Researcher", "90191305")
    came(
        source,
        record(1, person("山田, 花子", orcid=YAMADA, home="東北大学")),
        record(2, person("山田, 花子", more=[erad], home="東北大学")),
    )
    (found,) = proposals(admin)
    graph.decide(admin, found.id, "accept")
    came(
        source,
        record(2, person("山田, 花子", orcid=SUZUKI, more=[erad], home="東北大学")),
        stamp="2026-05-01T00:00:00Z",
    )
    thing = graph.get_thing(ANONYMOUS, graph.find_uid(YAMADA))
    assert len(thing.groups[0].neighbours) == 2, "it stands"
    (shown,) = thing.merges
    assert {one.identifiers[0].value for one in (shown.left, shown.right)} == {YAMADA, "90191305"}
    assert {one.names[0].text for one in (shown.left, shown.right)} == {"山田 花子"}
    assert [one.id for one in proposals(admin, "accepted")] == [shown.id]
    graph.decide(admin, shown.id, "undo")
    assert graph.thing_for(ANONYMOUS, "ORCID", SUZUKI) != graph.thing_for(ANONYMOUS, "ORCID", YAMADA)


def test_only_curators_and_administrators_decide(two, admin, person):
    stranger = person("stranger")
    (found,) = proposals(admin)
    for step in (lambda: graph.decide(stranger, found.id, "accept"), lambda: graph.list_merges(stranger)):
        with pytest.raises(policy.ActionDeniedError):
            step()
    assert graph.get_thing(stranger, graph.find_uid(YAMADA)).merges == ()
    with pytest.raises(graph.NoSuchMergeError):
        graph.decide(admin, found.id + 1, "accept")


def _parts(edges, ones):
    """The things that edges make of these, by a plain union."""
    groups = {one: {one} for one in ones}
    for left, right in edges:
        whole = groups[left] | groups[right]
        groups |= dict.fromkeys(whole, whole)
    return {frozenset(group) for group in groups.values()}


@pytest.mark.parametrize("seed", range(3))
def test_any_merges_and_undos_are_the_union_of_those_that_stand(admin, seed):
    dice = random.Random(seed)
    names = [local(f"p{number}") for number in range(9)]
    said = Said("record:1", "x")
    for name in names:
        said.add([name], "person", [(f"Person {name[1]}", "en")])
    # Two pairs that sources themselves make one.
    for pair in (names[0:2], names[2:4]):
        said.add([*pair, ("ORCID", f"0000-{pair[0][1]}")], "person", [])
    writing.replace({"record:1": [said]})
    uids = [uid_of(name) for name in names]
    given = [(uids[0], uids[1]), (uids[2], uids[3])]
    rows = []
    for left, right in pairwise(dice.sample(uids, len(uids))):
        low, high = sorted((left, right))
        rows.append(Merge.objects.create(left=low, right=high, made_at=clock.now()))
    standing = set()
    for _ in range(40):
        row = dice.choice(rows)
        step = "undo" if row.pk in standing else "accept"
        graph.decide(admin, row.pk, step)
        standing ^= {row.pk}
        edges = given + [(one.left, one.right) for one in rows if one.pk in standing]
        found = {}
        for uid, thing in Identifier.objects.filter(uid__in=uids).values_list("uid", "thing"):
            found.setdefault(thing, set()).add(uid)
        assert {frozenset(group) for group in found.values()} == _parts(edges, uids)


@pytest.mark.parametrize("who", ["curator", "admin"])
@pytest.mark.parametrize(
    ("scope", "may"),
    [
        (TokenScope(("read",)), False),
        (TokenScope(("read", "write")), False),
        (TokenScope(VERBS, ("01J00000000000000000000000",)), False),
        (TokenScope(("read", "share")), True),
        (TokenScope(), True),
    ],
)
def test_a_token_decides_only_if_it_was_made_for_that(two, admin, person, who, scope, may):
    curator = person("curator")
    publication.write_institution(admin, "kitamiyama", {**HOME, "curators": ["curator@example.org"]})
    (found,) = proposals(curator)
    actor = replace(curator if who == "curator" else admin, token_id="x", scope=scope)
    if may:
        assert graph.decide(actor, found.id, "accept")
        return
    for step in (lambda: graph.decide(actor, found.id, "accept"), lambda: graph.list_merges(actor)):
        with pytest.raises(policy.ActionDeniedError):
            step()
    assert graph.count_merges(actor) == 0
