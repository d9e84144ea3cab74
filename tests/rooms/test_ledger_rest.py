"""Heads and proofs over REST: enough for a stranger to check that the log only grows, and nothing of what it says."""

from __future__ import annotations

import json

import pytest

from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.ledger import api as ledger
from tsunagu.foundation.ledger import merkle, notes, proofs

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _plain_static_files(settings):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "whitenoise" not in name]


def get(client, path, token="", **query):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = client.get(f"/api/v1{path}", query, headers=headers)
    return answer.status_code, json.loads(answer.content)


def test_a_stranger_follows_the_log_by_its_heads(client):
    for count in (3, 5, 9):
        ledger.append_all("secret", [{"n": number} for number in range(count)])
        ledger.sign_head(at_once=True)
    status, page = get(client, "/ledger/heads")
    assert status == 200
    sizes = [head["size"] for head in page["heads"]]
    assert sizes == [18, 9, 4]  # one entry names the key
    assert "secret" not in json.dumps(page)
    for newer, older in zip(page["heads"], page["heads"][1:], strict=False):
        _, proof = get(client, "/ledger/proof/consistency", old=older["size"], new=newer["size"])
        path = [bytes.fromhex(step) for step in proof["path"]]
        roots = [notes.parse(head["note"])[0].root for head in (older, newer)]
        assert proofs.is_consistent(older["size"], newer["size"], *roots, path)
    assert get(client, "/ledger/heads", after=9)[1]["heads"][0]["size"] == 4


def test_where_an_entry_stands_is_for_those_who_are_signed_in(client, person):
    someone = person()
    entry = {"n": 1}
    ledger.append("test", entry)
    ledger.append("test", entry)
    assert get(client, "/ledger/proof/inclusion", index=0, size=2)[0] == 401
    token = identity.issue_token(someone.id, label="test")
    status, proof = get(client, "/ledger/proof/inclusion", token, index=0, size=2)
    assert status == 200
    card = next(iter(ledger.entries_about("", below=1)))
    path = [bytes.fromhex(step) for step in proof["path"]]
    assert proofs.is_included(merkle.leaf_hash(card.body.encode()), 0, 2, path, bytes.fromhex(proof["root"]))
    for index, size in ((2, 2), (0, 3), (-1, 2)):
        status, problem = get(client, "/ledger/proof/inclusion", token, index=index, size=size)
        assert (status, problem["code"]) == (422, "ledger.no_such_proof")
