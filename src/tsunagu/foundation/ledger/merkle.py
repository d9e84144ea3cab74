"""The Merkle tree of RFC 6962, section 2.1: leaves, nodes, an appendable frontier. Pure.

Subtrees of 256, 65,536, ... leaves are *landmarks*: ``extend`` hands out their roots once, to be stored, so that a proof
in a log of millions reads a few hundred hashes and never the log.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

LANDMARK_LEVELS = 8  # a landmark stands at every eighth level
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """``SHA-256(0x00 || entry)``."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """``SHA-256(0x01 || left || right)``."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Landmark:
    """Root of the full subtree over leaves ``index * 2**level`` to ``(index + 1) * 2**level - 1``."""

    level: int
    index: int
    digest: bytes


def extend(
    frontier: Sequence[bytes],
    size: int,
    leaves: Iterable[bytes],
    on_landmark: Callable[[Landmark], object] | None = None,
) -> tuple[list[bytes], int]:
    """Append leaf hashes.

    Args:
        frontier: Roots of the full subtrees, largest first: one for each set bit of ``size``.
        size: How many leaves there are.
        leaves: Leaf hashes to append.
        on_landmark: Told of each landmark that became full.

    Returns:
        The new frontier and size.
    """
    stack = list(frontier)
    for leaf in leaves:
        top, index, level = leaf, size, 0
        while index & 1:
            top, index, level = node_hash(stack.pop(), top), index >> 1, level + 1
            if on_landmark is not None and level % LANDMARK_LEVELS == 0:
                on_landmark(Landmark(level, index, top))
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
