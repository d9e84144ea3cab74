"""Copies in a second store, reading everything again, repair from whichever copy is right."""

from __future__ import annotations

import datetime as dt
import os

import pytest

from tsunagu.core.errors import UnavailableError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.keeping import api as keeping
from tsunagu.data.keeping import tasks
from tsunagu.foundation.ledger import api as ledger
from tsunagu.foundation.runs import api as runs
from tsunagu.foundation.storage import api as storage
from tsunagu.foundation.storage import replicas
from tsunagu.foundation.storage.models import ObjectCare, StoredObject

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def second(tmp_path, configure):
    """A second store in a folder."""
    configure(replica_url=(tmp_path / "second").as_uri())
    replicas.replica_store.cache_clear()
    yield replicas.replica_store()
    replicas.replica_store.cache_clear()


def flip(store, key, at=0):
    content = bytearray(store.open(key).read())
    content[at] ^= 1
    store.delete(key)
    writer = store.create(key)
    os.write(writer.fileno(), content)
    writer.finish(len(content))


def fill(dataset, put):
    owner, card = dataset
    put(owner, card, {"a.txt": b"first", "b.txt": b"second"})
    (key,) = {place.key for place in storage.every_location()}
    return owner, datasets.get_dataset(owner, "lab", "data"), key


def test_copies_follow_and_are_counted(second, dataset, put):
    owner, card, key = fill(dataset, put)
    stands = storage.behind()
    assert (stands.waiting_count, stands.waiting_bytes) == (1, 11)
    assert keeping.keeping_of(owner, card).copies == "waiting"
    assert storage.copy_waiting(most_bytes=1 << 40) == (1, 11)
    assert storage.copy_waiting(most_bytes=1 << 40) == (0, 0)
    assert second.open(key).read() == b"firstsecond"
    assert storage.behind().waiting_count == 0
    assert keeping.keeping_of(owner, card).copies == "all"


def test_a_copy_that_was_cut_off_is_made_anew(second, dataset, put, monkeypatch):
    _, _, key = fill(dataset, put)
    second.local_path(key).parent.mkdir(parents=True)
    second.local_path(key).write_bytes(b"fir")
    assert storage.copy_waiting(most_bytes=1 << 40)[0] == 1
    assert second.open(key).read() == b"firstsecond"


def test_a_second_store_that_is_down_stops_nothing(second, dataset, put, monkeypatch):
    fill(dataset, put)

    def down(*_arguments, **_more):
        raise UnavailableError("down")

    monkeypatch.setattr(second, "create", down)
    tasks.copy_waiting.call()
    assert storage.behind().waiting_count == 1


def test_damage_is_found_located_and_repaired_from_the_copy(second, dataset, put):
    owner, card, key = fill(dataset, put)
    storage.copy_waiting(most_bytes=1 << 40)
    flip(storage.store(), key)
    assert len(datasets.verify(owner, card, after='["bytes", ["", 0, 0]]').problems) == 1
    (found,) = list(keeping.scrub(everything=True))
    assert found.repaired_from == "replica"
    assert datasets.verify(owner, card, after='["bytes", ["", 0, 0]]').problems == []
    (place, _) = storage.every_location()
    assert place.key != key
    assert second.open(place.key).read() == b"firstsecond"  # the new object has its copy at once
    run = runs.of_dataset(card.id)[0]
    assert (run.kind, run.outcome, run.parameters["paths"]) == ("repair", "ok", ["a.txt"])
    assert list(keeping.scrub()) == []
    assert storage.sweep_replica(older_than_s=-1) == 1
    assert storage.checkup().read_since
    assert ledger.verify().problems == []


def test_damage_without_a_right_copy_is_said_plainly(second, dataset, put):
    _, card, key = fill(dataset, put)
    storage.copy_waiting(most_bytes=1 << 40)
    flip(storage.store(), key)
    flip(second, key)
    (found,) = list(keeping.scrub(everything=True))
    assert found.repaired_from == ""
    assert "damaged too" in found.problem
    run = runs.of_dataset(card.id)[0]
    assert (run.kind, run.outcome) == ("repair", "failed")
    assert storage.checkup().damaged_keys == (key,)
    assert StoredObject.objects.get().key == key


def test_damage_without_any_copy_is_said_plainly(dataset, put):
    _, _, key = fill(dataset, put)
    flip(storage.store(), key)
    (found,) = list(keeping.scrub(everything=True))
    assert "no copy" in found.problem


def test_a_damaged_copy_is_made_anew(second, dataset, put):
    _, _, key = fill(dataset, put)
    storage.copy_waiting(most_bytes=1 << 40)
    flip(second, key)
    (found,) = list(keeping.scrub(everything=True))
    assert found.repaired_from == "store"
    assert second.open(key).read() == b"firstsecond"
    assert [one.problem for one in keeping.scrub(everything=True)] == [""]


def test_everything_is_read_within_the_days_of_the_setting(at, dataset, put):
    fill(dataset, put)
    assert len(list(keeping.scrub())) == 1
    assert list(keeping.scrub()) == []
    at(dt.datetime(2027, 4, 29, 9, tzinfo=dt.UTC))
    assert list(keeping.scrub()) == []
    at(dt.datetime(2027, 5, 1, 9, tzinfo=dt.UTC))
    assert len(list(keeping.scrub())) == 1
    assert ObjectCare.objects.get().scrubbed_at == dt.datetime(2027, 5, 1, 9, tzinfo=dt.UTC)


def test_a_destroyed_dataset_goes_from_the_second_store_too(second, dataset, put):
    from tsunagu.data.keeping import destroying

    owner, card, key = fill(dataset, put)
    storage.copy_waiting(most_bytes=1 << 40)
    keeping.destroy(owner, card, reason="a test")
    destroying.take_apart(card.id)
    assert key not in {found.key for found in second.list()}


def test_nothing_goes_while_a_backup_reads_and_the_sweep_comes_later(dataset, put, configure):
    from tsunagu.core import removal
    from tsunagu.core import settings as node_settings
    from tsunagu.data.keeping import destroying
    from tsunagu.doors import upkeep

    owner, card, key = fill(dataset, put)
    keeping.destroy(owner, card, reason="a test")
    with removal.forbidden(node_settings.current().home):
        destroying.take_apart(card.id)
        configure(sweep_age_s=0)
        assert upkeep.sweep_now() == 0
        assert storage.store().size(key) == 11
    assert upkeep.sweep_now() >= 1
    assert key not in {found.key for found in storage.store().list()}


def test_what_is_right_in_either_copy_is_put_together(second, dataset, put):
    """The store has one file of a pack wrong, its copy another one: nothing is lost."""
    owner, card, key = fill(dataset, put)
    storage.copy_waiting(most_bytes=1 << 40)
    flip(storage.store(), key)
    flip(second, key, at=-1)
    (found,) = list(keeping.scrub(everything=True))
    assert found.repaired_from == "replica"
    assert datasets.verify(owner, card, after='["bytes", ["", 0, 0]]').problems == []


def test_damage_that_could_not_be_repaired_is_tried_again(second, dataset, put, monkeypatch):
    _, _, key = fill(dataset, put)
    storage.copy_waiting(most_bytes=1 << 40)
    flip(storage.store(), key)

    def down(*_arguments, **_more):
        raise UnavailableError("down")

    with monkeypatch.context() as broken:
        for name in ("open", "create"):
            broken.setattr(second, name, down)
        (found,) = list(keeping.scrub())
        assert "does not answer" in found.problem
    (found,) = list(keeping.scrub())
    assert found.repaired_from == "replica"
    assert storage.checkup().damaged_keys == ()


def test_an_object_that_cannot_be_read_keeps_no_other_from_being_copied(second, dataset, put):
    owner, card, key = fill(dataset, put)
    put(owner, card, {"c.txt": b"third"})
    storage.store().delete(key)
    assert storage.copy_waiting(most_bytes=1 << 40) == (1, 5)
    assert storage.behind().waiting_count == 1
