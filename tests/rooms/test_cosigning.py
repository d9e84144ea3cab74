"""A witness signs a log that only grows, whatever its owner says about it; a fork is refused and both heads are kept."""

from __future__ import annotations

import base64
import json
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tsunagu.core import settings as node_settings
from tsunagu.core.errors import InvalidInputError
from tsunagu.foundation.ledger import api as ledger
from tsunagu.foundation.ledger import merkle, notes, proofs
from tsunagu.foundation.ledger.checking import is_cosigned
from tsunagu.foundation.ledger.models import Entry, WitnessedLog

pytestmark = pytest.mark.django_db


class Other:
    """Another node's log, in memory."""

    def __init__(self, leaves, key=None):
        self.leaves = [merkle.leaf_hash(leaf) for leaf in leaves]
        self.key = key or Ed25519PrivateKey.generate()
        self.public = self.key.public_key().public_bytes_raw()

    def node(self, level, index):
        frontier, _ = merkle.extend([], 0, self.leaves[index << level : (index + 1) << level])
        return merkle.root_of(frontier)

    def note(self, size):
        origin = f"tsunagu-ledger/{self.leaves[0].hex()[:32]}"
        root = proofs.root_at(self.node, size)
        head = notes.HeadNote(origin, size, root, "2026-04-01T00:00:00.000Z", "https://other.example")
        return f"{head.text}\n{notes.signature_line(origin, self.public, self.key.sign(head.text.encode()))}"

    def proof(self, old, new):
        return [step.hex() for step in proofs.consistency(self.node, old, new)]


LEAVES = [bytes([number]) for number in range(40)]


@pytest.fixture
def other(monkeypatch):
    found = Other(LEAVES)
    given = node_settings.current()
    key = base64.b64encode(found.public).decode()
    values = {**given.values, "witnessed_keys": (key,)}
    monkeypatch.setattr(node_settings, "current", lambda: replace(given, values=values))
    return found


def forks():
    return [
        json.loads(body) for body in Entry.objects.filter(kind="fork_refused").values_list("body", flat=True)
    ]


def test_a_log_that_grows_is_signed_again_and_again(other):
    for old, new in ((0, 5), (5, 5), (5, 16), (16, 40)):
        proof = other.proof(old, new) if old else []
        name, key, line = ledger.cosign(other.note(new), old, proof)
        assert is_cosigned(other.note(new), name, key, line)
        assert not is_cosigned(other.note(new - 1), name, key, line)
    assert WitnessedLog.objects.get().size == 40
    assert not forks()


def test_another_size_is_said_and_nothing_is_signed(other):
    ledger.cosign(other.note(20), 0, [])
    for old, new in ((0, 30), (10, 30), (30, 40), (5, 10)):
        with pytest.raises(ledger.OtherSizeError) as refused:
            ledger.cosign(other.note(new), old, other.proof(old, new) if old else [])
        assert refused.value.fields["size"] == 20
    assert WitnessedLog.objects.get().size == 20


@pytest.mark.parametrize("size", [20, 30])
def test_a_rewritten_past_is_refused_and_kept(other, size):
    ledger.cosign(other.note(20), 0, [])
    bent = Other([*LEAVES[:7], b"another", *LEAVES[8:]], other.key)
    with pytest.raises(ledger.ForkError):
        ledger.cosign(bent.note(size), 20, bent.proof(20, size))
    seen = WitnessedLog.objects.get()
    assert (seen.size, seen.note) == (20, other.note(20))
    kept = forks()
    assert [(fork["seen"], fork["shown"]) for fork in kept] == [(other.note(20), bent.note(size))]
    ledger.cosign(other.note(40), 20, other.proof(20, 40))


def test_a_new_log_under_the_same_key_is_a_fork(other):
    ledger.cosign(other.note(20), 0, [])
    fresh = Other([b"new", *LEAVES], other.key)
    with pytest.raises(ledger.ForkError):
        ledger.cosign(fresh.note(5), 0, [])
    assert len(forks()) == 1


def test_a_proof_of_something_else_is_refused(other):
    ledger.cosign(other.note(20), 0, [])
    for proof in ([], other.proof(19, 30), [*other.proof(20, 30), "00" * 32]):
        with pytest.raises(ledger.ForkError):
            ledger.cosign(other.note(30), 20, proof)


def test_only_known_keys_are_signed_for(other):
    with pytest.raises(ledger.NotWitnessedError):
        ledger.cosign(Other(LEAVES).note(5), 0, [])
    with pytest.raises(ledger.NotWitnessedError):
        ledger.cosign(other.note(5).replace("2026", "2025"), 0, [])
    with pytest.raises(InvalidInputError):
        ledger.cosign("nothing", 0, [])
    assert not WitnessedLog.objects.exists()


class Handler(BaseHTTPRequestHandler):
    """A witness that saw a hundred entries."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"code": "ledger.other_size", "fields": {"size": 100}}).encode()
        self.send_response(409)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_an_older_database_is_found_by_the_witness(monkeypatch, other):
    """Somebody brought back a backup of before, or cut the log: it fits in itself, and the witness saw more."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    host = f"127.0.0.1:{server.server_port}"
    given = node_settings.current()
    key = base64.b64encode(other.public).decode()
    values = {**given.values, "witnesses": (f"http://{host}#{key}",), "egress_allowed": (host,)}
    monkeypatch.setattr(node_settings, "current", lambda: replace(given, values=values))
    try:
        ledger.append("test", {"n": 1})
        ledger.sign_head(at_once=True)
        assert ledger.ask_witnesses() == 0
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    problem = ledger.verify().problem
    assert f"http://{host} refuses head 2" in problem
    assert "seen 100 entries" in problem
