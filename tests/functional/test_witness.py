"""Two nodes co-sign each other's heads; one of them rewrites its history and is refused, and both say so."""

from __future__ import annotations

import base64
import contextlib
import json
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.node import Node, free_port
from tsunagu.foundation.ledger import merkle

pytestmark = pytest.mark.functional


def make_key(home: Path) -> str:
    """Put a signing key into a home before its first start; its public half in Base64."""
    key = Ed25519PrivateKey.generate()
    (home / "secrets").mkdir(parents=True, mode=0o700)
    (home / "secrets" / "ledger.key").touch(mode=0o600)
    (home / "secrets" / "ledger.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    work = tmp_path_factory.mktemp("witness")
    ports = [free_port(), free_port()]
    keys = [make_key(work / name) for name in ("one", "two")]
    nodes = []
    for own in (0, 1):
        other = 1 - own
        extra = {
            "TSUNAGU_WITNESSES": f"http://127.0.0.1:{ports[other]}#{keys[other]}",
            "TSUNAGU_EGRESS_ALLOWED": f"127.0.0.1:{ports[other]}",
            "TSUNAGU_WITNESSED_KEYS": keys[other],
        }
        nodes.append(Node(work / ("one", "two")[own], ports[own], extra))
    with contextlib.ExitStack() as stack:
        for node in nodes:
            node.start()
            stack.callback(lambda node=node: node.process.poll() is None and node.stop())
            node.token = node.make_token("owner@example.org")
            node.run("project", "create", "lab")
        yield work, nodes


def freeze(node, work, text):
    folder = work / f"data-{node.port}"
    folder.mkdir(exist_ok=True)
    (folder / "a.txt").write_text(text)
    node.run("push", str(folder), "lab/data")
    node.run("freeze", "lab/data")


def wait_for(what, timeout_s=90):
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        found = what()
        if found:
            return found
        time.sleep(0.5)
    raise AssertionError("it did not come in time")


def cosigned(node):
    heads = node.api("GET", "/ledger/heads", token="")[1]["heads"]
    return [head for head in heads if head["cosignatures"]]


def rewrite_history(home: Path) -> None:
    """What somebody with the whole machine does: another past, and a log that fits in itself."""
    with contextlib.closing(sqlite3.connect(home / "db.sqlite3")) as db, db:
        for table in ("cosignature", "timestamp", "signedhead", "witnessstate", "subtree"):
            db.execute(f"delete from ledger_{table}")
        rows = db.execute('select "index", body from ledger_entry order by "index"').fetchall()
        frontier: list[bytes] = []
        for index, body in rows:
            changed = body.replace('"outcome":"ok"', '"outcome":"OK"')
            leaf = merkle.leaf_hash(changed.encode())
            db.execute(
                'update ledger_entry set body = ?, leaf_hash = ? where "index" = ?', (changed, leaf, index)
            )
            frontier, _ = merkle.extend(frontier, index, [leaf])
        db.execute(
            "update ledger_head set frontier = ?, root = ?", (b"".join(frontier), merkle.root_of(frontier))
        )


@pytest.mark.timeout(400)
def test_two_nodes_witness_each_other_and_a_rewritten_history_is_refused(pair):
    work, (one, two) = pair
    freeze(one, work, "first")
    freeze(two, work, "first")
    head = wait_for(lambda: cosigned(one))[0]
    assert wait_for(lambda: cosigned(two))
    assert head["cosignatures"][0]["witness"] == two.url
    one.run("evidence", "lab/data@1", str(work / "proof"))
    judged = subprocess.run(
        ["python3", "-I", str(work / "proof/verify_evidence.py"), str(work / "proof")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert judged.returncode == 0, judged.stdout
    assert "1 co-signatures" in judged.stdout
    for node in (one, two):
        report = node.json("verify")
        assert report["ok"], report
        assert report["checked"]["cosignatures"] >= 1

    assert one.stop() == 0
    rewrite_history(one.home)
    one.start()
    freeze(one, work, "second")

    def refusals():
        done = one.run("verify", "--json", check=False)
        return [str(problem) for problem in json.loads(done.stdout)["problems"] if "refuses" in str(problem)]

    said = wait_for(refusals)
    assert f"The witness http://127.0.0.1:{two.port} refuses head" in said[0]
    assert "rewritten" in said[0]
    with contextlib.closing(sqlite3.connect(f"file:{two.home / 'db.sqlite3'}?mode=ro", uri=True)) as db:
        kept = [
            json.loads(row[0])
            for row in db.execute("select body from ledger_entry where kind = 'fork_refused'")
        ]
    assert kept
    assert kept[0]["seen"] != kept[0]["shown"], "both heads, each signed by the one who denies"


def test_a_stranger_and_a_bent_head_get_no_signature(pair):
    _, (one, two) = pair
    head = wait_for(lambda: two.api("GET", "/ledger/heads", token="")[1]["heads"])[0]
    own = {"note": head["note"], "old_size": 0, "proof": []}
    status, said = two.api("POST", "/ledger/cosign", own, token="")
    assert (status, said["code"]) == (404, "ledger.not_witnessed"), "nobody witnesses himself"
    bent = {**own, "note": head["note"].replace("time 2", "time 1")}
    assert one.api("POST", "/ledger/cosign", bent, token="")[1]["code"] == "ledger.not_witnessed"
    for note in ("", "x\n\ny", head["note"].replace("—", "-")):
        assert one.api("POST", "/ledger/cosign", {**own, "note": note}, token="")[0] == 422
    status, said = one.api("POST", "/ledger/cosign", {**own, "proof": ["zz"]}, token="")
    assert status == 422
