from __future__ import annotations

import os

import pytest

from tsunagu.dataplane.tests.kit import ORIGIN, Answer, ByteNode

BOUNDARY = "----boundary"


def part(name: str, value: bytes | str, filename: str | None = None) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    file = "" if filename is None else f'; filename="{filename}"'
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
    return head.encode() + data + b"\r\n"


def send(node: ByteNode, *parts: bytes, end: bytes = f"--{BOUNDARY}--\r\n".encode()) -> Answer:
    return node.ask(
        "POST", "/form", b"".join(parts) + end, Content_Type=f"multipart/form-data; boundary={BOUNDARY}"
    )


def test_files_of_a_form(node: ByteNode) -> None:
    big = os.urandom(2_500_000) + b"\r\n--" + BOUNDARY[:-1].encode()
    answer = send(
        node,
        part("capability", node.token()),
        part("folder", "実験/1"),
        part("return_to", "/ja/projects/p/d?tab=files"),
        part("files", b"a,b\r\n1,2", "a.csv"),
        part("files", big, "大きい.bin"),
        part("files", b"", ""),
        part("files", b"", "empty"),
    )
    assert answer.status == 303, answer.body
    assert answer.headers["Location"] == f"{ORIGIN}/ja/projects/p/d?tab=files"
    assert node.content("実験/1/a.csv") == b"a,b\r\n1,2"
    assert node.content("実験/1/大きい.bin") == big
    assert node.content("実験/1/empty") == b""


@pytest.mark.parametrize(
    "goal", ["//evil.example/x", "https://evil.example", "\\\\evil", "/a\r\nX: y", "relative"]
)
def test_a_form_returns_to_control_only(node: ByteNode, goal: str) -> None:
    answer = send(node, part("capability", node.token()), part("return_to", goal.replace("\r\n", "%0d")))
    assert answer.status == 303
    assert answer.headers["Location"].startswith(f"{ORIGIN}/")
    assert "evil" not in answer.headers["Location"]


def test_what_a_form_may_not_do(node: ByteNode) -> None:
    keys = node.stored_keys()
    file = part("files", b"x", "x")
    assert send(node, file, part("capability", node.token())).status == 401
    assert send(node, part("capability", "no.good"), file).status == 401
    assert send(node, part("folder", "x")).status == 401
    good = part("capability", node.token())
    assert send(node, good, part("files", b"x", "../x")).status == 422
    assert send(node, good, file, file).status == 422
    assert send(node, good, file, end=b"").status == 422
    assert send(node, good, part("folder", "x" * 20_000), file).status == 422
    assert node.ask("POST", "/form", b"x", Content_Type="text/plain").status == 415
    assert node.stored_keys() == keys
