"""Nobody learns from the graph what the rules do not show them: things, names, neighbours, counts, where it was said."""

from __future__ import annotations

import json
import random
from dataclasses import asdict

import pytest

from tests.rooms import graph_worlds, rule_worlds
from tests.rooms.graph_worlds import SUZUKI, YAMADA, a_source, around, came, only, record
from tests.rooms.test_provenance import derived
from tsunagu.core import clock
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.data.graph import api as graph
from tsunagu.data.graph import indexing, resolving, writing
from tsunagu.data.graph.claims import LOCAL, Said, local, uid_of
from tsunagu.data.graph.models import Identifier, Merge
from tsunagu.data.graph.seeing import eyes
from tsunagu.foundation.identity.api import ANONYMOUS
from tsunagu.standards import api as standards

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


def _orcid(number):
    total = 0
    for digit in f"{number:015d}":
        total = (total + int(digit)) * 2
    last = (12 - total % 11) % 11
    whole = f"{number:015d}{'X' if last == 10 else last}"
    return "-".join(whole[at : at + 4] for at in range(0, 16, 4))


def _names(dice, count):
    """Identifiers of people, each several that sources may give to one."""
    found = [[("ORCID", _orcid(21_000_000 + number * 7919))] for number in range(count)]
    for number, several in enumerate(found):
        several += [
            ("e-Rad_Researcher", f"9{number:07d}"),
            ("DOI", f"10.1234/own{number}"),
            ("URI", f"https://example.org/p{number}"),
        ]
    return [[standards.normalised(*one) for one in several] for several in found]


def _spoken(dice, key, dataset_id, needs_draft, people):
    """A source that gives some identifiers to a person, now and then those of somebody else too."""
    made = Said(key, key, "", dataset_id, needs_draft)
    main = made.add([local(f"dataset:{dataset_id}" if dataset_id else key)], "data", [(key, "en")])
    for several in dice.sample(people, dice.randrange(1, 4)):
        keys = dice.sample(several, dice.randrange(1, 4))
        if dice.random() < 0.2:
            keys.append(dice.choice(dice.choice(people)))
        contested = (dice.choice(dice.choice(people)),) if dice.random() < 0.2 else ()
        made.link(main, "creator", made.add(keys, "person", [(f"Person of {key}", "en")], contested))
    return made


def _named_by(one):
    return {key for node in one.nodes.values() for key in (node.keys[0], *node.contested)}


def _keys_of(one):
    """What a source speaks of. A closed one joins nothing: only the names under which it knows things."""
    given = set() if one.dataset_id else {key for node in one.nodes.values() for key in node.keys}
    return _named_by(one) | given


def _told(actor, uid):
    """Everything that pages, REST and JSON-LD say of a thing, as one text."""
    thing = graph.get_thing(actor, uid)
    whole = [
        asdict(thing),
        graph.to_json_ld(thing, lambda one: f"/graph/{one}"),
        asdict(graph.get_card(actor, uid)),
    ]
    groups = [(one.relation, one.is_from) for one in thing.groups]
    whole += [asdict(graph.neighbours(actor, uid, word, is_from=way, limit=100)) for word, way in groups]
    return json.dumps(whole, ensure_ascii=False)


@pytest.mark.parametrize("is_pending", [False, True])
@pytest.mark.parametrize("seed", [2, 3])
def test_identifiers_are_those_of_sources_that_one_sees(person, seed, is_pending):
    """Whatever sources gave one thing, whatever people merged, and whoever went since then."""
    dice = random.Random(seed)
    world = rule_worlds.make_world(dice, person(), [person(f"p{n}", is_admin=n == 0) for n in range(2)], 6)
    people = _names(dice, 7)
    wanted = [(f"dataset:{uid}/{draft}", uid, bool(draft)) for uid in world.datasets for draft in (0, 1)]
    wanted += [(f"record:{number}", "", False) for number in range(8)]
    said = {key: _spoken(dice, key, uid, draft, people) for key, uid, draft in wanted}
    writing.replace({key: [one] for key, one in said.items()})
    public = sorted(
        {key for one in said.values() if not one.dataset_id for key in _keys_of(one) if key[0] != LOCAL}
    )
    for _ in range(4):
        left, right = sorted(uid_of(key) for key in dice.sample(public, 2))
        Merge.objects.get_or_create(
            left=left, right=right, defaults={"state": "accepted", "made_at": clock.now()}
        )
    resolving.regroup(set(Identifier.objects.values_list("base", flat=True)))
    gone = dice.sample([key for key, one in said.items() if not one.dataset_id], 4)
    if is_pending:
        indexing.note(gone, hides=True)
    else:
        writing.replace({key: [] for key in gone})
    _is_all_of_seen_sources(dice, world.actors, said, gone, is_pending=is_pending)


def _is_all_of_seen_sources(dice, actors, said, gone, *, is_pending):
    everything = sorted(
        {key for one in said.values() for node in one.nodes.values() for key in (*node.keys, *node.contested)}
    )
    for actor in dice.sample(actors, min(5, len(actors))):
        read, draft = (set(datasets.readable_ids(actor, one)) for one in ("", "dataset.read_draft"))
        seen = [
            one for key, one in said.items() if key not in gone
            and (not one.dataset_id or one.dataset_id in (draft if one.needs_draft else read))
        ]  # fmt: skip
        named, spoken = ({key for one in seen for key in of(one)} for of in (_named_by, _keys_of))
        strange = {key[1] for key in set(everything) - spoken if key[0] != LOCAL}
        uids = set() if is_pending else {uid_of(key) for key in set(everything) - spoken}
        # What several things are given beside their names stands for none of them: then nothing is found.
        asked = dice.sample(everything, 20)
        found = {key for key in asked if graph.thing_for(actor, *key)}
        assert named & set(asked) <= found <= spoken
        own = {key[1] for key in found if key[0] == LOCAL}
        assert graph.things_for(actor, [key[1] for key in asked if key[0] == LOCAL]).keys() == own
        for key in asked[:6]:
            if key[0] != LOCAL and graph.find_uid(key[1]) == uid_of(key):
                assert bool(graph.find(actor, identifier=key[1])[0]) == (key in found)
        for key in dice.sample(sorted(found), min(3, len(found))):
            uid = graph.thing_for(actor, *key)
            if is_pending and not eyes(actor).thing_of(uid):
                continue
            told = _told(actor, uid)
            assert not [one for one in (*strange, *uids) if json.dumps(one, ensure_ascii=False)[1:-1] in told]


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
