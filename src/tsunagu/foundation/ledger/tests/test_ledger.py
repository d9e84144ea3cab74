"""The ledger is RFC 6962 and notices every change."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsunagu.foundation.ledger import api as ledger
from tsunagu.foundation.ledger import merkle
from tsunagu.foundation.ledger.models import Entry, Head

# Tree heads of the example leaves of the certificate-transparency test suite (inputs and roots are public facts).
LEAVES = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    bytes(range(0x50, 0x58)),
    bytes(range(0x60, 0x70)),
]
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def recursive_root(leaves: list[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return merkle.leaf_hash(leaves[0])
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return merkle.node_hash(recursive_root(leaves[:split]), recursive_root(leaves[split:]))


@pytest.mark.parametrize(("count", "root"), ROOTS.items())
def test_known_tree_heads(count, root):
    frontier, _ = merkle.extend([], 0, map(merkle.leaf_hash, LEAVES[:count]))
    assert merkle.root_of(frontier).hex() == root


@given(st.lists(st.binary(max_size=8), max_size=70), st.integers(0, 70))
def test_appending_equals_the_definition(leaves, cut):
    first, size = merkle.extend([], 0, map(merkle.leaf_hash, leaves[:cut]))
    frontier, _ = merkle.extend(first, size, map(merkle.leaf_hash, leaves[cut:]))
    assert merkle.root_of(frontier) == recursive_root(leaves)


@pytest.mark.django_db
def test_a_changed_entry_is_named():
    for number in range(5):
        ledger.append("test", {"number": number})
    assert not ledger.verify().problem
    Entry.objects.filter(index=3).update(body='{"number":99}')
    assert "entry 3" in ledger.verify().problem


@pytest.mark.django_db
def test_a_missing_entry_is_named():
    ledger.append_all("test", [{"n": n} for n in range(5)])
    Entry.objects.filter(index=2).delete()
    assert "entry 2 is missing" in ledger.verify().problem


@pytest.mark.django_db
def test_a_cut_off_end_is_noticed():
    ledger.append_all("test", [{"n": n} for n in range(5)])
    Entry.objects.filter(index=4).delete()
    assert "head" in ledger.verify().problem
    Head.objects.all().delete()
