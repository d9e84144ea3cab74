"""Inclusion and consistency proofs of RFC 9162, sections 2.1.3 and 2.1.4: making and checking them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tsunagu.foundation.ledger.merkle import EMPTY_ROOT, node_hash

Nodes = Callable[[int, int], bytes]
"""Gives the root of the full subtree over leaves ``index * 2**level`` to ``(index + 1) * 2**level - 1``."""


def root_at(nodes: Nodes, size: int) -> bytes:
    """The tree head over the first ``size`` leaves."""
    return _root(nodes, 0, size) if size else EMPTY_ROOT


def inclusion(nodes: Nodes, index: int, size: int) -> list[bytes]:
    """PATH(index, D[size]): what leads from a leaf to the tree head, leaf side first.

    Raises:
        ValueError: the leaf is not among the first ``size``.
    """
    if not 0 <= index < size:
        raise ValueError(f"entry {index} is not in a tree of {size}")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_root(nodes, middle, end))
            end = middle
        else:
            path.append(_root(nodes, start, middle))
            start = middle
    return path[::-1]


def consistency(nodes: Nodes, old: int, new: int) -> list[bytes]:
    """PROOF(old, D[new]): that the tree of ``new`` leaves only adds to the tree of ``old``; empty when they are equal.

    Raises:
        ValueError: ``old`` is 0 or more than ``new``.
    """
    if not 0 < old <= new:
        raise ValueError(f"there is no consistency proof from {old} to {new}")
    proof: list[bytes] = []
    start, end, is_whole = 0, new, True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            proof.append(_root(nodes, middle, end))
            end = middle
        else:
            proof.append(_root(nodes, start, middle))
            start, is_whole = middle, False
    if not is_whole:
        proof.append(_root(nodes, start, end))
    return proof[::-1]


def is_included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether the path leads from the leaf to the root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, top = index, size - 1, leaf
    for step in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            top = node_hash(step, top)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            top = node_hash(top, step)
        place, last = place >> 1, last >> 1
    return last == 0 and top == root


def is_consistent(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the newer tree only adds to the older one (RFC 9162, 2.1.4.2)."""
    if old == new:
        return not proof and old_root == new_root
    if not 0 < old < new or not proof:
        return False
    steps = list(proof) if old & (old - 1) else [old_root, *proof]
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    first = second = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            second = node_hash(second, step)
        place, last = place >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root


def _split(width: int) -> int:
    """The largest power of two below ``width`` (2 or more)."""
    return 1 << (width - 1).bit_length() - 1


def _root(nodes: Nodes, start: int, end: int) -> bytes:
    width = end - start
    if width & (width - 1) == 0:  # full, and aligned: the tree splits at powers of two
        level = width.bit_length() - 1
        return nodes(level, start >> level)
    middle = start + _split(width)
    return node_hash(_root(nodes, start, middle), _root(nodes, middle, end))
