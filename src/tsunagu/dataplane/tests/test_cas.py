"""Xet uploads: what is whole becomes an ordinary file, what is forged, foreign or too large becomes nothing."""

from __future__ import annotations

import hashlib
import json
import os
import struct
import time
import tracemalloc

import lz4.frame
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsunagu.dataplane import locks
from tsunagu.dataplane.cas import hashes, shards, shelf, xorbs
from tsunagu.dataplane.cas.rebuilding import Rebuilder
from tsunagu.dataplane.tests.xet_client import LAST, TAG, Part, Xorb, header, noise, plain_root, shard, xorb

SCOPE = "a" * 32
ONE, TWO = xorb(noise(1, 40)), xorb(noise(2, 3))
FILE = [Part(ONE, 3, 30), Part(TWO, 0, 2), Part(ONE, 0, 4)]
CONTENT = b"".join(chunk for part in FILE for chunk in part.chunks)
NAME = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server(node):
    """The node of this file, as if nothing had been sent."""
    node.empty()
    return node


def post(node, what, body, *, scope=SCOPE, token=None, method="POST"):
    bearer = token or node.stage_token("xet", s=scope)
    return node.ask(method, f"/xet/{scope}/{what}", body, Authorization=f"Bearer {bearer}")


def send(node, *several, **more):
    for one in several:
        assert post(node, one.place, one.body, **more).json() == {"was_inserted": True}


# --- Hashes and forms


@given(
    st.lists(
        st.tuples(st.binary(min_size=32, max_size=32), st.integers(1, 1 << 17)), min_size=1, max_size=300
    )
)
def test_the_tree_is_that_of_the_description(leaves):
    tree = hashes.Tree()
    for leaf in leaves:
        tree.add(*leaf)
    assert tree.root() == plain_root(leaves)


@given(st.binary(min_size=32, max_size=32))
def test_a_hash_reads_as_it_is_written(digest):
    assert hashes.from_text(hashes.as_text(digest)) == digest


def test_a_hash_that_is_known():
    """The order of bytes: the first number of 64 bits, little-endian, comes first."""
    assert hashes.as_text(bytes(range(32))).startswith("0706050403020100" + "0f0e0d0c0b0a0908")
    assert hashes.from_text("g" * 64) is hashes.from_text("a" * 63) is None


@given(st.binary(min_size=1, max_size=2000), st.sampled_from((0, 1, 2)))
def test_a_chunk_unpacks_to_what_was_packed(chunk, scheme):
    one = xorb([chunk], (scheme,))
    packed, found, length = xorbs.read_header(one.body[:8])
    assert xorbs.unpack(one.body[8 : 8 + packed], found, length) == chunk


def parsed(body, name, step=1000):
    parser = xorbs.XorbParser()
    for end in range(step, len(body) + step, step):
        parser.advance(body, min(end, len(body)))
    parser.finish(len(body), name)
    return parser.chunks


def test_a_footer_is_passed_over():
    assert [chunk.length for chunk in parsed(TWO.body + b"XETBLOB" + bytes(5000), TWO.name)] == [5000] * 3


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(TWO.body) - 1), st.integers(1, 255))
def test_a_changed_byte_is_noticed(place, change):
    body = bytearray(TWO.body)
    body[place] ^= change
    with pytest.raises(xorbs.BadXorbError):
        parsed(bytes(body), TWO.name)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_rubbish_is_no_xorb_and_no_shard(data):
    with pytest.raises(xorbs.BadXorbError):
        parsed(data, TWO.name, 50)
    for whole in (data, TAG + (2).to_bytes(8, "little") + bytes(8) + data):
        with pytest.raises(shards.BadShardError):
            list(shards.read_shard(whole.replace(b"\xff" * 32, b"")))


@pytest.mark.parametrize("scheme", [1, 2])
def test_a_bomb_makes_no_more_than_it_says(scheme):
    """A gigabyte in a small frame: refused with the memory of the chunk that it claims to be."""
    frame = lz4.frame.compress(bytes(256 << 20), block_size=lz4.frame.BLOCKSIZE_MAX64KB)[: 100 << 10]
    tracemalloc.start()
    with pytest.raises(xorbs.BadXorbError):
        parsed(header(len(frame), scheme, 128 << 10) + frame, TWO.name, 1 << 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 << 20


@pytest.mark.parametrize(
    "head",
    [
        header(10, 1, (128 << 10) + 1),
        header(10, 1, 0),
        header(0, 0, 0),
        header((1 << 24) - 1, 1, 100),
        header(10, 0, 11),
        header(10, 3, 10),
        header(10, 0, 10, version=1),
    ],
)
def test_headers_that_cannot_be(head):
    with pytest.raises(xorbs.BadXorbError):
        parsed(head + bytes(10), TWO.name)


def test_too_many_chunks():
    with pytest.raises(xorbs.BadXorbError):
        parsed((header(1, 0, 1) + b"x") * 8193, TWO.name, 1 << 20)


@pytest.mark.parametrize("count", [0, 5, 1 << 20, (1 << 32) - 1])
def test_counts_are_believed_as_far_as_there_are_bytes(count):
    with pytest.raises(shards.BadShardError):
        list(shards.read_shard(shard(FILE, count=count)))


def test_a_short_list_that_names_very_much():
    """A few kilobytes that would take hours: the chunks are counted before the first is looked up."""
    flags, count = 1 << 31, 2100
    entries = (ONE.name + struct.pack("<IIII", 0, 8192, 0, 8192)) * count + bytes(48) * count
    body = TAG + struct.pack("<QQ", 2, 0) + ONE.name + struct.pack("<II8x", flags, count) + entries + LAST
    assert len(body) < 1 << 18
    with pytest.raises(shards.BadShardError, match="too much"):
        Rebuilder(None, None, None).take(body, lambda _done, _count: None)


# --- The server


def test_a_file_of_several_xorbs(server):
    send(server, ONE, TWO)
    assert post(server, ONE.place, ONE.body).json() == {"was_inserted": False}
    assert post(server, "v1/shards", shard(FILE)).json() == {"result": 1}
    assert server.staged_content(NAME) == CONTENT
    whole = b"".join(path.read_bytes() for path in server.home.rglob("*") if path.is_file())
    assert (CONTENT[:2000] in whole) is not bool(server.data_key)


def test_frames_of_the_second_release(server):
    send(server, ONE, TWO)
    frames = [json.loads(line) for line in post(server, "v2/shards", shard(FILE)).body.splitlines()]
    assert frames[-1]["type"] == "result"
    assert server.staged_content(NAME) == CONTENT
    frames = [json.loads(line) for line in post(server, "v2/shards", shard(FILE)[:-96]).body.splitlines()]
    assert (frames[-1]["type"], frames[-1]["retryable"]) == ("error", False)


def test_what_the_sender_may_name_anyway_is_not_made_again(server):
    send(server, ONE, TWO)
    server.control.known = {NAME: len(CONTENT)}
    assert post(server, "v1/shards", shard(FILE)).status == 200
    assert not server.stored_keys()


def test_nobody_learns_which_chunks_there_are(server):
    send(server, ONE)
    name = hashes.as_text(hashes.chunk_hash(ONE.chunks[0]))
    for prefix in ("default", "default-merkledb"):
        assert post(server, f"v1/chunks/{prefix}/{name}", None, method="GET").status == 404
    assert post(server, f"v1/xorb-grants/default/{hashes.as_text(ONE.name)}", b"").status == 404
    assert post(server, "v1/telemetry", b"{}").status == 200


def test_a_shard_that_names_what_another_sent(server):
    """Another sender or dataset is another scope: knowing the names and proofs of its data is of no use."""
    send(server, ONE, TWO)
    other = post(server, "v1/shards", shard(FILE), scope="b" * 32)
    assert (other.status, other.json()["code"]) == (400, "dataplane.unknown_xorb")
    assert not server.control.staged
    assert not server.stored_keys()
    send(server, ONE, TWO, scope="b" * 32)  # whoever has the data may say so
    assert post(server, "v1/shards", shard(FILE), scope="b" * 32).status == 200


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"proof": bytes(32)}, "dataplane.bad_shard"),
        ({"digest": bytes(32) + b""}, "dataplane.bad_shard"),
        ({"digest": os.urandom(32)}, "dataplane.bad_shard"),
        ({"length": 7}, "dataplane.bad_shard"),
        ({"flags": 1 << 30}, "dataplane.bad_shard"),
        ({"sha256": "ab" * 32}, "core.checksum_mismatch"),
    ],
)
def test_a_forged_shard(server, wrong, code):
    send(server, ONE, TWO)
    wrong = {"digest": os.urandom(32)} if wrong.get("digest") == bytes(32) else wrong
    answer = post(server, "v1/shards", shard(FILE, **wrong))
    assert answer.json()["code"] == code
    assert not server.control.staged
    assert not server.stored_keys(), "nothing is left of it"


def test_chunks_that_a_xorb_does_not_have(server):
    send(server, TWO)
    beyond = Xorb([*TWO.chunks, b"more"], b"")
    body = shard([Part(beyond, 0, 4)]).replace(beyond.name, TWO.name)
    assert post(server, "v1/shards", body).json()["code"] == "dataplane.bad_shard"


def test_tokens_that_are_none(server):
    good = server.stage_token("xet", s=SCOPE)
    body, _, signature = good.partition(".")
    bad = [
        f"{body}.{signature[::-1]}",
        server.stage_token("xet", s=SCOPE, lifetime_s=-1),
        server.stage_token("xet", s="b" * 32),
        server.stage_token("stage", s=SCOPE, u="", h=NAME, n=1, c=1),
        server.token(),
    ]
    for token in bad:
        for what, data in ((ONE.place, ONE.body), ("v1/shards", shard(FILE)), ("v2/shards", shard(FILE))):
            assert post(server, what, data, token=token).status == 401
    assert not list(shelf.folder_of(server.settings.spool_dir).list())


def test_a_xorb_with_another_name_and_one_without_end(server):
    for place, data in ((ONE.place, TWO.body), (ONE.place, ONE.body[:-1]), (ONE.place, b"")):
        assert post(server, place, data).json()["code"] == "dataplane.bad_xorb"
    assert post(server, "v1/xorbs/default/zz", ONE.body).status == 422
    assert post(server, ONE.place, bytes(66 << 20)).status == 413
    assert not list(shelf.folder_of(server.settings.spool_dir).list())
    send(server, ONE)


def test_the_same_block_twice_at_once(server):
    """These clients try again after a 503 and give up after a 423."""
    send(server, ONE)
    (found,) = shelf.folder_of(server.settings.spool_dir).list()
    with locks.hold(server.settings.spool_dir, found.key):
        assert post(server, ONE.place, ONE.body).status == 503


def test_one_that_broke_off_is_replaced(server):
    send(server, ONE)
    (found,) = shelf.folder_of(server.settings.spool_dir).list()
    path = shelf.folder_of(server.settings.spool_dir).local_path(found.key)
    path.write_bytes(path.read_bytes()[:-1])
    assert post(server, "v1/shards", shard([Part(ONE, 0, 3)])).json()["code"] == "dataplane.unknown_xorb"
    send(server, ONE)
    assert post(server, "v1/shards", shard([Part(ONE, 0, 3)])).status == 200


def test_a_server_that_is_killed_midway(server):
    """A block that was half there is sent again; nothing of it was believed."""
    bearer = server.stage_token("xet", s=SCOPE)
    with server.raw() as connection:
        head = f"POST /xet/{SCOPE}/{ONE.place} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {bearer}\r\n"
        connection.sendall(f"{head}Content-Length: {len(ONE.body)}\r\n\r\n".encode() + ONE.body[:30_000])
        time.sleep(0.2)
        server.kill()
    server.start()
    assert post(server, "v1/shards", shard([Part(ONE, 0, 3)])).json()["code"] == "dataplane.unknown_xorb"
    send(server, ONE)
    assert post(server, "v1/shards", shard([Part(ONE, 0, 3)])).status == 200


def test_what_nobody_speaks_of_goes(server):
    send(server, ONE, TWO)
    folder = shelf.folder_of(server.settings.spool_dir)
    long_ago = time.time() - shelf.KEPT_S - 60
    for found in folder.list():
        os.utime(folder.local_path(found.key), (long_ago, long_ago))
    assert post(server, "v1/shards", shard([Part(ONE, 0, 3)])).status == 200, "spoken of now"
    assert shelf.remove_unused(server.settings.spool_dir, folder) == 1
    assert post(server, "v1/shards", shard([Part(ONE, 1, 2)])).status == 200
    assert post(server, "v1/shards", shard([Part(TWO, 0, 1)])).status == 400


def test_the_list_ends_where_it_says():
    assert list(shards.read_shard(shard()[: -len(LAST)])) == []


@pytest.mark.servers
def test_files_go_to_s3(s3_node):
    """Xorbs wait in the spool; what is made of them is an object of the store."""
    s3_node.start()
    send(s3_node, ONE, TWO)
    assert post(s3_node, "v1/shards", shard(FILE)).json() == {"result": 1}
    assert s3_node.staged_content(NAME) == CONTENT
    assert len(s3_node.stored_keys()) == 1
