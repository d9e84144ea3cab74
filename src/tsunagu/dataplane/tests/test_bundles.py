from __future__ import annotations

import hashlib
import io
import os
import socket
import tarfile
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsunagu.core.bundle import END, encode_header, read_stream
from tsunagu.core.ids import new_id
from tsunagu.dataplane.tests.kit import ByteNode, bundle, read_log

FILES = [
    ("a.txt", b"first"),
    ("folder/b.bin", bytes(range(256)) * 40),
    ("empty", b""),
    ("日本語/データ.csv", b"1,2"),
]


def test_a_bundle_is_kept_and_committed(node: ByteNode) -> None:
    unit = new_id()
    answer = node.send_bundle(bundle(FILES), unit)
    assert answer.status == 201, answer.body
    assert answer.json() == {
        "bundle": unit,
        "files": 4,
        "bytes": sum(len(data) for _, data in FILES),
        "new_bytes": sum(len(data) for _, data in FILES),
        "committed_at": "2026-04-01T00:00:00.000Z",
    }
    for path, data in FILES:
        assert node.content(path) == data
        assert node.control.rows()[path][1] == hashlib.sha256(data).hexdigest()


def test_the_pack_is_the_bundle_as_it_came(node: ByteNode) -> None:
    body = bundle([("pack/one", b"1"), ("pack/two", b"22")])
    assert node.send_bundle(body).status == 201
    key = node.control.rows()["pack/one"][2]
    with node.reading().open(key) as reader:
        assert reader.read() == body


def test_sending_a_bundle_again_changes_nothing(node: ByteNode) -> None:
    unit = new_id()
    first = node.send_bundle(bundle([("again", b"x")]), unit)
    before = node.content("again")
    second = node.send_bundle(bundle([("again", b"x")]), unit)
    assert (second.status, second.body) == (first.status, first.body)
    assert node.content("again") == before


def test_a_large_bundle_travels_by_the_fast_path(node: ByteNode) -> None:
    files = [(f"large/{number:05d}", os.urandom(4096)) for number in range(3000)]
    files.append(("large/one", os.urandom(11 << 20)))
    assert node.send_bundle(bundle(files)).status == 201
    for path, data in files[::500] + files[-1:]:
        assert node.content(path) == data


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/etc/passwd", "datasets.bad_path"),
        ("a/../b", "datasets.bad_path"),
        ("a//b", "datasets.bad_path"),
        ("a\nb", "datasets.bad_path"),
        ("x" * 256, "datasets.bad_path"),
        ("n\0ul", "datasets.bad_path"),
    ],
)
def test_a_bad_path_refuses_the_whole_bundle(node: ByteNode, path: str, code: str) -> None:
    keys = node.stored_keys()
    answer = node.send_bundle(bundle([("good", b"1"), (path, b"2")]))
    assert answer.status == 422
    assert answer.json()["code"] == code
    assert answer.json()["fields"]["path"] == path
    assert node.stored_keys() == keys
    assert "good" not in node.control.rows()


def test_a_wrong_hash_names_the_file(node: ByteNode) -> None:
    keys = node.stored_keys()
    body = bundle([("fine", b"1")], end=b"") + encode_header("broken", 3, bytes(32)) + b"abc" + END
    answer = node.send_bundle(body)
    assert answer.status == 460
    assert answer.json()["fields"]["path"] == "broken"
    assert node.stored_keys() == keys


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_damaged_bundles_are_refused_whole(node: ByteNode, data: st.DataObject) -> None:
    body = bytearray(bundle(FILES))
    how = data.draw(st.sampled_from(["cut", "flip", "append", "count"]))
    place = data.draw(st.integers(0, len(body) - 1))
    if how == "cut":
        del body[place:]
    elif how == "flip":
        body[place] ^= 1 << data.draw(st.integers(0, 7))
    elif how == "append":
        body += b"x"
    else:
        body[:10] = data.draw(st.binary(min_size=10, max_size=10))
    units = len(node.control.units)
    keys = node.stored_keys()
    answer = node.send_bundle(bytes(body))
    if answer.status == 201:
        # A flipped bit in a path gives another good path: the bundle carries no hash of its names.
        assert how in {"flip", "count"}
        assert len(node.control.units) == units + 1
    else:
        assert answer.status in {400, 422, 460}, answer.body
        assert len(node.control.units) == units
        assert node.stored_keys() == keys


def test_a_sender_that_goes_away_leaves_nothing(node: ByteNode) -> None:
    body = bundle([("gone/1", os.urandom(3 << 20)), ("gone/2", b"x")])
    keys = node.stored_keys()
    head = (
        f"POST /bundles HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {node.token()}\r\n"
        f"Content-Type: application/vnd.tsunagu.bundle; version=1\r\nTsunagu-Bundle-Id: {new_id()}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    for cut in [0, 1, 42, 47, 48, 49, 1000, 1 << 20, len(body) - 3, len(body) - 2, len(body) - 1]:
        with node.raw() as connection:
            connection.sendall(head + body[:cut])
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):
                pass
    assert node.stored_keys() == keys
    assert "gone/2" not in node.control.rows()


def test_a_chunked_bundle_is_taken(node: ByteNode) -> None:
    body = bundle([("chunked", b"12345" * 1000)])
    pieces = (body[start : start + 700] for start in range(0, len(body), 700))
    assert node.send_bundle(pieces).status == 201
    assert node.content("chunked") == b"12345" * 1000


def test_connections_are_kept_between_bundles(node: ByteNode) -> None:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=20)
    for number in range(4):
        body = bundle([(f"kept/{number}", os.urandom(200_000))])
        if number == 2:
            body = body[:-2]  # refused, and the connection still stands at the next request
        headers = {
            "Authorization": f"Bearer {node.token()}",
            "Content-Type": "application/vnd.tsunagu.bundle",
            "Tsunagu-Bundle-Id": new_id(),
        }
        connection.request("POST", "/bundles", body, headers)
        first_socket = connection.sock
        response = connection.getresponse()
        response.read()
        assert response.status == (422 if number == 2 else 201)
        assert connection.sock is first_socket
    connection.close()


def test_tar_archives_are_taken(node: ByteNode) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in [("./tar/one", b"1" * 1000), ("tar/" + "long" * 40, b"2"), ("tar/データ", b"")]:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        archive.addfile(_member("tar/folder", tarfile.DIRTYPE))
    answer = node.send_bundle(buffer.getvalue(), media_type="application/x-tar")
    assert answer.status == 201, answer.body
    assert node.content("tar/one") == b"1" * 1000
    assert node.content("tar/" + "long" * 40) == b"2"
    assert node.content("tar/データ") == b""


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_tar_links_and_devices_are_refused(node: ByteNode, kind: bytes) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(_member("evil", kind))
    answer = node.send_bundle(buffer.getvalue(), media_type="application/x-tar")
    assert answer.status == 422
    assert answer.json()["fields"]["path"] == "evil"


def test_damaged_tars_are_refused(node: ByteNode) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("t")
        member.size = 2000
        archive.addfile(member, io.BytesIO(bytes(2000)))
    whole = buffer.getvalue()
    assert node.send_bundle(whole, media_type="application/x-tar").status == 201
    units = len(node.control.units)
    negative = bytearray(whole)
    negative[124:136] = b"\xff" * 12  # a size below zero, in base 256
    huge = bytearray(whole)
    huge[156:157] = b"L"  # a name of 2,000 bytes that is followed by nothing
    for body in [
        b"",
        b"x" * 512,
        whole[:300],
        whole[:1000],
        whole[: 512 + 2048],
        bytes(negative),
        bytes(huge),
    ]:
        answer = node.send_bundle(body, media_type="application/x-tar")
        assert answer.status in {400, 422}, answer.body
    assert len(node.control.units) == units


def _member(name: str, kind: bytes) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type = kind
    member.linkname = "/etc/passwd"
    return member


def test_who_may_send(node: ByteNode) -> None:
    body = bundle([("may", b"1")])
    fixed = {"Content_Type": "application/vnd.tsunagu.bundle", "Tsunagu_Bundle_Id": new_id()}
    assert node.ask("POST", "/bundles", body, **fixed).status == 401
    old = node.token(lifetime_s=-1)
    answer = node.ask("POST", "/bundles", body, **fixed, Authorization=f"Bearer {old}")
    assert (answer.status, answer.json()["fields"]["reason"]) == (401, "expired")
    small = node.token(max=3)
    assert node.ask("POST", "/bundles", body, **fixed, Authorization=f"Bearer {small}").status == 413
    fixed["Tsunagu_Bundle_Id"] = "../../etc"
    assert node.ask("POST", "/bundles", body, **fixed, Authorization=f"Bearer {node.token()}").status == 422
    assert "may" not in node.control.rows()


def test_a_refusal_of_control_is_passed_on(node: ByteNode) -> None:
    node.control.refuse = (403, {"code": "policy.denied", "title": "No.", "fields": {"x": 1}})
    try:
        answer = node.send_bundle(bundle([("refused", b"1")]))
    finally:
        node.control.refuse = None
    assert answer.status == 403
    assert answer.json()["code"] == "policy.denied"
    assert answer.json()["fields"] == {"x": 1}


def test_a_silent_control_is_503(node: ByteNode) -> None:
    node.control.is_broken = True
    try:
        answer = node.send_bundle(bundle([("later", b"1")]))
    finally:
        node.control.is_broken = False
    assert answer.status == 503
    assert answer.headers["Retry-After"]
    assert node.send_bundle(bundle([("later", b"1")])).status == 201


def test_the_pull_reader_reads_what_the_writer_wrote() -> None:
    files = [(member.path, b"".join(content)) for member, content in read_stream(io.BytesIO(bundle(FILES)))]
    assert files == FILES


def test_the_log_holds_no_tokens_and_no_names(node: ByteNode) -> None:
    assert node.send_bundle(bundle([("secret-name", b"1")])).status == 201
    time.sleep(0.1)
    lines = [line for line in read_log(node) if line["event"] == "request"]
    assert {"method", "route", "status", "duration_ms", "at"} <= set(lines[-1])
    assert "secret-name" not in str(lines)
    assert node.token()[:40] not in str(lines)
