"""Files that a later commit names: in one body or in parts, hashed while they come."""

from __future__ import annotations

import hashlib
import random
import time

import pytest

from tsunagu.core.ids import new_id

PART = 64 << 10
DATA = random.Random(7).randbytes(3 * PART + 123)
NAME = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def server(node):
    """The node of this file, as if nothing had been sent."""
    node.empty()
    return node


def token(node, data=DATA, part=0, **claims):
    name = hashlib.sha256(data).hexdigest()
    return node.stage_token(**{"u": new_id(), "h": name, "n": len(data), "c": part or len(data), **claims})


def parts():
    return [DATA[start : start + PART] for start in range(0, len(DATA), PART)]


def test_one_body(server):
    answer = server.ask("PUT", f"/lfs/{token(server)}", DATA)
    assert (answer.status, bool(answer.headers["ETag"])) == (200, True)
    assert server.staged_content(NAME) == DATA
    assert b"".join(path.read_bytes() for path in server.home.rglob("*") if path.is_file()).count(
        DATA[:64]
    ) == (0 if server.data_key else 1)


def test_a_body_of_unknown_length(server):
    pieces = (DATA[start : start + 1000] for start in range(0, len(DATA), 1000))
    assert server.ask("PUT", f"/lfs/{token(server)}", pieces).status == 200
    assert server.staged_content(NAME) == DATA


def test_parts_one_after_the_other(server):
    way = token(server, part=PART)
    assert server.ask("POST", f"/lfs/{way}").json()["code"] == "dataplane.part_order"
    for number, part in enumerate(parts(), 1):
        assert server.ask("PUT", f"/lfs/{way}/{number}", part).status == 200
        assert server.ask("PUT", f"/lfs/{way}/{number}", part).status == 200, "again, after a lost answer"
    assert server.ask("POST", f"/lfs/{way}", b"{}").json() == {"oid": NAME, "size": len(DATA)}
    assert server.staged_content(NAME) == DATA
    assert len(server.control.staged) == len(server.stored_keys()) == 1


def test_a_part_out_of_order_a_short_and_a_long_one(server):
    way = token(server, part=PART)
    assert server.ask("PUT", f"/lfs/{way}/2", parts()[1]).json()["code"] == "dataplane.part_order"
    assert server.ask("PUT", f"/lfs/{way}/1", parts()[0][:-1]).json()["code"] == "dataplane.broken_off"
    assert server.ask("PUT", f"/lfs/{way}/1", parts()[0] + b"x").json()["code"] == "dataplane.too_large"
    for number in ("0", "5", "-1", "x", "%D9%A3"):
        assert server.ask("PUT", f"/lfs/{way}/{number}", b"").status == 404
    for number, part in enumerate(parts(), 1):
        assert server.ask("PUT", f"/lfs/{way}/{number}", part).status == 200
    assert server.staged_content(NAME) == DATA


def test_other_bytes_are_not_kept(server):
    way = token(server)
    wrong = DATA[:-1] + bytes([DATA[-1] ^ 1])
    assert server.ask("PUT", f"/lfs/{way}", wrong).json()["code"] == "core.checksum_mismatch"
    assert not server.control.staged
    assert not server.stored_keys()
    assert server.ask("PUT", f"/lfs/{way}", DATA).status == 200
    assert server.staged_content(NAME) == DATA


def test_tokens_that_are_none(server):
    good = token(server)
    body, _, signature = good.partition(".")
    for bad in (f"{body}.{signature[::-1]}", server.token(), token(server, lifetime_s=-1), "x"):
        assert server.ask("PUT", f"/lfs/{bad}", DATA).status == 401
    assert not server.stored_keys()


def test_a_lost_answer_of_control_is_made_good(server):
    way = token(server)
    server.control.answer_then_fail = True
    assert server.ask("PUT", f"/lfs/{way}", DATA).status == 503
    server.control.answer_then_fail = False
    assert server.ask("PUT", f"/lfs/{way}", DATA).status == 200
    assert len(server.control.staged) == len(server.stored_keys()) == 1
    assert server.staged_content(NAME) == DATA


def test_a_server_that_is_killed_midway(server):
    """The same address works afterwards: parts that were acknowledged are there, the one under way comes again."""
    way = token(server, part=PART)
    assert server.ask("PUT", f"/lfs/{way}/1", parts()[0]).status == 200
    with server.raw() as connection:
        head = f"PUT /lfs/{way}/2 HTTP/1.1\r\nHost: x\r\nContent-Length: {PART}\r\n\r\n"
        connection.sendall(head.encode() + parts()[1][: PART // 2])
        time.sleep(0.2)
        server.kill()
    server.start()
    for number, part in enumerate(parts()[1:], 2):
        assert server.ask("PUT", f"/lfs/{way}/{number}", part).status == 200
    assert server.staged_content(NAME) == DATA
    assert len(server.stored_keys()) == 1


def test_sealed_meanwhile(server):
    way = token(server)
    server.control.refuse = (401, {"code": "datasets.sealed_meanwhile", "title": "sealed"})
    assert server.ask("PUT", f"/lfs/{way}", DATA).status == 401
    assert not server.stored_keys(), "nobody names these plain bytes"


@pytest.mark.servers
def test_parts_go_to_s3(s3_node):
    s3_node.start()
    way = token(s3_node, part=PART)
    for number, part in enumerate(parts(), 1):
        assert s3_node.ask("PUT", f"/lfs/{way}/{number}", part[:-1]).status == 400
        assert s3_node.ask("PUT", f"/lfs/{way}/{number}", part).status == 200
    assert s3_node.staged_content(NAME) == DATA
