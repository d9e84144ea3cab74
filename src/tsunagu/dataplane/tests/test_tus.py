from __future__ import annotations

import base64
import hashlib
import json
import os
import socket
import time
from typing import TYPE_CHECKING

import pytest
from tusclient.client import TusClient

from tsunagu.core.ids import new_id
from tsunagu.dataplane.tests.kit import ORIGIN, Answer, ByteNode, path_of, tus_headers

if TYPE_CHECKING:
    from pathlib import Path

OCTETS = "application/offset+octet-stream"


def metadata(path: str, **more: str) -> str:
    values = {"path": path, **more}
    return ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in values.items())


def create(node: ByteNode, path: str, length: int, body: bytes | None = None, **more: str) -> Answer:
    headers = tus_headers(node.token(), Upload_Length=str(length), Upload_Metadata=metadata(path, **more))
    if body is not None:
        headers["Content_Type"] = OCTETS
    return node.ask("POST", "/tus", body, **headers)


def patch(node: ByteNode, place: str, offset: int, body: bytes, **more: str) -> Answer:
    headers = tus_headers(node.token(), Upload_Offset=str(offset), Content_Type=OCTETS, **more)
    return node.ask("PATCH", place, body, **headers)


def head(node: ByteNode, place: str) -> Answer:
    return node.ask("HEAD", place, **tus_headers(node.token()))


def test_options_tell_what_is_spoken(node: ByteNode) -> None:
    answer = node.ask("OPTIONS", "/tus")
    assert answer.status == 204
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert set(answer.headers["Tus-Extension"].split(",")) == {
        "creation",
        "creation-with-upload",
        "checksum",
        "termination",
        "expiration",
    }
    assert "sha1" in answer.headers["Tus-Checksum-Algorithm"]


def test_the_page_of_control_may_call_and_no_other(node: ByteNode) -> None:
    asked = {"Access_Control_Request_Method": "PATCH", "Access_Control_Request_Headers": "upload-offset"}
    answer = node.ask("OPTIONS", f"/tus/{new_id()}", Origin=ORIGIN, **asked)
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]
    assert "Upload-Offset" in answer.headers["Access-Control-Allow-Headers"]
    assert answer.headers["Access-Control-Allow-Credentials"] is None
    other = node.ask("OPTIONS", "/tus", Origin="http://evil.example")
    assert other.headers["Access-Control-Allow-Origin"] is None
    assert (
        "Upload-Offset" in node.ask("GET", "/nothing", Origin=ORIGIN).headers["Access-Control-Expose-Headers"]
    )


def test_a_file_in_three_pieces(node: ByteNode) -> None:
    data = os.urandom(3_000_000)
    made = create(node, "three/pieces", len(data))
    assert made.status == 201
    place = path_of(made.headers["Location"])
    for start, end in [(0, 1), (1, 2_000_000), (2_000_000, 3_000_000)]:
        assert head(node, place).headers["Upload-Offset"] == str(start)
        answer = patch(node, place, start, data[start:end])
        assert answer.status == 204
        assert answer.headers["Upload-Offset"] == str(end)
        assert answer.headers["Upload-Expires"].endswith("GMT")
    assert answer.headers["Tsunagu-Sha256"] == hashlib.sha256(data).hexdigest()
    assert answer.headers["Tsunagu-Size"] == str(len(data))
    assert node.content("three/pieces") == data


def test_creation_with_all_bytes_and_empty_files(node: ByteNode) -> None:
    answer = create(node, "with/all", 5, b"12345")
    assert (answer.status, answer.headers["Upload-Offset"]) == (201, "5")
    assert answer.headers["Tsunagu-Size"] == "5"
    empty = create(node, "with/nothing", 0)
    assert (empty.status, empty.headers["Tsunagu-Sha256"]) == (201, hashlib.sha256().hexdigest())
    assert node.content("with/nothing") == b""


def test_an_announced_hash_is_held_against_the_bytes(node: ByteNode) -> None:
    keys = node.stored_keys()
    wrong = create(node, "wrong", 3, sha256=hashlib.sha256(b"xyz").hexdigest())
    place = path_of(wrong.headers["Location"])
    answer = patch(node, place, 0, b"abc")
    assert answer.status == 460
    assert head(node, place).status == 404
    assert node.stored_keys() == keys
    right = create(node, "right", 3, sha256=hashlib.sha256(b"abc").hexdigest())
    assert patch(node, path_of(right.headers["Location"]), 0, b"abc").status == 204


@pytest.mark.parametrize("name", ["sha1", "sha256"])
def test_a_wrong_checksum_drops_the_body(node: ByteNode, name: str) -> None:
    place = path_of(create(node, f"checked/{name}", 8).headers["Location"])
    good = base64.b64encode(hashlib.new(name, b"1234").digest()).decode()
    assert patch(node, place, 0, b"9999", Upload_Checksum=f"{name} {good}").status == 460
    assert head(node, place).headers["Upload-Offset"] == "0"
    assert patch(node, place, 0, b"1234", Upload_Checksum="md5 AAAA").status == 400
    assert patch(node, place, 0, b"1234", Upload_Checksum=f"{name} {good}").status == 204
    assert patch(node, place, 4, b"5678").status == 204
    assert node.content(f"checked/{name}") == b"12345678"


def test_what_a_patch_may_not_do(node: ByteNode) -> None:
    place = path_of(create(node, "strict", 10).headers["Location"])
    assert patch(node, place, 1, b"x").status == 409
    assert patch(node, place, 0, b"x" * 11).status == 413
    token = node.token()
    plain = tus_headers(token, Upload_Offset="0", Content_Type="text/plain")
    assert node.ask("PATCH", place, b"x", **plain).status == 415
    assert node.ask("PATCH", place, b"x", **tus_headers(token, Content_Type=OCTETS)).status == 400
    old = {**tus_headers(token, Upload_Offset="0", Content_Type=OCTETS), "Tus_Resumable": "0.2.0"}
    assert node.ask("PATCH", place, b"x", **old).status == 412
    other = tus_headers(node.token(run=new_id()), Upload_Offset="0", Content_Type=OCTETS)
    assert node.ask("PATCH", place, b"x", **other).status == 404
    assert node.ask("PATCH", "/tus/../../key", b"x", **other).status == 404
    assert head(node, place).headers["Upload-Offset"] == "0"
    override = tus_headers(token, Upload_Offset="0", Content_Type=OCTETS, X_HTTP_Method_Override="PATCH")
    assert node.ask("POST", place, b"x", **override).headers["Upload-Offset"] == "1"


def test_what_a_creation_may_not_ask(node: ByteNode) -> None:
    assert create(node, "../up", 1).status == 422
    assert create(node, "huge", 6 << 40).status == 413
    token = node.token()
    assert node.ask("POST", "/tus", **tus_headers(token, Upload_Metadata=metadata("x"))).status == 400
    assert node.ask("POST", "/tus", **tus_headers(token, Upload_Length="5")).status == 422
    limited = tus_headers(node.token(max=4), Upload_Length="5", Upload_Metadata=metadata("x"))
    assert node.ask("POST", "/tus", **limited).status == 413
    assert node.ask("POST", "/tus", **tus_headers("no.token", Upload_Length="5")).status == 401


def test_termination(node: ByteNode) -> None:
    keys = node.stored_keys()
    place = path_of(create(node, "ended", 10).headers["Location"])
    patch(node, place, 0, b"half")
    assert node.ask("DELETE", place, **tus_headers(node.token())).status == 204
    assert head(node, place).status == 404
    assert patch(node, place, 4, b"x").status == 404
    assert node.stored_keys() == keys


def test_a_cut_connection_keeps_what_arrived(node: ByteNode) -> None:
    data = os.urandom(6 << 20)
    place = path_of(create(node, "cut", len(data)).headers["Location"])
    sent = 0
    for cut in [1, 4096, 1 << 20, 5 << 20]:
        with node.raw() as connection:
            connection.sendall(_patch_head(node, place, sent, len(data) - sent) + data[sent:cut])
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):
                pass
        sent = int(head(node, place).headers["Upload-Offset"])
        assert sent == cut
    assert patch(node, place, sent, data[sent:]).headers["Tsunagu-Sha256"] == hashlib.sha256(data).hexdigest()
    assert node.content("cut") == data


def test_two_patches_of_one_upload_cannot_mix(node: ByteNode) -> None:
    place = path_of(create(node, "raced", 10).headers["Location"])
    with node.raw() as connection:
        connection.sendall(_patch_head(node, place, 0, 10) + b"aaaaa")
        time.sleep(0.3)
        assert patch(node, place, 0, b"b" * 10).status == 423
        connection.sendall(b"aaaaa")
        assert connection.recv(100).startswith(b"HTTP/1.1 204")
    assert node.content("raced") == b"a" * 10


def test_a_commit_that_did_not_get_through(node: ByteNode) -> None:
    place = path_of(create(node, "late", 4).headers["Location"])
    node.control.is_broken = True
    try:
        assert patch(node, place, 0, b"late").status == 503
        assert head(node, place).status == 503, "a full offset would tell the client that all is done"
    finally:
        node.control.is_broken = False
    assert head(node, place).headers["Upload-Offset"] == "4"
    again = patch(node, place, 4, b"")
    assert (again.status, again.headers["Tsunagu-Size"]) == (204, "4")
    assert node.content("late") == b"late"
    assert node.ask("DELETE", place, **tus_headers(node.token())).status == 204
    assert node.content("late") == b"late", "what is committed belongs to control"


def test_a_refused_commit_ends_the_upload(node: ByteNode) -> None:
    place = path_of(create(node, "no", 2).headers["Location"])
    node.control.refuse = (409, {"code": "datasets.frozen", "title": "Frozen."})
    try:
        answer = patch(node, place, 0, b"no")
    finally:
        node.control.refuse = None
    assert (answer.status, answer.json()["code"]) == (409, "datasets.frozen")
    assert head(node, place).status == 404


def test_uploads_go_on_after_a_restart(fresh_node: ByteNode) -> None:
    node = fresh_node
    node.start()
    data = os.urandom(9 << 20)
    place = path_of(create(node, "restarted", len(data)).headers["Location"])
    assert patch(node, place, 0, data[: 5 << 20]).status == 204
    node.kill()
    node.start()
    assert head(node, place).headers["Upload-Offset"] == str(5 << 20)
    answer = patch(node, place, 5 << 20, data[5 << 20 :])
    assert answer.headers["Tsunagu-Sha256"] == hashlib.sha256(data).hexdigest()
    assert node.content("restarted") == data


def test_expired_uploads_are_removed(tmp_path: Path) -> None:
    node = ByteNode(tmp_path / "n", upload_lifetime_s=0.2)
    node.start()
    try:
        place = path_of(create(node, "old", 10).headers["Location"])
        patch(node, place, 0, b"12345")
        assert len(node.stored_keys()) == 1
        time.sleep(0.3)
        assert head(node, place).status == 404
        node.stop()
        node.start()
        uploads = node.home / "spool" / "uploads"
        deadline = time.monotonic() + 30
        while (node.stored_keys() or list(uploads.iterdir())) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not node.stored_keys()
        assert not list(uploads.iterdir())
    finally:
        node.close()


@pytest.mark.parametrize("checks", [False, True])
def test_tuspy_sends_and_resumes(node: ByteNode, tmp_path: Path, *, checks: bool) -> None:
    data = os.urandom(5_000_001)
    source = tmp_path / "source"
    source.write_bytes(data)
    path = f"tuspy/{checks}"
    headers = {"Authorization": f"Bearer {node.token()}"}
    options = {"chunk_size": 1 << 20, "upload_checksum": checks}
    with source.open("rb") as stream:
        first = TusClient(f"{node.url}/tus", headers=headers).uploader(
            file_stream=stream, metadata={"path": path, "mtime_ns": "17"}, **options
        )
        first.upload(stop_at=2 << 20)
    with source.open("rb") as stream:
        second = TusClient(f"{node.url}/tus", headers=headers).uploader(
            file_stream=stream, url=first.url, **options
        )
        assert second.offset == 2 << 20
        second.upload()
    assert node.content(path) == data


def test_a_stalled_sender_is_left_and_its_bytes_kept(fresh_node: ByteNode) -> None:
    node = fresh_node  # leaves silent peers after three seconds
    node.start()
    place = path_of(create(node, "stalled", 100).headers["Location"])
    with node.raw() as connection:
        connection.sendall(_patch_head(node, place, 0, 100) + b"x" * 30)
        time.sleep(4)
        assert head(node, place).headers["Upload-Offset"] == "30"
    with node.raw() as connection:  # headers drop by drop
        connection.sendall(b"GET /healthz HTTP/1.1\r\n")
        connection.settimeout(8)
        with pytest.raises(OSError, match=r"(?i)reset|broken|closed"):
            _drip(connection)
    assert node.ask("GET", "/healthz").status == 200


def _drip(connection: socket.socket) -> None:
    for _ in range(60):
        connection.sendall(b"X")
        time.sleep(0.1)


def _patch_head(node: ByteNode, place: str, offset: int, length: int) -> bytes:
    return (
        f"PATCH {place} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {node.token()}\r\nTus-Resumable: 1.0.0\r\n"
        f"Content-Type: {OCTETS}\r\nUpload-Offset: {offset}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def test_a_reloaded_page_hears_what_is_unfinished(node: ByteNode) -> None:
    create(node, "done.bin", 4, b"abcd")
    place = create(node, "half.bin", 6, mtime="17").headers["Location"]
    patch(node, place, 0, b"abc")
    create(node, "begun.bin", 9)
    answer = node.ask("GET", "/tus", Authorization=f"Bearer {node.token()}")
    listed = [one for one in json.loads(answer.body)["uploads"] if one["path"].endswith(".bin")]
    assert [(one["path"], one["length"], one["offset"]) for one in listed] == [
        ("begun.bin", 9, 0),
        ("half.bin", 6, 3),
    ]
    assert listed[1]["url"] == place
    assert listed[1]["metadata"]["mtime"] == "17"
    other = node.ask("GET", "/tus", Authorization=f"Bearer {node.token(run=new_id())}")
    assert json.loads(other.body)["uploads"] == []
    assert node.ask("GET", "/tus").status == 401
