"""Sealed objects: what comes back is what went in, and no changed byte passes."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tsunagu.core.blobs import ObjectMissingError, new_key, open_store
from tsunagu.core.blobs.chunks import (
    CHUNK,
    NONCE,
    OVERHEAD,
    RECORD,
    SealBrokenError,
    object_key,
    plain_size,
    sealed_size,
)
from tsunagu.core.blobs.sealed import SealedStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tsunagu.core.blobs import BlobStore

KEY = bytes(range(32))
_NEAR = st.sampled_from([0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 7])
_SIZES = st.one_of(_NEAR, st.integers(0, 4 * CHUNK))
_quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def sealed(store: BlobStore) -> SealedStore:
    return SealedStore.of(store, KEY)


@pytest.fixture(scope="module")
def folder() -> Iterator[BlobStore]:
    """One folder for many examples."""
    with tempfile.TemporaryDirectory() as place:
        yield open_store(Path(place).as_uri())


def keep(store: SealedStore, content: bytes) -> str:
    writer = store.create(new_key(), size_hint=len(content))
    os.pwrite(writer.fileno(), content, 0)
    writer.absorb(len(content))
    writer.advance(len(content))
    writer.finish(len(content))
    return writer.key


def read(store: SealedStore, key: str) -> bytes:
    with store.open(key) as reader:
        return b"".join(reader.pieces())


def raw(store: BlobStore, key: str) -> bytearray:
    with store.open(key) as reader:
        return bytearray(b"".join(reader.pieces()))


def put_raw(store: BlobStore, key: str, content: bytes) -> None:
    store.delete(key)
    writer = store.create(key)
    writer.write(content, 0)
    writer.finish(len(content))


@pytest.mark.parametrize("size", [0, 1, CHUNK, CHUNK + 1, 40 * CHUNK + 5])
def test_what_goes_in_comes_out_and_lies_there_encrypted(
    store: BlobStore, sealed: SealedStore, size: int
) -> None:
    content = os.urandom(size)
    key = keep(sealed, content)
    with sealed.open(key) as reader:
        assert b"".join(reader.pieces()) == content
    assert store.size(key) == sealed_size(size)
    assert sealed.size(key) == size
    if size > 32:
        assert content[:32] not in bytes(raw(store, key))


def test_a_read_beyond_the_end_is_refused(sealed: SealedStore) -> None:
    key = keep(sealed, b"x" * 100)
    with pytest.raises(ObjectMissingError):
        sealed.open(key, 50, 51)


@given(size=_SIZES)
def test_sizes_are_told_from_each_other(size: int) -> None:
    assert plain_size(sealed_size(size)) == size


@_quick
@given(size=_SIZES, data=st.data())
def test_any_range_is_that_range(folder: BlobStore, size: int, data: Any) -> None:
    content = os.urandom(size)
    sealed = SealedStore(folder, lambda key: object_key(KEY, key), keeps=data.draw(st.sampled_from([0, 2])))
    key = keep(sealed, content)
    offset = data.draw(st.integers(0, size))
    length = data.draw(st.integers(0, size - offset))
    step = data.draw(st.sampled_from([1 << 20, CHUNK, 1000, 70_000]))
    with sealed.open(key, offset, length) as reader:
        assert reader.size == length
        assert b"".join(reader.pieces(step)) == content[offset : offset + length]


@_quick
@given(cuts=st.lists(_SIZES, max_size=5), size=_SIZES, frees=st.sampled_from(["", "frees"]))
def test_an_upload_in_any_pieces_is_the_whole(
    folder: BlobStore, cuts: list[int], size: int, frees: str
) -> None:
    """Taken up again after each piece from nothing but the offset and the tail, as after a kill."""
    content = os.urandom(size)
    sealed = SealedStore.of(folder, KEY)
    key = new_key()
    writer = sealed.create(key)
    offset = 0
    for end in [*sorted(cut for cut in cuts if cut < size), size]:
        if frees:
            writer.release(offset)
        os.pwrite(writer.fileno(), content[offset:end], offset)
        if frees:
            writer.release(end)
        writer.absorb(end)
        assert writer.read(size, 0) == content[:end]
        if end == size:
            break
        writer.sync()
        offset, tail = end, writer.tail()
        assert len(tail) <= CHUNK + OVERHEAD
        os.pwrite(writer.fileno(), b"lost" * 50_000, offset)  # arrived, never acknowledged
        writer.absorb(offset + 200_000)
        writer.detach()
        writer = sealed.resume(key, offset=offset, tail=tail)
    writer.finish(size)
    with sealed.open(key) as reader:
        assert b"".join(reader.pieces()) == content


@_quick
@given(
    steps=st.lists(
        st.tuples(st.binary(max_size=300), st.integers(1, 900), st.floats(0, 1)), min_size=1, max_size=8
    )
)
def test_writing_anywhere_is_like_writing_into_a_file(
    folder: BlobStore, steps: list[tuple[bytes, int, float]]
) -> None:
    sealed = SealedStore.of(folder, KEY)
    writer, model = sealed.create(new_key()), bytearray()
    for data, times, place in steps:
        block = data * times
        offset = int(len(model) * place)
        model[offset : offset + len(block)] = block
        writer.write(block, offset)
    assert writer.read(len(model), 0) == bytes(model)
    writer.finish(len(model))
    with sealed.open(writer.key) as reader:
        assert b"".join(reader.pieces()) == bytes(model)


def test_a_checkpoint_promises_whole_chunks_only(sealed: SealedStore) -> None:
    content = os.urandom(5 * CHUNK)
    writer = sealed.create(new_key())
    os.pwrite(writer.fileno(), content, 0)
    writer.absorb(3 * CHUNK + 10)
    assert writer.checkpoint(3 * CHUNK + 10) == 3 * CHUNK
    writer.detach()
    writer = sealed.resume(writer.key, offset=3 * CHUNK)
    os.pwrite(writer.fileno(), content[3 * CHUNK :], 3 * CHUNK)
    writer.absorb(5 * CHUNK)
    writer.finish(5 * CHUNK)
    with sealed.open(writer.key) as reader:
        assert b"".join(reader.pieces()) == content


def test_an_unfinished_end_that_is_lost_or_changed_is_noticed(sealed: SealedStore) -> None:
    writer = sealed.create(new_key())
    os.pwrite(writer.fileno(), b"y" * 100, 0)
    writer.absorb(100)
    writer.sync()
    tail = writer.tail()
    writer.detach()
    for wrong in (b"", tail[:-1] + bytes([tail[-1] ^ 1])):
        with pytest.raises(SealBrokenError):
            sealed.resume(writer.key, offset=100, tail=wrong)


@_quick
@given(data=st.data(), size=st.integers(1, 3 * CHUNK))
def test_no_changed_bit_passes(folder: BlobStore, data: Any, size: int) -> None:
    sealed = SealedStore.of(folder, KEY)
    key = keep(sealed, os.urandom(size))
    stored = raw(folder, key)
    place = data.draw(st.integers(0, len(stored) - 1))
    stored[place] ^= 1 << data.draw(st.integers(0, 7))
    put_raw(folder, key, bytes(stored))
    with pytest.raises(SealBrokenError) as caught, sealed.open(key) as reader:
        b"".join(reader.pieces())
    assert caught.value.fields["chunk"] == place // RECORD


def test_chunks_and_objects_cannot_be_swapped_dropped_or_added(store: BlobStore, sealed: SealedStore) -> None:
    first, other = (keep(sealed, os.urandom(4 * CHUNK)) for _ in range(2))
    whole = bytes(raw(store, first))
    records = [whole[n * RECORD : (n + 1) * RECORD] for n in range(4)]
    attacks = {
        "swapped": records[1] + records[0] + records[2] + records[3],
        "dropped at the end": b"".join(records[:3]),
        "dropped in the middle": records[0] + records[2] + records[3],
        "doubled at the end": whole + records[3],
        "cut within a chunk": whole[:-1],
        "cut to a tag": whole[: 3 * RECORD + OVERHEAD],
        "another object": bytes(raw(store, other)),
    }
    for name, forged in attacks.items():
        put_raw(store, first, forged)
        print(name)
        with pytest.raises(SealBrokenError):
            read(sealed, first)


def test_an_older_object_under_the_name_of_a_newer_one_is_refused(
    store: BlobStore, sealed: SealedStore
) -> None:
    old, new = keep(sealed, b"old result"), keep(sealed, b"new result")
    put_raw(store, new, bytes(raw(store, old)))
    with pytest.raises(SealBrokenError), sealed.open(new) as reader:
        reader.read()


def test_another_domains_key_opens_nothing(store: BlobStore, sealed: SealedStore) -> None:
    key = keep(sealed, b"of this domain")
    stranger = SealedStore.of(store, bytes(32))
    with pytest.raises(SealBrokenError), stranger.open(key) as reader:
        reader.read()
    one = SealedStore(store, lambda _key: object_key(KEY, key))
    with one.open(key) as reader:
        assert reader.read() == b"of this domain"


def test_no_pair_of_key_and_nonce_is_used_twice(store: BlobStore, sealed: SealedStore) -> None:
    """Also where a chunk is encrypted again: patched, or taken up after a kill."""
    seen: set[tuple[bytes, bytes]] = set()
    count = 0

    def look(key: str, content: bytes) -> None:
        nonlocal count
        for start in range(0, len(content), RECORD):
            record = content[start : start + RECORD]
            if any(record):
                seen.add((object_key(KEY, key), bytes(record[:NONCE])))
                count += 1

    for _ in range(20):
        writer = sealed.create(new_key())
        writer.write(bytes(8 * CHUNK), 0)
        before = os.pread(writer.fileno(), 1, 0)  # the memory behind it was given back
        assert before in {b"", b"\0"}
        writer.sync()
        tail = writer.tail()
        seen.add((object_key(KEY, writer.key), tail[:NONCE]))
        count += 1
        for _ in range(3):
            writer.write(b"again", CHUNK + 5)
        writer.detach()
        writer = sealed.resume(writer.key, offset=8 * CHUNK, tail=tail)
        writer.write(bytes(CHUNK), 8 * CHUNK)
        writer.finish(9 * CHUNK)
        look(writer.key, bytes(raw(store, writer.key)))
    assert len(seen) == count


def test_no_plain_byte_reaches_the_disk_while_writing(tmp_path: Path) -> None:
    store = open_store((tmp_path / "objects").as_uri())
    mark = b"no one may read this sentence on a disk. "
    writer = SealedStore.of(store, KEY).create(new_key())
    os.pwrite(writer.fileno(), mark * 10_000, 0)
    writer.absorb(len(mark) * 10_000)
    writer.sync()
    kept = writer.tail()
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert mark not in path.read_bytes()
    assert mark not in kept
    writer.abort()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@_quick
@given(places=st.lists(st.tuples(st.integers(0, 5 * CHUNK), st.integers(0, 9000)), max_size=20))
def test_chunks_that_are_kept_are_the_right_ones(folder: BlobStore, places: list[tuple[int, int]]) -> None:
    content = os.urandom(5 * CHUNK + 9000)
    sealed = SealedStore(folder, lambda key: object_key(KEY, key), keeps=2)
    key = keep(sealed, content)
    for offset, length in places:
        with sealed.open(key, offset, length) as reader:
            assert reader.fileno() is None
            assert b"".join(reader.pieces(100)) == content[offset : offset + length]
    with pytest.raises(ObjectMissingError):
        sealed.open(key, len(content) - 10, 11)
