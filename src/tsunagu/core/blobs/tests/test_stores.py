from __future__ import annotations

import errno
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tsunagu.core.blobs import BlobStore, ObjectMissingError, is_key, new_key, open_store
from tsunagu.core.blobs import local as local_module
from tsunagu.core.blobs.ascent import PART, part_size
from tsunagu.core.errors import InvalidInputError, StorageFullError, TsunaguError, UnavailableError

if TYPE_CHECKING:
    from pathlib import Path


def put(store: BlobStore, data: bytes, key: str = "") -> str:
    writer = store.create(key or new_key())
    os.pwrite(writer.fileno(), data, 0)
    writer.advance(len(data))
    writer.finish(len(data))
    return writer.key


def read(store: BlobStore, key: str, offset: int = 0, length: int | None = None) -> bytes:
    with store.open(key, offset, length) as reader:
        return b"".join(reader.pieces())


@pytest.mark.parametrize("size", [0, 1, 5000, PART, 3 * PART + 17])
def test_what_is_written_is_read(store: BlobStore, size: int) -> None:
    data = os.urandom(size)
    key = put(store, data)
    assert store.size(key) == size
    assert read(store, key) == data
    assert [(found.key, found.size) for found in store.list()] == [(key, size)]


def test_parts_of_an_object(store: BlobStore) -> None:
    data = os.urandom(3_000_000)
    key = put(store, data)
    for offset, length in [(0, 0), (0, 1), (5, 2_500_000), (2_999_999, 1), (3_000_000, 0)]:
        assert read(store, key, offset, length) == data[offset : offset + length]
    assert read(store, key, 2_000_000) == data[2_000_000:]
    with store.open(key, 10, 20) as reader:
        assert (reader.size, reader.read(5), reader.read(), reader.read(1)) == (
            20,
            data[10:15],
            data[15:30],
            b"",
        )
    for offset, length in [(0, 3_000_001), (2_999_999, 2), (5_000_000, 1)]:
        with pytest.raises(ObjectMissingError):
            read(store, key, offset, length)


def test_what_is_not_there(store: BlobStore) -> None:
    key = new_key()
    for ask in (store.size, store.open, store.resume):
        with pytest.raises(ObjectMissingError):
            ask(key)
    store.delete(key)
    for bad in ["", "x", "../../etc/passwd", "00/x", f"{key}/x", f"/{key}", key.lower()]:
        assert not is_key(bad)
        for act in (store.size, store.open, store.resume, store.create, store.delete, store.local_path):
            with pytest.raises(ObjectMissingError):
                act(bad)


def test_delete_and_abort_leave_nothing(store: BlobStore) -> None:
    key = put(store, b"x" * 10)
    store.delete(key)
    with pytest.raises(ObjectMissingError):
        store.size(key)
    writer = store.create(new_key())
    os.pwrite(writer.fileno(), bytes(3 * PART), 0)
    writer.advance(3 * PART)
    writer.abort()
    writer.abort()
    assert not list(store.list())


def test_an_object_can_be_taken_up_again(store: BlobStore) -> None:
    data = os.urandom(2 * PART + 5)
    key = new_key()
    writer = store.create(key, size_hint=len(data))
    os.pwrite(writer.fileno(), data[:PART], 0)
    writer.advance(PART)
    writer.sync()
    writer.detach()
    assert [found.key for found in store.list()] == [key], "an unfinished object is seen by the sweep"
    writer = store.resume(key)
    os.pwrite(writer.fileno(), data[PART:], PART)
    writer.advance(len(data))
    writer.finish(len(data))
    assert read(store, key) == data


def test_bytes_that_were_named_can_be_taken_back(store: BlobStore) -> None:
    data = os.urandom(3 * PART)
    writer = store.create(new_key())
    os.pwrite(writer.fileno(), bytes(3 * PART), 0)
    writer.advance(3 * PART)
    writer.rewind(PART // 2)
    os.pwrite(writer.fileno(), data, 0)
    writer.advance(3 * PART)
    writer.finish(len(data))
    assert read(store, writer.key) == data


def test_listing_by_prefix_and_age(store: BlobStore) -> None:
    keys = {put(store, b"x", f"{number:02x}/{new_key()[3:]}") for number in range(20)}
    assert {found.key for found in store.list()} == keys
    assert {found.key for found in store.list("0a")} == {key for key in keys if key.startswith("0a")}
    one = min(keys)
    assert [found.key for found in store.list(one[:12])] == [key for key in keys if key.startswith(one[:12])]
    assert not list(store.list(older_than_s=3600))


def test_the_check_finds_a_store_that_works(store: BlobStore) -> None:
    store.check()
    assert not list(store.list())


def test_the_folder_is_readable_by_path(tmp_path: Path) -> None:
    store = open_store(tmp_path.as_uri())
    path = store.local_path(put(store, b"12345"))
    assert path is not None
    assert path.read_bytes() == b"12345"


def test_a_key_is_written_once(tmp_path: Path) -> None:
    store = open_store(tmp_path.as_uri())
    key = put(store, b"first")
    with pytest.raises(TsunaguError):
        store.create(key)
    assert read(store, key) == b"first"


def test_a_failed_fsync_drops_the_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(tmp_path.as_uri())
    for number, kind in [(errno.EIO, UnavailableError), (errno.ENOSPC, StorageFullError)]:
        writer = store.create(new_key())
        os.write(writer.fileno(), b"x")

        def fail(_handle: int, number: int = number) -> None:
            raise OSError(number, os.strerror(number))

        with monkeypatch.context() as patch:
            patch.setattr(local_module.os, "fsync", fail)
            with pytest.raises(kind):
                writer.finish(1)
        assert not list(store.list())


def test_addresses_that_lead_nowhere(tmp_path: Path) -> None:
    for url in ["http://x", "/plain/path", "ftp://x/y", "s3:///no-bucket"]:
        with pytest.raises(InvalidInputError):
            open_store(url)
    (tmp_path / "file").write_text("")
    with pytest.raises(UnavailableError):
        open_store((tmp_path / "file").as_uri()).check()
    lost = open_store(
        "s3://b/p?endpoint=http://127.0.0.1:9", options={"access_key_id": "a", "secret_access_key": "b"}
    )
    with pytest.raises(InvalidInputError, match="spool"):
        lost.create(new_key())


def test_parts_stay_below_the_limit_of_s3() -> None:
    for size in [0, 1, 80 << 30, 1 << 40, 5 << 40]:
        assert part_size(size) >= PART
        assert part_size(size) * 9_000 >= size


def test_a_folder_loads_no_s3_client() -> None:
    code = "import sys; from tsunagu.core.blobs import open_store; open_store('file:///tmp'); print('obstore' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout.strip() == b"False"


@pytest.mark.servers
def test_what_a_dead_process_left_in_the_bucket(s3_store: BlobStore, s3_client: Any, bucket: str) -> None:
    key = new_key()
    full = f"{urlsplit(s3_store.url).path.strip('/')}/{key}"
    s3_client.create_multipart_upload(Bucket=bucket, Key=full)
    assert [found.key for found in s3_store.list()] == [key]
    s3_store.delete(key)
    assert not list(s3_store.list())
    assert "Uploads" not in s3_client.list_multipart_uploads(Bucket=bucket, Prefix=full)


@pytest.mark.servers
def test_parts_go_up_before_the_end(s3_store: BlobStore, s3_client: Any, bucket: str) -> None:
    import time

    data = os.urandom(4 * PART)
    writer = s3_store.create(new_key())
    prefix = urlsplit(s3_store.url).path.strip("/")
    os.pwrite(writer.fileno(), data, 0)
    writer.advance(3 * PART)
    deadline = time.monotonic() + 10
    while "Uploads" not in s3_client.list_multipart_uploads(Bucket=bucket, Prefix=prefix):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    writer.finish(len(data))
    assert s3_client.get_object(Bucket=bucket, Key=f"{prefix}/{writer.key}")["Body"].read() == data
    assert "Uploads" not in s3_client.list_multipart_uploads(Bucket=bucket, Prefix=prefix)
