"""Proofs from stored landmarks against a naive reading of RFC 6962, the vectors of its authors, and every small tree."""

from __future__ import annotations

import hashlib
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from tsunagu.foundation.ledger import api as ledger
from tsunagu.foundation.ledger import merkle, proofs
from tsunagu.foundation.ledger.models import Entry, Subtree

# The leaves and hashes with which Certificate Transparency's own programs are tested.
VECTOR = [bytes.fromhex(text) for text in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
)]  # fmt: skip
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def mth(leaves):
    """MTH as section 2.1 writes it."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    k = split(len(leaves))
    return hashlib.sha256(b"\1" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def split(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def path(m, leaves):
    """PATH as section 2.1.1 writes it."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m, leaves, *, whole):
    """SUBPROOF as section 2.1.2 writes it."""
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], whole=whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], whole=False), mth(leaves[:k])]


def nodes_over(leaves):
    return lambda level, index: mth(leaves[index << level : (index + 1) << level])


def test_the_roots_and_proofs_of_certificate_transparency():
    for size, root in enumerate(ROOTS):
        assert proofs.root_at(nodes_over(VECTOR), size).hex() == root
        frontier, _ = merkle.extend([], 0, [merkle.leaf_hash(leaf) for leaf in VECTOR[:size]])
        assert merkle.root_of(frontier).hex() == root
    found = [step.hex() for step in proofs.inclusion(nodes_over(VECTOR), 0, 8)]
    assert found == [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]


def test_every_proof_of_every_small_tree():
    leaves = [bytes([number]) for number in range(33)]
    for size in range(1, 34):
        tree = leaves[:size]
        root = mth(tree)
        for index in range(size):
            proof = proofs.inclusion(nodes_over(tree), index, size)
            assert proof == path(index, tree)
            leaf = merkle.leaf_hash(leaves[index])
            assert proofs.is_included(leaf, index, size, proof, root)
            assert not proofs.is_included(merkle.leaf_hash(b"other"), index, size, proof, root)
            for other in range(size):
                assert other == index or not proofs.is_included(leaf, other, size, proof, root)
        for old in range(1, size + 1):
            proof = proofs.consistency(nodes_over(tree), old, size)
            assert proof == subproof(old, tree, whole=True)
            assert proofs.is_consistent(old, size, mth(tree[:old]), root, proof)
            assert not proofs.is_consistent(old, size, mth([b"x", *tree[1:old]]), root, proof)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_bent_proof_proves_nothing(data):
    size = data.draw(st.integers(2, 300))
    leaves = [number.to_bytes(2, "big") for number in range(size)]
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size - 1))
    root, nodes = mth(leaves), nodes_over(leaves)
    for proof, holds in (
        (
            proofs.inclusion(nodes, index, size),
            lambda steps: proofs.is_included(merkle.leaf_hash(leaves[index]), index, size, steps, root),
        ),
        (
            proofs.consistency(nodes, old, size),
            lambda steps: proofs.is_consistent(old, size, mth(leaves[:old]), root, steps),
        ),
    ):
        assert holds(proof)
        assert not holds(proof[:-1])
        assert not holds([*proof, b"\0" * 32])
        place = data.draw(st.integers(0, len(proof) - 1))
        bent = bytearray(proof[place])
        bent[data.draw(st.integers(0, 31))] ^= 1 << data.draw(st.integers(0, 7))
        assert not holds([*proof[:place], bytes(bent), *proof[place + 1 :]])


def fill(count, start=0):
    return ledger.append_all("test", [{"n": number} for number in range(start, start + count)])


def leaves_of_ledger():
    return [body.encode() for body in Entry.objects.order_by("index").values_list("body", flat=True)]


@pytest.mark.django_db
def test_stored_landmarks_give_the_same_proofs_as_the_whole_log():
    for count in (1, 254, 1, 1, 300, 7, 500):  # appends that end before, at and after a landmark
        fill(count, start=ledger.size())
    leaves = leaves_of_ledger()
    assert Subtree.objects.count() == len(leaves) // 256 == 4
    nodes = ledger.StoredNodes()
    for size in (1, 255, 256, 257, 511, 512, 513, 1000, len(leaves)):
        for index in {0, size // 2, size - 1}:
            proof = ledger.prove_inclusion(index, size, nodes)
            assert proof.root == mth(leaves[:size]).hex()
            assert [bytes.fromhex(step) for step in proof.path] == path(index, leaves[:size])
        for old in {1, (size + 1) // 2, max(1, size - 1), size}:
            proof = ledger.prove_consistency(old, size, nodes)
            assert [bytes.fromhex(step) for step in proof.path] == subproof(old, leaves[:size], whole=True)


@pytest.mark.django_db
def test_a_proof_reads_tiles_and_not_the_log():
    fill(70_000)
    with CaptureQueriesContext(connection) as asked:
        proof = ledger.prove_inclusion(12_345, 70_000)
    assert proofs.is_included(
        bytes(Entry.objects.get(index=12_345).leaf_hash), 12_345, 70_000,
        [bytes.fromhex(step) for step in proof.path], bytes.fromhex(proof.root),
    )  # fmt: skip
    assert len(asked) <= 8
    assert sorted(set(Subtree.objects.values_list("level", flat=True))) == [8, 16]


@pytest.mark.django_db
@pytest.mark.parametrize(("kind", "first", "size"), [
    ("prove_inclusion", 5, 5), ("prove_inclusion", 0, 6), ("prove_inclusion", -1, 5), ("prove_inclusion", 0, 0),
    ("prove_consistency", 0, 5), ("prove_consistency", 4, 3), ("prove_consistency", 1, 6),
])  # fmt: skip
def test_what_is_not_there_cannot_be_proved(kind, first, size):
    fill(5)
    with pytest.raises(ledger.NoSuchProofError):
        getattr(ledger, kind)(first, size)


@pytest.mark.django_db
def test_a_changed_landmark_is_named():
    fill(600)
    assert not ledger.verify().problem
    Subtree.objects.filter(index=1).update(digest=b"\7" * 32)
    assert "entries 256 to 511" in ledger.verify().problem


@pytest.mark.django_db
def test_an_older_ledger_gets_its_landmarks_and_subjects():
    fill(600)
    ledger.append("run", {"run": "R", "dataset": "DS"})
    ledger.append("grant", {"scope": ["project", "PR"], "subject": ["person", "P"]})
    ledger.append("version", {"version": "00", "record": '{"dataset":"DS"}', "run": "R"})
    Subtree.objects.all().delete()
    Entry.objects.update(subject="")
    migration = import_module("tsunagu.foundation.ledger.migrations.0002_proofs")
    migration.fill(apps, SimpleNamespace(connection=connection))
    assert not ledger.verify().problem
    assert [entry.kind for entry in ledger.entries_about("DS", below=603)] == ["run", "version"]
    assert [entry.kind for entry in ledger.entries_about("PR", below=603)] == ["grant"]
