"""The keys of sealed datasets: durable, wrapped, rotated without touching bytes, destroyed for ever."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsunagu.core.ids import new_id
from tsunagu.foundation.storage import api as storage
from tsunagu.foundation.storage import keys
from tsunagu.foundation.storage.keys import FileWrapper, KeyRing


@pytest.fixture
def ring(tmp_path):
    return KeyRing(tmp_path / "keys", FileWrapper(tmp_path / "secrets"))


def everything_in(folder):
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


def test_a_key_is_made_once_and_lies_wrapped_for_its_owner_alone(ring, tmp_path):
    domain = new_id()
    fingerprint = ring.create(domain)
    key = ring.data_key(domain)
    assert ring.create(domain) == fingerprint
    assert ring.data_key(domain) == key
    assert key not in everything_in(tmp_path)
    assert key.hex().encode() not in everything_in(tmp_path)
    for file in tmp_path.rglob("*"):
        assert file.stat().st_mode & 0o077 == 0 or file.is_dir()


def test_rotation_wraps_anew_and_retires_the_old_key(ring, tmp_path):
    domains = [new_id() for _ in range(3)]
    for domain in domains:
        ring.create(domain)
    before = {domain: ring.data_key(domain) for domain in domains}
    wrapped = (tmp_path / "keys" / f"{domains[0]}.json").read_text()
    old = {file.name for file in (tmp_path / "secrets").iterdir()}
    assert ring.rotate() == 3
    assert {domain: ring.data_key(domain) for domain in domains} == before
    assert (tmp_path / "keys" / f"{domains[0]}.json").read_text() != wrapped
    assert not old & {file.name for file in (tmp_path / "secrets").iterdir()}


def test_a_destroyed_key_is_nowhere_and_says_who_and_why(ring, tmp_path):
    domain, run = new_id(), new_id()
    fingerprint = ring.create(domain)
    wrapped = json.loads((tmp_path / "keys" / f"{domain}.json").read_text())["wrapped"]
    stone = ring.destroy(domain, by="Hanako", reason="consent withdrawn", run=run)
    assert (stone.fingerprint, stone.by, stone.run) == (fingerprint, "Hanako", run)
    assert wrapped.encode() not in everything_in(tmp_path)
    for ask in (ring.data_key, ring.require, ring.create):
        with pytest.raises(storage.KeyDestroyedError, match="by Hanako: consent withdrawn"):
            ask(domain)
    assert ring.destroy(domain, by="somebody", reason="else", run=new_id()) == stone
    ring.rotate()
    assert list(ring.domains()) == []
    assert ring.tombstone(domain) == stone


@pytest.mark.parametrize("step", ["write_durably", "destroy_file"])
def test_a_destruction_that_was_killed_is_finished_by_the_next(ring, tmp_path, monkeypatch, step):
    domain = new_id()
    ring.create(domain)
    wrapped = json.loads((tmp_path / "keys" / f"{domain}.json").read_text())["wrapped"].encode()

    def die(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(keys, step, die)
        with pytest.raises(KeyboardInterrupt):
            ring.destroy(domain, by="A", reason="r", run=new_id())
    if step == "destroy_file":
        assert ring.tombstone(domain), "from the tombstone on it counts as destroyed"
    ring.destroy(domain, by="B", reason="r", run=new_id())
    assert wrapped not in everything_in(tmp_path)


def test_other_secrets_or_a_changed_file_open_nothing(ring, tmp_path):
    one, two = new_id(), new_id()
    ring.create(one)
    ring.create(two)
    stranger = KeyRing(tmp_path / "keys", FileWrapper(tmp_path / "elsewhere"))
    with pytest.raises(storage.KeyMissingError):
        stranger.data_key(one)
    file = tmp_path / "keys" / f"{one}.json"
    said = json.loads((tmp_path / "keys" / f"{two}.json").read_text())
    file.write_text(json.dumps({**said, "domain": one}))
    with pytest.raises(storage.KeyMissingError):
        ring.data_key(one)
    with pytest.raises(storage.KeyMissingError):
        ring.data_key(new_id())
    with pytest.raises(ValueError, match="ULID"):
        ring.create("../../etc")


def test_a_copy_of_keys_forgets_with_the_original(ring, tmp_path):
    kept, gone = new_id(), new_id()
    ring.create(kept)
    ring.create(gone)
    copy = tmp_path / "copy"
    assert storage.copy_keys(ring.folder, copy) == 2
    wrapped = json.loads((copy / f"{gone}.json").read_text())["wrapped"].encode()
    ring.destroy(gone, by="A", reason="r", run=new_id())
    assert storage.copy_keys(ring.folder, copy) == 1
    assert wrapped not in everything_in(copy)
    assert KeyRing(copy, FileWrapper(tmp_path / "secrets")).data_key(kept) == ring.data_key(kept)


@settings(max_examples=50)
@given(st.binary(min_size=32, max_size=32), st.text(max_size=26), st.text(max_size=26))
def test_a_content_has_another_name_in_every_domain(sha256, one, two):
    assert storage.content_name(sha256, "") == sha256
    assert (storage.content_name(sha256, one) == storage.content_name(sha256, two)) == (one == two)
