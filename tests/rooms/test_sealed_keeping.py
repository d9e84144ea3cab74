"""Where sealing and keeping meet: what is sealed is destroyed, retained, read again and repaired like the rest."""

from __future__ import annotations

import datetime as dt
import os

import pytest

from tests.rooms.test_sealing import again, content_of, holds_plain, seal_whole, sha
from tsunagu.core import clock
from tsunagu.core.blobs import open_store
from tsunagu.data.datasets import api as datasets
from tsunagu.data.keeping import api as keeping
from tsunagu.data.keeping import destroying
from tsunagu.foundation.storage import api as storage
from tsunagu.foundation.storage import replicas, stores
from tsunagu.foundation.storage.models import Content, ObjectCare, StoredObject
from tsunagu.foundation.storage.stores import store

pytestmark = pytest.mark.django_db


@pytest.fixture
def second(tmp_path, configure):
    """A second store in another folder."""
    configure(replica_url=(tmp_path / "second").as_uri())
    stores.replica_store.cache_clear()
    yield open_store((tmp_path / "second").as_uri())
    stores.replica_store.cache_clear()


@pytest.fixture
def sealed(dataset, put):
    owner, card = dataset
    put(owner, card, {"a": b"a secret of the patient", "b": b"another secret"})
    datasets.freeze_version(owner, card.id)
    return owner, seal_whole(owner, card)


def test_destroying_a_sealed_dataset_destroys_its_key_and_its_objects(
    sealed, django_capture_on_commit_callbacks
):
    owner, card = sealed
    keys = set(StoredObject.objects.filter(domain=card.id).values_list("key", flat=True))
    assert keys
    with django_capture_on_commit_callbacks(execute=True):
        stone = keeping.destroy(owner, card, reason="consent withdrawn")
    destroyed = storage.key_ring().tombstone(card.id)
    assert destroyed.run == stone.run_id
    assert destroyed.reason == "consent withdrawn"
    with django_capture_on_commit_callbacks(execute=True):
        destroying.take_apart(card.id)
    assert not StoredObject.objects.exists()
    assert not keys & {one.key for one in store().list()}


def test_a_key_that_was_left_by_a_kill_goes_with_the_rest(sealed):
    owner, card = sealed
    keeping.destroy(owner, card, reason="consent withdrawn")  # and nothing after the commit happened
    assert storage.key_ring().tombstone(card.id) is None
    destroying.take_apart(card.id)
    assert storage.key_ring().tombstone(card.id) is not None


def test_plain_bytes_go_when_only_a_sealed_dataset_names_them(
    dataset, put, django_capture_on_commit_callbacks
):
    owner, card = dataset
    other = datasets.create_dataset(owner, "lab", "open")
    same = os.urandom(40)  # in S3 lies what other tests left
    put(owner, card, {"a": same})
    put(owner, other, {"a": same})
    card = seal_whole(owner, card)
    assert holds_plain(same), "the open dataset needs them"
    with django_capture_on_commit_callbacks(execute=True):
        keeping.destroy(owner, again(owner, other), reason="sent by mistake")
        destroying.take_apart(other.id)
    assert not holds_plain(same)
    assert content_of(card, sha(same)) == same


def test_damage_of_a_sealed_object_is_found_and_repaired_from_its_copy(sealed, second):
    _owner, card = sealed
    replicas.copy_waiting(most_bytes=1 << 40)
    row = StoredObject.objects.get(domain=card.id)
    with store().open(row.key) as reader:
        damaged = bytearray(b"".join(reader.pieces()))
    damaged[20] ^= 1
    store().delete(row.key)
    writer = store().create(row.key)
    writer.write(bytes(damaged), 0)
    writer.finish(len(damaged))
    found = [one for one in storage.scrub(due_before=clock.now(), most_bytes=1 << 40) if one.problem]
    assert [(one.repaired_from, one.domain) for one in found] == [("replica", card.id)]
    assert content_of(card, sha(b"another secret")) == b"another secret"
    assert not holds_plain(b"another secret")
    assert not [one for one in storage.scrub(due_before=clock.now(), most_bytes=1 << 40) if one.problem]
    assert all(b"secret" not in b"".join(second.open(one.key).pieces()) for one in second.list())


def test_plain_copies_go_from_the_second_store_too(dataset, put, second, django_capture_on_commit_callbacks):
    owner, card = dataset
    put(owner, card, {"a": b"a secret in two places"})
    replicas.copy_waiting(most_bytes=1 << 40)
    with django_capture_on_commit_callbacks(execute=True):
        seal_whole(owner, card)
    assert not [one for one in second.list() if b"two places" in b"".join(second.open(one.key).pieces())]


def test_what_is_locked_plain_is_not_called_sealed(dataset, put):
    owner, card = dataset
    put(owner, card, {"a": b"kept for ten years"})
    datasets.freeze_version(owner, card.id)
    row = StoredObject.objects.get()
    ObjectCare.objects.create(object=row, locked_until=clock.now() + dt.timedelta(days=3650))
    with pytest.raises(datasets.LockedBytesError):
        datasets.seal(owner, card.id)
    assert again(owner, card).key_domain == ""


def test_a_sealed_dataset_is_retained_like_any_other(sealed):
    owner, card = sealed
    keeping.retain(owner, card, until="2099-03-31")
    with pytest.raises(Exception, match="2099") as refused:
        keeping.destroy(owner, again(owner, card), reason="x")
    assert refused.value.status in {403, 409}
    with pytest.raises(Exception, match="2099"):
        datasets.shred(owner, card.id, confirm=card.slug, reason="x")
    assert Content.objects.exists()
    assert storage.key_ring().tombstone(card.id) is None
