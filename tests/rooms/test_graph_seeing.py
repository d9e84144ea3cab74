"""Nobody learns from the graph what the rules do not show them: things, names, neighbours, counts, where it was said."""

from __future__ import annotations

import random

import pytest

from tests.rooms import graph_worlds, rule_worlds
from tests.rooms.graph_worlds import SUZUKI, YAMADA, a_source, around, came, only, record
from tests.rooms.test_provenance import derived
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.data.graph import api as graph
from tsunagu.data.graph import indexing, writing
from tsunagu.data.graph.claims import Said, local, uid_of
from tsunagu.data.graph.seeing import eyes
from tsunagu.foundation.identity.api import ANONYMOUS

pytestmark = pytest.mark.django_db
__all__ = ["derived"]


def _said(dice, key, dataset_id, needs_draft, people):
    """What a source says of a work of its own, of people with ORCID iDs, and of other datasets, which it does not name."""
    made = Said(key, key, "", dataset_id, needs_draft)
    main = made.add([local(f"dataset:{dataset_id}" if dataset_id else key)], "data", [(key, "en")])
    for one in dice.sample(people, dice.randrange(1, 4)):
        made.link(main, "creator", made.add([("ORCID", one)], "person", [(f"Person {one[-4:]}", "en")]))
    return made, main


def _written(dice, world, people):
    """Sources of every kind, written into the graph."""
    wanted = [(f"dataset:{uid}/{draft}", uid, draft) for uid in world.datasets for draft in (0, 1)]
    said = []
    for key, uid, draft in [*wanted, *((f"record:{number}", "", 0) for number in range(4))]:
        made, main = _said(dice, key, uid, bool(draft), people)
        if uid and dice.random() < 0.5:
            made.link(main, "isDerivedFrom", local(f"dataset:{dice.choice(world.datasets)}"))
        said.append(made)
        writing.replace({key: [made]})
    return said


def _around(links, key):
    found = {}
    for subject, relation, other in links:
        if key in {subject, other}:
            end = other if key == subject else subject
            found.setdefault((relation, key == subject), set()).add(uid_of(end))
    return found


@pytest.mark.parametrize("seed", range(2))
def test_things_neighbours_and_counts_are_those_of_a_plain_model(person, seed):
    dice = random.Random(seed)
    world = rule_worlds.make_world(dice, person(), [person(f"p{n}", is_admin=n == 0) for n in range(2)], 8)
    said = _written(dice, world, [f"0000-0000-0000-{number:04d}" for number in range(6)])
    everything = sorted({key for one in said for key in one.nodes})
    for actor in world.actors:
        read, draft = (set(datasets.readable_ids(actor, one)) for one in ("", "dataset.read_draft"))
        seen = [
            one
            for one in said
            if not one.dataset_id or one.dataset_id in (draft if one.needs_draft else read)
        ]
        named = {key for one in seen for key in one.nodes}
        links = {link for one in seen for link in one.links if {link[0], link[2]} <= named}
        for key in everything:
            assert bool(eyes(actor).thing_of(uid_of(key))) == (key in named)
        for key in dice.sample(sorted(named), min(len(named), 6)):
            thing, expected = graph.get_thing(actor, uid_of(key)), _around(links, key)
            assert {(one.relation, one.is_from): one.count for one in thing.groups} == {
                one: len(several) for one, several in expected.items()
            }
            for (relation, is_from), several in expected.items():
                whole = graph.neighbours(actor, thing.card.uid, relation, is_from=is_from, limit=100)
                assert ({near.card.uid for near in whole.neighbours}, whole.count) == (several, len(several))
            assert thing.source_count == sum(key in one.nodes for one in seen)
        for key in set(everything) - named:
            with pytest.raises(graph.NoSuchThingError):
                graph.get_thing(actor, uid_of(key))


def test_somebody_of_a_closed_dataset_exists_for_its_readers_alone(dataset, person):
    owner, card = dataset
    description.set_value(owner, card.id, "creators", [f"山田 花子 ({YAMADA})", "匿名 太郎"])
    graph.catch_up()
    assert around(owner, YAMADA)["creator", False] == {"data"}
    for actor in (person("stranger"), ANONYMOUS):
        assert graph.find(actor, identifier=YAMADA) == ([], "")
        assert graph.find(actor, name="匿名 太郎") == ([], "")
        assert graph.find(actor, kind="person") == ([], "")
        assert graph.thing_for(actor, "local", f"dataset:{card.id}") == ""
        with pytest.raises(graph.NoSuchThingError):
            graph.get_thing(actor, only(owner, YAMADA).uid)
    came(a_source(), record(1, graph_worlds.person("山田, 花子", orcid=YAMADA)))
    assert around(ANONYMOUS, YAMADA)["creator", False] == {"薄膜のX線回折 1"}
    assert around(owner, YAMADA)["creator", False] == {"薄膜のX線回折 1", "data"}
    assert graph.get_thing(ANONYMOUS, only(ANONYMOUS, YAMADA).uid).source_count == 1


def test_a_draft_is_of_those_who_see_drafts(dataset, person):
    owner, card = dataset
    description.set_value(owner, card.id, "creators", [f"山田 花子 ({YAMADA})"])
    datasets.freeze_version(owner, card.id)
    datasets.set_access(owner, card.id, "open")
    description.set_value(owner, card.id, "creators", [f"鈴木 太郎 ({SUZUKI})"])
    graph.catch_up()
    assert only(ANONYMOUS, YAMADA)
    assert graph.find(ANONYMOUS, identifier=SUZUKI) == ([], "")
    assert only(owner, SUZUKI)
    datasets.set_access(owner, card.id, "closed")
    assert graph.find(ANONYMOUS, identifier=YAMADA) == ([], ""), (
        "at once, before the graph is brought up to date"
    )


def test_a_run_does_not_tell_of_the_dataset_that_it_used(derived):
    owner, member, run = derived
    graph.catch_up()
    uid = graph.thing_for(owner, "local", f"run:{run}")
    for actor, used in ((owner, {"data"}), (member, None)):
        found = {one.relation: one for one in graph.get_thing(actor, uid).groups}
        names = {one.card.names[0].text for one in found["used"].neighbours} if "used" in found else None
        assert names == used
        assert found["wasAssociatedWith"].neighbours[0].card.names[0].text == "owner"
        assert found["wasGeneratedBy"].neighbours[0].card.names[0].text == "derived"
    assert graph.thing_for(ANONYMOUS, "local", f"run:{run}") == ""


def test_a_source_that_cannot_be_read_keeps_no_other_waiting(dataset, monkeypatch):
    owner, card = dataset
    other = datasets.create_dataset(owner, "lab", "other")
    read = indexing.sources.read

    def broken(keys):
        keys = list(keys)
        if f"dataset:{card.id}" in keys:
            raise ValueError
        return read(keys)

    monkeypatch.setattr(indexing.sources, "read", broken)
    graph.catch_up()
    assert graph.thing_for(owner, "local", f"dataset:{other.id}")
    assert not graph.thing_for(owner, "local", f"dataset:{card.id}")
