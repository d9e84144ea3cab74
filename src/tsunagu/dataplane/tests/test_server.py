"""The process: what it loads, how it stops, what a full disk and other engines do to it."""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import os
import socket
import subprocess
import sys
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tsunagu.core.bundle import read_stream
from tsunagu.dataplane import Settings, create_app, find_garbage
from tsunagu.dataplane.receive import SpliceBody, open_body
from tsunagu.dataplane.tests.kit import ORIGIN, ByteNode, bundle, path_of, tus_headers
from tsunagu.dataplane.tests.test_tus import create, head, patch

if TYPE_CHECKING:
    from pathlib import Path


def test_nothing_heavy_is_loaded() -> None:
    code = "import sys, tsunagu.dataplane.serve; print([n for n in ('django', 'numpy', 'obstore') if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout.strip() == b"[]"


def test_settings_go_through_a_file(tmp_path: Path) -> None:
    node_settings = Settings(
        control_url="http://127.0.0.1:1", control_origin=ORIGIN, store_url="file:///x", key_file=tmp_path / "k",
        spool_dir=tmp_path / "s", threads=5,
    )  # fmt: skip
    file = tmp_path / "c.json"
    file.write_text(json.dumps(node_settings.to_dict()))
    assert Settings.from_file(file) == node_settings
    with pytest.raises(ValueError, match="colour"):
        Settings.from_dict({**node_settings.to_dict(), "colour": "red"})
    with pytest.raises(ValueError, match="store_url"):
        Settings.from_dict({"control_url": "x"})


def test_a_request_on_its_way_ends_before_the_server(fresh_node: ByteNode) -> None:
    node = fresh_node
    node.start()
    body = bundle([("slow", b"x" * 1000)])

    def drip() -> Any:
        yield body[:500]
        time.sleep(1)
        yield body[500:]

    answers = []
    thread = threading.Thread(target=lambda: answers.append(node.send_bundle(drip())))
    thread.start()
    time.sleep(0.4)
    node.stop()
    thread.join()
    assert answers[0].status == 201
    assert node.content("slow") == b"x" * 1000


def test_a_reader_that_takes_nothing_is_left(fresh_node: ByteNode) -> None:
    node = fresh_node
    node.start()
    data = os.urandom(40 << 20)
    assert node.send_bundle(bundle([("large", data)])).status == 201
    with node.raw() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
        line.sendall(f"GET /o/{node.get_token('large')}/x HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        time.sleep(
            3 * node.settings.idle_timeout_s
        )  # the call that still sent something waits, and the next ones
        found = bytearray()
        while piece := line.recv(1 << 20):
            found += piece
    body = bytes(found).partition(b"\r\n\r\n")[2]
    assert len(body) < len(data)
    assert data.startswith(body)
    assert node.content("large") == data, "a slow one takes all of it as long as it takes something"


def test_bodies_are_moved_by_the_kernel_from_any_socket_without_tls() -> None:
    unreader = SimpleNamespace(take_buffered=bytes)
    body = SimpleNamespace(reader=SimpleNamespace(length=5, unreader=unreader))

    class Line(socket.socket):
        """As the worker makes them."""

    here, there = socket.socketpair()
    with here, there, Line(fileno=here.detach()) as line:
        environ = {"CONTENT_LENGTH": "5", "wsgi.input": body, "gunicorn.socket": line}
        assert isinstance(open_body(environ), SpliceBody)


def test_requests_of_one_connection_follow_each_other(fresh_node: ByteNode) -> None:
    node = fresh_node
    node.start()
    assert node.send_bundle(bundle([("one", b"first"), ("two", b"second")])).status == 201
    ask = "GET /o/{}/x HTTP/1.1\r\nHost: x\r\n\r\n"
    one, two = (ask.format(node.get_token(name)).encode() for name in ("one", "two"))
    with node.raw() as line:
        line.sendall(one + two + one)  # together, then after a moment, then after the thread has let go of it
        answers = line.makefile("rb")
        for pause, sent, expected in (
            (0, b"", b"first"),
            (0, b"", b"second"),
            (0, b"", b"first"),
            (0.01, two, b"second"),
            (0.3, one, b"first"),
        ):
            time.sleep(pause)
            line.sendall(sent)
            headers = (
                http.client.parse_headers(answers) if answers.readline().startswith(b"HTTP/1.1 200") else {}
            )
            assert answers.read(int(headers["Content-Length"])) == expected


def test_connections_that_wait_leave_threads_for_others(tmp_path: Path) -> None:
    node = ByteNode(tmp_path, threads=2, keepalive_s=5)
    try:
        node.start()
        lines = [http.client.HTTPConnection("127.0.0.1", node.port) for _ in range(20)]
        for _round in range(3):
            for line in lines:
                line.request("GET", "/healthz")
            assert [line.getresponse().read() for line in lines] == [b'{"status": "ok"}'] * 20
        began = time.monotonic()
        node.stop()  # nobody waits for the ends of their waiting
        assert time.monotonic() - began < 10
        for line in lines:
            line.close()
    finally:
        node.close()


def test_a_full_disk_is_said_and_leaves_nothing(fresh_node: ByteNode) -> None:
    node = fresh_node
    node.start(limit_bytes=4 << 20)  # no file may grow over 4 MiB: the write fails as on a full disk
    data = os.urandom(6 << 20)
    answer = node.send_bundle(bundle([("too/large", data)]))
    assert (answer.status, answer.json()["code"]) == (507, "core.storage_full")
    pieces = (data[start : start + 100_000] for start in range(0, len(data), 100_000))
    assert node.send_bundle(pieces).status == 507
    assert not node.stored_keys()
    place = path_of(create(node, "tus", len(data)).headers["Location"])
    assert patch(node, place, 0, data[: 3 << 20]).status == 204
    assert patch(node, place, 3 << 20, data[3 << 20 :]).status == 507
    assert head(node, place).headers["Upload-Offset"] == str(3 << 20)
    node.stop()
    node.start()  # space again
    assert patch(node, place, 3 << 20, data[3 << 20 :]).status == 204
    assert node.content("tus") == data


def test_control_is_away(fresh_node: ByteNode) -> None:
    node = fresh_node
    node.start()
    place = path_of(create(node, "kept", 3).headers["Location"])
    node.control.close()
    answer = node.send_bundle(bundle([("dropped", b"1")]))
    assert (answer.status, answer.json()["code"]) == (503, "dataplane.control_silent")
    assert not node.stored_keys(), "control cannot have heard of it"
    assert patch(node, place, 0, b"abc").status == 503
    assert len(node.stored_keys()) == 1


def test_the_sweep_finds_what_nobody_owns(fresh_node: ByteNode) -> None:
    node = fresh_node
    node.start()
    assert node.send_bundle(bundle([("owned", b"1")])).status == 201
    place = path_of(create(node, "going", 10).headers["Location"])
    patch(node, place, 0, b"12345")
    node.control.refuse = (403, {"code": "x", "title": "x"})
    node.send_bundle(bundle([("refused", b"2")]))
    node.control.refuse = None
    spool = node.settings.spool_dir

    def known(keys: list[str]) -> set[str]:
        return {key for key in keys if key in node.control.objects}

    assert len(node.stored_keys()) == 3
    found = list(find_garbage(node.store, spool, known, min_age_s=0))
    assert len(found) == 1
    with node.store.open(found[0].key) as reader:
        assert b"refused" in reader.read()
    assert not list(find_garbage(node.store, spool, known, min_age_s=3600))
    # An object that is being received at this moment is left alone.
    body = bundle([("moving", b"x" * 1000)])
    connection = http.client.HTTPConnection("127.0.0.1", node.port)
    connection.putrequest("POST", "/bundles")
    for name, value in {
        "Authorization": f"Bearer {node.token()}",
        "Content-Type": "application/vnd.tsunagu.bundle",
        "Tsunagu-Bundle-Id": "01J00000000000000000000000",
        "Content-Length": str(len(body)),
    }.items():
        connection.putheader(name, value)
    connection.endheaders(body[:100])
    deadline = time.monotonic() + 5
    while len(node.stored_keys()) < 4 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(node.stored_keys()) == 4
    assert [item.key for item in find_garbage(node.store, spool, known, min_age_s=0)] == [found[0].key]
    connection.send(body[100:])
    assert connection.getresponse().status == 201
    connection.close()


def test_any_wsgi_server_will_do(fresh_node: ByteNode) -> None:
    """The slow path: no raw socket, no file wrapper."""
    node = fresh_node
    app = create_app(node.settings)
    data = os.urandom(2_500_000)
    body = bundle([("plain", data)])
    status, _, answer = _call(
        app, "POST", "/bundles", body, HTTP_AUTHORIZATION=f"Bearer {node.token()}",
        CONTENT_TYPE="application/vnd.tsunagu.bundle", HTTP_TSUNAGU_BUNDLE_ID="01J00000000000000000000000",
    )  # fmt: skip
    assert status == "201 Created", answer
    status, _, answer = _call(app, "GET", f"/o/{node.get_token('plain')}/x", HTTP_RANGE="bytes=5-2000004")
    assert (status, answer) == ("206 Partial Content", data[5:2_000_005])
    status, _, answer = _call(
        app, "POST", "/fetch", json.dumps({"capabilities": [node.get_token("plain")]}).encode()
    )
    assert [b"".join(content) for _, content in read_stream(io.BytesIO(answer))] == [data]


@pytest.mark.servers
def test_everything_on_s3(s3_node: ByteNode) -> None:
    node = s3_node
    node.start()
    files = [("s3/a", b"1" * 5000), ("s3/b", os.urandom(300_000)), ("s3/c", b"")]
    assert node.send_bundle(bundle(files)).status == 201
    for path, content in files:
        assert node.content(path) == content
    data = os.urandom(40 << 20)
    place = path_of(create(node, "s3/large", len(data)).headers["Location"])
    assert patch(node, place, 0, data[: 30 << 20]).status == 204
    assert patch(node, place, 30 << 20, b"x" * 100, Upload_Checksum="sha1 AAAA").status == 460
    node.kill()
    node.start()
    assert head(node, place).headers["Upload-Offset"] == str(30 << 20)
    answer = patch(node, place, 30 << 20, data[30 << 20 :])
    assert answer.headers["Tsunagu-Sha256"] == hashlib.sha256(data).hexdigest()
    assert node.content("s3/large") == data
    got = node.ask("GET", f"/o/{node.get_token('s3/large')}/x", Range="bytes=1000000-20000000")
    assert (got.status, got.body) == (206, data[1_000_000:20_000_001])
    answer = node.ask(
        "POST", "/fetch", json.dumps({"capabilities": [node.get_token(path) for path, _ in files]})
    )
    assert [b"".join(content) for _, content in read_stream(io.BytesIO(answer.body))] == [c for _, c in files]
    keys = node.stored_keys()
    assert node.send_bundle(bundle([("s3/bad", b"1")])[:-1]).status == 422
    place = path_of(create(node, "s3/ended", len(data)).headers["Location"])
    patch(node, place, 0, data[: 20 << 20])
    assert node.ask("DELETE", place, **tus_headers(node.token())).status == 204
    deadline = time.monotonic() + 10
    while node.stored_keys() - keys and time.monotonic() < deadline:
        time.sleep(0.1)
    left = node.stored_keys() - keys
    assert not left
    known = set(node.control.objects)
    garbage = {
        item.key
        for item in find_garbage(node.store, node.settings.spool_dir, known.intersection, min_age_s=0)
    }
    assert not garbage & known


def _call(
    app: Any, method: str, path: str, body: bytes = b"", **environ: str
) -> tuple[str, dict[str, str], bytes]:
    seen: list[Any] = []
    values = {
        "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": "", "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body), **environ,
    }  # fmt: skip
    result = app(values, lambda status, headers: seen.append((status, dict(headers))))
    try:
        return (*seen[0], b"".join(result))
    finally:
        result.close()
