"""Random worlds of datasets that share contents: destroying some must leave exactly what the others need."""

from __future__ import annotations

import hashlib
import threading

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tsunagu.core import bulk
from tsunagu.core.blobs import ObjectMissingError
from tsunagu.core.ids import new_id
from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets.models import FileRow
from tsunagu.data.keeping import api as keeping
from tsunagu.data.keeping import destroying
from tsunagu.foundation.storage import api as storage
from tsunagu.foundation.storage import leaving

pytestmark = pytest.mark.django_db(transaction=True)

CONTENTS = [b"content %d " % number * (number + 1) for number in range(6)]
FILES = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(range(6)), min_size=1, max_size=4)
DATASET = st.tuples(FILES, FILES, st.booleans())  # first push, second push, frozen in between


def sha(content):
    return hashlib.sha256(content).digest()


def whole(owner, card):
    after = ""
    while True:
        report = datasets.verify(owner, datasets.get_dataset_by_id(owner, card.id), after=after)
        if report.problems or not (after := report.after):
            return not report.problems


def remove(owner, cards):
    for card in cards:
        keeping.destroy(owner, datasets.get_dataset_by_id(owner, card.id), reason="a test")
        destroying.take_apart(card.id)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(worlds=st.lists(DATASET, min_size=2, max_size=4), doomed=st.sets(st.integers(0, 3), min_size=1))
def test_exactly_what_the_others_need_is_left(person, put, worlds, doomed):
    owner = person()
    project = f"p{new_id().lower()}"
    datasets.create_project(owner, project)
    before = {place.sha256 for place in storage.every_location()}
    cards, needed = [], {}
    for number, (first, second, is_frozen) in enumerate(worlds):
        card = datasets.create_dataset(owner, project, f"d{number}")
        put(owner, card, {path: CONTENTS[which] for path, which in first.items()})
        if is_frozen:
            datasets.freeze_version(owner, card.id)
        put(owner, card, {path: CONTENTS[which] for path, which in second.items()})
        cards.append(card)
        # Also what a second push replaced before it was frozen is kept aside.
        needed[number] = {sha(CONTENTS[which]) for which in [*first.values(), *second.values()]}
    gone = {number for number in doomed if number < len(cards)}
    remove(owner, [cards[number] for number in gone])
    left = set().union(*(needed[number] for number in needed if number not in gone), set())
    places = list(storage.every_location())
    assert {place.sha256 for place in places} == left | before
    assert all(storage.check_content(place) == "" for place in places)
    for number, card in enumerate(cards):
        assert number in gone or whole(owner, card)
    # After the nightly look no pack holds a byte that none of its contents names.
    storage.flag_gaps()
    storage.rewrite_waiting()
    places = list(storage.every_location())
    assert {place.sha256 for place in places} == left | before
    for key in {place.key for place in places}:
        held = [place for place in places if place.key == key]
        assert storage.store().size(key) == sum(place.byte_count for place in held)
        assert all(storage.check_content(place) == "" for place in held)
    remove(owner, [card for number, card in enumerate(cards) if number not in gone])
    assert {place.sha256 for place in storage.every_location()} == before


def test_a_discard_waits_for_a_commit_that_relies_on_what_lies_here(dataset, put):
    """A push that need not send a content because it lies here already must find it there when it commits."""
    if not bulk.is_postgresql():
        pytest.skip("on SQLite transactions that write exclude each other anyway")
    owner, card = dataset
    put(owner, card, {"a": b"about to go"})
    FileRow.objects.all().delete()
    relies, may_end, steps = threading.Event(), threading.Event(), []

    def commit():
        with transaction.atomic():
            storage.lock([sha(b"about to go")])
            relies.set()
            may_end.wait(20)
            assert storage.locate([sha(b"about to go")])
            steps.append("committed")
        connection.close()

    def discard():
        relies.wait(20)
        with transaction.atomic():
            storage.discard([sha(b"about to go")])
            steps.append("discarded")
        connection.close()

    threads = [threading.Thread(target=commit), threading.Thread(target=discard)]
    for thread in threads:
        thread.start()
    relies.wait(20)
    threads[1].join(0.7)
    assert threads[1].is_alive(), "it did not wait"
    may_end.set()
    for thread in threads:
        thread.join(30)
    assert steps == ["committed", "discarded"]


def test_bytes_of_what_is_destroyed_go_also_where_a_process_died_before_it_removed_them(
    dataset, put, monkeypatch
):
    owner, card = dataset
    put(owner, card, {"a.csv": b"nobody shall find this"})
    (place,) = [one for one in storage.every_location() if one.sha256 == sha(b"nobody shall find this")]
    with monkeypatch.context() as dying:
        dying.setattr(leaving, "drop", lambda _keys: None)  # killed between the commit and the removal
        remove(owner, [card])
    assert storage.store().size(place.key)
    destroying.take_apart(card.id)  # its job is done again, for nobody heard that it ended
    with pytest.raises(ObjectMissingError):
        storage.store().size(place.key)
    assert storage.drop_leaving() == 0
