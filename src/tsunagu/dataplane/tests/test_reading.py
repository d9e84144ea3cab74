from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsunagu.core.bundle import read_stream
from tsunagu.dataplane import zips
from tsunagu.dataplane.tests.kit import Answer, ByteNode, bundle

DATA = bytes(range(256)) * 3
BIG = os.urandom(3 << 20)
NAME = '測定/ 結果 "α".csv'


@pytest.fixture(scope="module", autouse=True)
def _content(node: ByteNode) -> None:
    files = [("data", DATA), (NAME, b"x,y"), ("empty", b""), ("big", BIG)]
    assert node.send_bundle(bundle(files)).status == 201


def get(node: ByteNode, path: str = "data", method: str = "GET", query: str = "", **headers: str) -> Answer:
    claims = {"mt": headers.pop("mt")} if "mt" in headers else {}
    return node.ask(method, f"/o/{node.get_token(path, **claims)}/name{query}", **headers)


def test_a_whole_file(node: ByteNode) -> None:
    answer = get(node)
    assert (answer.status, answer.body) == (200, DATA)
    assert answer.headers["ETag"] == f'"{hashlib.sha256(DATA).hexdigest()}"'
    assert answer.headers["Content-Length"] == str(len(DATA))
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Set-Cookie"] is None
    assert get(node, "big").body == BIG
    assert get(node, "empty").body == b""


def test_head_says_the_same_without_the_bytes(node: ByteNode) -> None:
    whole, head = get(node), get(node, method="HEAD")
    assert head.body == b""
    for name in ["ETag", "Content-Length", "Content-Type", "Content-Disposition", "Accept-Ranges"]:
        assert head.headers[name] == whole.headers[name]


@settings(max_examples=150, deadline=None)
@given(first=st.none() | st.integers(0, 900), last=st.none() | st.integers(0, 900))
def test_ranges_are_slices(node: ByteNode, first: int | None, last: int | None) -> None:
    text = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    answer = get(node, Range=text)
    if first is None and last is None:
        expected: bytes | None = None
    elif first is None:
        expected = DATA[-last:] if last else b""
    elif last is not None and last < first:
        expected = None
    else:
        expected = DATA[first:] if last is None else DATA[first : last + 1]
    if expected is None:
        assert (answer.status, answer.body) == (200, DATA)
    elif not expected:
        assert answer.status == 416
        assert answer.headers["Content-Range"] == f"bytes */{len(DATA)}"
    else:
        assert (answer.status, answer.body) == (206, expected)
        start = first if first is not None else len(DATA) - len(expected)
        assert answer.headers["Content-Range"] == f"bytes {start}-{start + len(expected) - 1}/{len(DATA)}"


@pytest.mark.parametrize(
    "text", ["bytes=0-1,5-6", "items=0-1", "bytes=a-b", "bytes", "bytes=--1", "bytes=" + "9" * 30]
)
def test_other_ranges_get_the_whole_file(node: ByteNode, text: str) -> None:
    assert (get(node, Range=text).status, get(node, Range=text).body) == (200, DATA)


def test_conditions(node: ByteNode) -> None:
    tag = f'"{hashlib.sha256(DATA).hexdigest()}"'
    same = get(node, If_None_Match=f'"other", {tag}')
    assert (same.status, same.body, same.headers["ETag"]) == (304, b"", tag)
    assert get(node, If_None_Match='"other"').status == 200
    assert get(node, Range="bytes=0-0", If_Range=tag).status == 206
    assert get(node, Range="bytes=0-0", If_Range='"other"').status == 200


def test_names_in_any_script(node: ByteNode) -> None:
    header = get(node, NAME).headers["Content-Disposition"]
    assert (
        header
        == "attachment; filename=\" __ ___.csv\"; filename*=UTF-8''%20%E7%B5%90%E6%9E%9C%20%22%CE%B1%22.csv"
    )


def test_only_previews_open_in_the_page(node: ByteNode) -> None:
    assert get(node, query="?inline=1").headers["Content-Disposition"].startswith("attachment")
    assert get(node, query="?inline=1", mt="text/html").headers["Content-Type"] == "application/octet-stream"
    shown = get(node, query="?inline=1", mt="image/png")
    assert (shown.headers["Content-Type"], shown.headers["Content-Disposition"]) == ("image/png", "inline")
    assert get(node, mt="image/png").headers["Content-Disposition"].startswith("attachment")


def test_no_capability_no_bytes(node: ByteNode) -> None:
    token = node.get_token("data")
    assert node.ask("GET", f"/o/{token[:-2]}AA/x").status == 401
    assert node.ask("GET", f"/o/{node.token()}/x").status == 401, "a push capability reads nothing"
    assert node.ask("GET", "/o/x/y").status == 401
    assert node.ask("GET", "/o/x").status == 404
    assert node.ask("PUT", f"/o/{token}/x").status == 405
    gone = node.signer.sign("get", lifetime_s=60, k="00/" + "0" * 26, o=0, n=1, h="0" * 64, f="f")
    assert node.ask("GET", f"/o/{gone}/x").status == 404
    outside = node.signer.sign("get", lifetime_s=60, k="../key", o=0, n=1, h="0" * 64, f="f")
    assert node.ask("GET", f"/o/{outside}/x").status == 404


def test_many_files_at_once(node: ByteNode) -> None:
    files = [(f"many/{number:04d}", os.urandom(number % 700)) for number in range(600)]
    assert node.send_bundle(bundle(files)).status == 201
    names = [path for path, _ in files] + ["big", "empty", "data"] + [path for path, _ in files[::-7]]
    answer = node.ask(
        "POST", "/fetch", json.dumps({"capabilities": [node.get_token(name) for name in names]})
    )
    assert answer.status == 200
    found = [(member.path, b"".join(content)) for member, content in read_stream(io.BytesIO(answer.body))]
    known = {**dict(files), "big": BIG, "empty": b"", "data": DATA}
    assert found == [(name, known[name]) for name in names]
    assert int(answer.headers["Content-Length"]) == len(answer.body)


def test_fetch_refuses_nonsense(node: ByteNode) -> None:
    for body in [
        b"",
        b"[]",
        b"{}",
        b'{"capabilities": [1]}',
        b'{"capabilities": 5}',
        b"[" * 100_000,
        b"\xff",
    ]:
        assert node.ask("POST", "/fetch", body).status == 422
    assert node.ask("POST", "/fetch", b'{"capabilities": ["x.y"]}').status == 401


def test_the_ends_of_many_files(node: ByteNode) -> None:
    names = ["big", "empty", "data", NAME, "big"]
    tokens = [node.get_token(name) for name in names]
    known = {"data": DATA, NAME: b"x,y", "empty": b"", "big": BIG}
    for count in (1, 3, len(DATA), 1 << 16):
        answer = node.ask("POST", "/tails", json.dumps({"capabilities": tokens, "bytes": count}))
        assert (answer.status, answer.body) == (200, b"".join(known[name][-count:] for name in names))
        assert answer.headers["Cache-Control"] == "private"
    for wish in ({}, {"bytes": 0}, {"bytes": "9"}, {"bytes": (1 << 16) + 1}, {"bytes": None}):
        assert node.ask("POST", "/tails", json.dumps({"capabilities": tokens, **wish})).status == 422
    many = {"capabilities": [tokens[0]] * 257, "bytes": 1}
    assert node.ask("POST", "/tails", json.dumps(many)).status == 422
    assert node.ask("POST", "/tails", json.dumps({"capabilities": ["x.y"], "bytes": 1})).status == 401


def test_a_folder_as_zip(node: ByteNode) -> None:
    names = ["data", NAME, "empty", "big", "data"]
    node.control.listing = [
        [f"{number}/{name}", size, sha256, key, offset, node.hidden(key)]
        for number, name in enumerate(names)
        for size, sha256, key, offset in [node.control.rows()[name]]
    ]
    token = node.signer.sign("list", lifetime_s=60, ds=node.dataset, v=1, pre="", who="x")
    answer = node.ask("GET", f"/zip/{token}/%E6%B8%AC%E5%AE%9A.zip")
    assert answer.status == 200
    assert answer.headers["Content-Disposition"].endswith("UTF-8''%E6%B8%AC%E5%AE%9A.zip")
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [f"{number}/{name}" for number, name in enumerate(names)] + [
            "SHA256SUMS.txt"
        ]
        assert archive.read("3/big") == BIG
        sums = dict(
            reversed(line.split("  ", 1)) for line in archive.read("SHA256SUMS.txt").decode().splitlines()
        )
        for name, digest in sums.items():
            assert hashlib.sha256(archive.read(name)).hexdigest() == digest
    node.control.refuse = (404, {"code": "core.not_found", "title": "Nothing."})
    try:
        assert node.ask("GET", f"/zip/{token}/x.zip").status == 404
    finally:
        node.control.refuse = None


def test_a_zip_larger_than_its_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ZIP64 records, with the 32-bit limit pulled down so that small files cross it."""
    monkeypatch.setattr(zips, "_U16", 2)
    directory = io.BytesIO()
    archive = zips._Archive(directory)
    parts = []
    for number in range(5):
        parts += list(archive.add(f"f{number}", 5, [b"12345"]))
    parts += list(archive.end())
    with zipfile.ZipFile(io.BytesIO(b"".join(parts))) as found:
        assert found.testzip() is None
        assert len(found.namelist()) == 5


def test_health_and_metrics(node: ByteNode) -> None:
    assert node.ask("GET", "/healthz").json() == {"status": "ok"}
    answer = node.ask("GET", "/metrics")
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    text = answer.body.decode()
    assert text.endswith("# EOF\n")
    assert 'tsunagu_bytes_requests_total{route="o",status="206"}' in text
    assert "tsunagu_bytes_open_uploads 0" in text
    assert node.ask("GET", "/elsewhere").status == 404
