"""The order in which a stream reads: pure, and a function of its arguments alone.

Row groups are cut into pieces, the pieces are put into the epoch's order, dealt out to the shards (a shard is one worker
of one rank), and gathered into windows; rows are shuffled within a window. Since all of it follows from seed, epoch and
number of shards, the position in a stream is one number: how many rows of the epoch were delivered.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_PIECES_PER_SHARD = 4


@dataclass(frozen=True, slots=True)
class Group:
    """A row group of a file.

    Attributes:
        file: Number of the file in the plan.
        index: Number of the row group in the file.
        rows: How many it has.
        byte_count: Its decoded size as the file says, bytes.
    """

    file: int
    index: int
    rows: int
    byte_count: int


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows ``start`` to ``start + rows`` of a row group."""

    group: Group
    start: int
    rows: int


@dataclass(frozen=True, slots=True)
class Window:
    """Pieces whose rows are shuffled together; ``first`` is the position of its first row in the shard's epoch."""

    number: int
    first: int
    rows: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Shard:
    """One reader's part of the data.

    Attributes:
        number: Which one, from 0.
        count: How many there are.
    """

    number: int = 0
    count: int = 1


def cut(groups: Sequence[Group], shards: int, most_bytes: int) -> list[Piece]:
    """Row groups as pieces: whole ones, or parts where there are too few for the shards or they are too large.

    A part costs the fetch of its whole row group, so nothing is cut without need.
    """
    total = sum(group.rows for group in groups)
    longest = total
    if shards > 1 and len(groups) < shards * _PIECES_PER_SHARD:
        longest = max(1, -(-total // (shards * _PIECES_PER_SHARD)))
    pieces = []
    for group in groups:
        limit = longest
        if group.byte_count > most_bytes:
            limit = min(limit, max(1, group.rows * most_bytes // group.byte_count))
        edges = [*range(0, group.rows, limit), group.rows]
        pieces += [Piece(group, start, end - start) for start, end in pairwise(edges)]
    return pieces


def permutation(count: int, *key: object) -> NDArray[np.int64]:
    """A permutation of ``range(count)`` that depends on the key alone, on every machine and version of NumPy.

    ``Generator.permutation`` may change between versions; the raw numbers of Philox may not (NEP 19).
    """
    digest = hashlib.sha256("|".join(map(str, key)).encode()).digest()
    raw = np.random.Philox(key=np.frombuffer(digest[:16], dtype="<u8")).random_raw(count)
    return np.argsort(raw, kind="stable")


def shares(pieces: Sequence[Piece], count: int, *, seed: int, epoch: int, shuffle: bool) -> list[list[Piece]]:
    """The pieces of every shard, in the order of the epoch: each piece stands in exactly one.

    Shuffled pieces are dealt out one by one. In the order of the files each shard gets a run of neighbours.
    """
    if shuffle:
        ordered = [pieces[at] for at in permutation(len(pieces), "pieces", seed, epoch)]
        return [ordered[number::count] for number in range(count)]
    total = sum(piece.rows for piece in pieces)
    dealt: list[list[Piece]] = [[] for _ in range(count)]
    before = 0
    for piece in pieces:
        middle = before + piece.rows / 2
        dealt[min(count - 1, int(middle * count / max(1, total)))].append(piece)
        before += piece.rows
    return dealt


def windows(pieces: Sequence[Piece], *, rows: int, most_bytes: int, shuffle: bool) -> list[Window]:
    """Pieces gathered until a window has ``rows`` rows or ``most_bytes`` bytes; without shuffling each is its own."""
    found: list[Window] = []
    gathered: list[Piece] = []
    first = 0
    for piece in pieces:
        gathered.append(piece)
        held = sum(one.rows for one in gathered)
        size = sum(one.group.byte_count * one.rows // max(1, one.group.rows) for one in gathered)
        if not shuffle or held >= rows or size >= most_bytes:
            found.append(Window(len(found), first, held, tuple(gathered)))
            first, gathered = first + held, []
    if gathered:
        found.append(Window(len(found), first, sum(one.rows for one in gathered), tuple(gathered)))
    return found
