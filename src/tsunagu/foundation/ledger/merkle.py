"""The Merkle tree of RFC 6962, section 2.1: leaves, nodes, an appendable frontier. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """``SHA-256(0x00 || entry)``."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """``SHA-256(0x01 || left || right)``."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def extend(frontier: Sequence[bytes], size: int, leaves: Iterable[bytes]) -> tuple[list[bytes], int]:
    """Append leaf hashes.

    Args:
        frontier: Roots of the full subtrees, largest first: one for each set bit of ``size``.
        size: How many leaves there are.
        leaves: Leaf hashes to append.

    Returns:
        The new frontier and size.
    """
    stack = list(frontier)
    for leaf in leaves:
        top, carry = leaf, size
        while carry & 1:
            top, carry = node_hash(stack.pop(), top), carry >> 1
        stack.append(top)
        size += 1
    return stack, size


def root_of(frontier: Sequence[bytes]) -> bytes:
    """The tree head over a frontier; ``SHA-256("")`` when empty."""
    if not frontier:
        return EMPTY_ROOT
    top = frontier[-1]
    for left in reversed(frontier[:-1]):
        top = node_hash(left, top)
    return top
