"""What is particular to sealed uploads: nothing lies plain, memory stays bounded, a kill costs less than a chunk."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tsunagu.core.blobs.chunks import CHUNK, sealed_size
from tsunagu.core.ids import new_id
from tsunagu.dataplane.tests.kit import ByteNode, bundle, path_of, tus_headers
from tsunagu.dataplane.tests.test_tus import OCTETS, create, head, patch

if TYPE_CHECKING:
    from collections.abc import Iterator

MARK = b"nobody may find this on a disk. "


@pytest.fixture
def sealed(tmp_path: Path) -> Iterator[ByteNode]:
    node = ByteNode(tmp_path / "node", is_sealed=True)
    node.start()
    yield node
    node.close()


def plain_files(node: ByteNode) -> list[str]:
    return [str(file) for file in node.home.rglob("*") if file.is_file() and MARK in file.read_bytes()]


def test_no_way_in_leaves_plain_bytes(sealed: ByteNode) -> None:
    data = MARK * 9_000
    place = path_of(create(sealed, "half/done", len(data)).headers["Location"])
    assert patch(sealed, place, 0, data[:200_001]).status == 204
    assert not plain_files(sealed), "neither the object nor the state of the upload"
    assert sealed.send_bundle(bundle([("a", MARK), ("b", data)])).status == 201
    assert sealed.send_bundle(bundle([("broken", data)])[:-9]).status == 422
    form = (
        b'--x\r\nContent-Disposition: form-data; name="capability"\r\n\r\n'
        + sealed.token().encode()
        + b"\r\n"
        b'--x\r\nContent-Disposition: form-data; name="files"; filename="f.txt"\r\n\r\n'
        + data * 3
        + b"\r\n--x--\r\n"
    )
    answer = sealed.ask("POST", "/form", form, Content_Type="multipart/form-data; boundary=x")
    assert answer.status == 303
    assert sealed.content("f.txt") == data * 3
    assert sealed.content("b") == data
    assert not plain_files(sealed)
    size, _, key, _ = sealed.control.rows()["f.txt"]
    assert sealed.control.objects[key]["object"]["size"] == sealed.store.size(key) > size
    assert sealed.control.objects[key]["object"]["domain"] == sealed.dataset


@pytest.mark.parametrize("first", [1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 1_234_567])
def test_a_kill_after_an_acknowledged_piece_loses_nothing(sealed: ByteNode, first: int) -> None:
    data = os.urandom(2_000_000)
    place = path_of(create(sealed, "killed", len(data)).headers["Location"])
    assert patch(sealed, place, 0, data[:first]).status == 204
    sealed.kill()
    sealed.start()
    assert head(sealed, place).headers["Upload-Offset"] == str(first)
    answer = patch(sealed, place, first, data[first:])
    assert answer.headers["Tsunagu-Sha256"] == hashlib.sha256(data).hexdigest()
    assert sealed.content("killed") == data


def test_a_refused_piece_leaves_what_was_there(sealed: ByteNode) -> None:
    """A wrong checksum drops a body whose chunks were encrypted already, over the end of the one before."""
    data = os.urandom(900_000)
    place = path_of(create(sealed, "refused", len(data)).headers["Location"])
    assert patch(sealed, place, 0, data[:100_000]).status == 204
    wrong = "sha256 " + "A" * 43 + "="
    assert patch(sealed, place, 100_000, os.urandom(500_000), Upload_Checksum=wrong).status == 460
    assert head(sealed, place).headers["Upload-Offset"] == "100000"
    assert patch(sealed, place, 100_000, data[100_000:]).status == 204
    assert sealed.content("refused") == data


def test_an_upload_begun_plain_does_not_go_on_sealed(sealed: ByteNode) -> None:
    plain = sealed.signer.sign("push", lifetime_s=60, run=sealed.run, ds=sealed.dataset, max=None)
    headers = tus_headers(plain, Upload_Length="10", Upload_Metadata="path YQ==")
    place = path_of(sealed.ask("POST", "/tus", **headers).headers["Location"])
    first = sealed.ask("PATCH", place, b"12345", **tus_headers(plain, Upload_Offset="0", Content_Type=OCTETS))
    assert first.status == 204
    assert sealed.stored_keys()
    assert patch(sealed, place, 5, b"67890").status == 404
    assert not sealed.stored_keys(), "what lay there plain is gone"


def test_keys_hidden_for_one_thing_open_no_other(sealed: ByteNode) -> None:
    sealed.send_bundle(bundle([("one", b"1"), ("two", b"2")]))
    sealed.send_bundle(bundle([("other", b"3")]))
    good = sealed.get_token("one")
    assert sealed.ask("GET", f"/o/{good}/one").body == b"1"
    _, _, other, _ = sealed.control.rows()["other"]
    mixed = sealed.get_token("one", sk=sealed.hidden(other))
    assert sealed.ask("GET", f"/o/{mixed}/one").status == 401
    pushed = sealed.token(dk=sealed.carrier.hide(sealed.data_key, f"push {new_id()} {sealed.dataset}"))
    headers = {"Authorization": f"Bearer {pushed}", "Content_Type": "application/x-tar"}
    assert sealed.ask("POST", "/bundles", b"", **headers).status == 401
    sealed.carrier.renew()
    assert sealed.ask("GET", f"/o/{good}/one").status == 401, "what was hidden before opens nothing"
    assert sealed.ask("GET", f"/o/{sealed.get_token('one')}/one").body == b"1"


@pytest.mark.crash
def test_memory_stays_bounded_and_a_checkpoint_survives(sealed: ByteNode) -> None:
    """600 MiB in one request, killed on the way: the offset that is told is one that is really there."""
    size = 600 << 20
    piece = os.urandom(1 << 20)
    place = path_of(create(sealed, "big", size).headers["Location"])
    stop, most = threading.Event(), [0]
    watcher = threading.Thread(target=_watch, args=(sealed, stop, most))
    watcher.start()
    _send(sealed, place, 0, size, piece, until=450 << 20)
    time.sleep(0.5)
    sealed.kill()
    stop.set()
    watcher.join()
    assert 0 < most[0] <= 32 << 20, "plain bytes in memory"
    sealed.start()
    offset = int(head(sealed, place).headers["Upload-Offset"])
    assert offset >= 256 << 20
    assert offset % CHUNK == 0
    _send(sealed, place, offset, size, piece, until=size)
    sealed_length, sha256, key, _ = sealed.control.rows()["big"]
    assert sealed_length == size
    whole = hashlib.sha256()
    for _ in range(600):
        whole.update(piece)
    assert sha256 == whole.hexdigest()
    assert sealed.store.size(key) == sealed_size(size)
    with sealed.reading().open(key, size - 100, 100) as reader:
        assert reader.read() == piece[-100:]


def _send(node: ByteNode, place: str, offset: int, size: int, piece: bytes, *, until: int) -> None:
    connection = socket.create_connection(("127.0.0.1", node.port), timeout=60)
    lines = [
        f"PATCH {place} HTTP/1.1",
        "Host: x",
        f"Content-Length: {size - offset}",
        f"Content-Type: {OCTETS}",
        f"Upload-Offset: {offset}",
        "Tus-Resumable: 1.0.0",
        f"Authorization: Bearer {node.token()}",
    ]
    with connection:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        while offset < until:
            start = offset % len(piece)
            part = piece[start : start + until - offset]
            connection.sendall(part)
            offset += len(part)
        if until == size:
            response = http.client.HTTPResponse(connection)
            response.begin()
            assert response.status == 204, response.read()


def _watch(node: ByteNode, stop: threading.Event, most: list[int]) -> None:
    """The most that the byte server held in memory files at once: the plain bytes are there, and nowhere else."""
    while not stop.wait(0.05):
        most[0] = max(most[0], _held(node))


def _held(node: ByteNode) -> int:
    held: dict[int, int] = {}  # by inode: a mapping keeps a second descriptor
    group = os.getpgid(node.process.pid) if node.process else -1
    for pid in [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]:
        with contextlib.suppress(OSError):
            if os.getpgid(pid) == group:
                for entry in Path(f"/proc/{pid}/fd").iterdir():
                    with contextlib.suppress(OSError):
                        if "tsunagu-sealed" in str(entry.readlink()):
                            facts = entry.stat()
                            held[facts.st_ino] = facts.st_blocks * 512
    return sum(held.values())
