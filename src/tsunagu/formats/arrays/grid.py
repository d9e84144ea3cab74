"""How an array is cut: into chunks that are read one by one, and shards, the files that hold many of them.

A shard is always a piece that its source can give in one go: a run of bytes of a file that holds the numbers in order,
or whole chunks of a file that is chunked itself. So every number is read once, and never more than a shard is held.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARD_BYTES = 64 << 20
CHUNK_BYTES = 2 << 20
_LEAST_CHUNK_BYTES = 256 << 10
_MOST_CHUNK_BYTES = 8 << 20

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """Shapes of chunks and shards; a shard's is a multiple of a chunk's along every axis."""

    shape: Shape
    chunk: Shape
    shard: Shape

    @property
    def is_sharded(self) -> bool:
        """Whether a file holds more than one chunk."""
        return self.chunk != self.shard

    def shards(self, first: int = 0) -> Iterator[tuple[Shape, tuple[slice, ...]]]:
        """Place in the grid and extent in the array of every shard, in order along axes from ``first`` on."""
        counts = [range(-(-n // size)) for n, size in zip(self.shape, self.shard, strict=True)]
        for place in product(*counts[first:]):
            yield (
                place,
                tuple(
                    slice(i * size, min(n, (i + 1) * size))
                    for i, size, n in zip(place, self.shard[first:], self.shape[first:], strict=True)
                ),
            )


def choose(
    shape: Shape,
    item_bytes: int,
    *,
    native: Shape | None = None,
    is_reversed: bool = False,
    shard_bytes: int = SHARD_BYTES,
) -> Grid:
    """The grid of one array.

    Args:
        shape: Of the array; no axis has length 0.
        item_bytes: Of one number.
        native: The chunks of the source, where it has some and gives any part of the array as easily as another.
        is_reversed: Whether the first axis runs fastest in the source.
        shard_bytes: About how large a shard is at most before compression.
    """
    if not shape:
        return Grid((), (), ())
    if is_reversed:
        turned = choose(shape[::-1], item_bytes, shard_bytes=shard_bytes)
        return Grid(shape, turned.chunk[::-1], turned.shard[::-1])
    if native is not None:
        return _after_source(shape, item_bytes, native, shard_bytes)
    shard = _run(shape, item_bytes, shard_bytes)
    chunk = _chunk_in(shard, item_bytes)
    return Grid(shape, chunk, _multiples(shard, chunk, shape))


def _run(shape: Shape, item_bytes: int, most: int) -> Shape:
    """The longest run of numbers in their order: single steps, one part of an axis, whole axes."""
    found: list[int] = []
    taken = item_bytes
    for length in reversed(shape):
        part = max(1, min(length, most // taken))
        found.append(part)
        # Once an axis is not whole, those before it go in single steps.
        taken = taken * length if part == length else most
    return tuple(reversed(found))


def _chunk_in(shard: Shape, item_bytes: int) -> Shape:
    """A part of a shard to be read alone: planes and volumes first, then parts of them."""
    chunk = list(shard)
    for axis in range(max(0, len(chunk) - 2)):
        while chunk[axis] > 1 and prod(chunk) * item_bytes > CHUNK_BYTES:
            chunk[axis] = -(-chunk[axis] // 2)
    while prod(chunk) * item_bytes > 2 * CHUNK_BYTES and max(chunk) > 1:
        axis = chunk.index(max(chunk))
        chunk[axis] = -(-chunk[axis] // 2)
    return tuple(chunk)


def _multiples(shard: Shape, chunk: Shape, shape: Shape) -> Shape:
    """Whole chunks: rounded up where the axis ends (there is nothing beyond), down elsewhere."""
    return tuple(
        -(-size // part) * part if size == length else max(1, size // part) * part
        for size, part, length in zip(shard, chunk, shape, strict=True)
    )


def _after_source(shape: Shape, item_bytes: int, native: Shape, shard_bytes: int) -> Grid:
    block = tuple(max(1, min(part, length)) for part, length in zip(native, shape, strict=True))
    if prod(block) * item_bytes > shard_bytes:
        # One chunk of the source is more than a shard: it is read again for every shard that it reaches into.
        return choose(shape, item_bytes, shard_bytes=shard_bytes)
    chunk = block
    if prod(block) * item_bytes > _MOST_CHUNK_BYTES:
        chunk = _chunk_in(block, item_bytes)
    elif prod(block) * item_bytes < _LEAST_CHUNK_BYTES:
        chunk = _grown(block, shape, item_bytes, CHUNK_BYTES)
        block = chunk
    block = tuple(-(-size // part) * part for size, part in zip(block, chunk, strict=True))
    return Grid(shape, chunk, _grown(block, shape, item_bytes, shard_bytes))


def _grown(block: Shape, shape: Shape, item_bytes: int, most: int) -> Shape:
    """As many blocks together as fit, along the last axes first."""
    grown = list(block)
    for axis in reversed(range(len(grown))):
        room = most // (prod(grown) * item_bytes)
        grown[axis] *= max(1, min(room, -(-shape[axis] // grown[axis])))
    return tuple(grown)
