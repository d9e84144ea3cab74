"""Shards: which chunks of which xorbs, in which order, make which files.

Source: huggingface/xet-core v1.6.0, ``mdb_shard`` (layout as uploaded: without look-up tables and footer).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from tsunagu.core.errors import InvalidInputError
from tsunagu.dataplane.cas.hashes import SIZE, as_text

if TYPE_CHECKING:
    import mmap
    from collections.abc import Iterator

    Buffer = bytes | mmap.mmap

MOST_BYTES = 64 << 20
_TAG = b"HFRepoMetaData\0" + bytes.fromhex("55696745 6a7b8157 83a5bdd9 5ccdd14a a9")
_VERSION = 2
_START = struct.Struct(f"<{len(_TAG)}sQQ")
_HEAD = struct.Struct(f"<{SIZE}sII8x")
_ENTRY = struct.Struct(f"<{SIZE}sIIII")
_BLOCK = _HEAD.size
_LAST = b"\xff" * SIZE
_HAS_PROOFS, _HAS_SHA256 = 1 << 31, 1 << 30


class BadShardError(InvalidInputError):
    """A shard that cannot be read, or that names what is not there."""

    code = "dataplane.bad_shard"
    status = 400
    default_message = (
        "The list of files of this upload cannot be read, or does not fit the data that was sent."
    )
    default_remedy = "Upload the files again; if it happens again, set HF_HUB_DISABLE_XET=1."


class Segment(NamedTuple):
    """Chunks ``start`` to before ``end`` of a xorb, their plain length, and the proof that the client has them."""

    xorb: bytes
    length: int
    start: int
    end: int
    proof: bytes


class ShardFile(NamedTuple):
    """A file of a shard; ``sha256`` in hexadecimal digits, empty where the client did not say."""

    digest: bytes
    segments: list[Segment]
    sha256: str

    @property
    def size(self) -> int:
        """Its plain length, as the shard says."""
        return sum(segment.length for segment in self.segments)


def read_shard(data: Buffer) -> Iterator[ShardFile]:
    """The files of a shard. Counts are believed only as far as there are bytes.

    What it says of xorbs is passed over: those were looked at when they came.

    Raises:
        BadShardError: it cannot be read.
    """
    if len(data) < _START.size:
        raise BadShardError
    tag, version, _footer = _START.unpack_from(data)
    if (tag, version) != (_TAG, _VERSION):
        raise BadShardError("This list of files has an unknown form.")
    position = _START.size
    while True:
        digest, flags, count = _HEAD.unpack(_block(data, position))
        if digest == _LAST:
            return
        blocks = count * (2 if flags & _HAS_PROOFS else 1) + bool(flags & _HAS_SHA256)
        if not count or position + _BLOCK * (1 + blocks) > len(data):
            raise BadShardError
        if not flags & _HAS_PROOFS:
            raise BadShardError("A file comes without proof that its data are known.", file=as_text(digest))
        yield _read_file(data, position + _BLOCK, digest, flags, count)
        position += _BLOCK * (1 + blocks)


def _block(data: Buffer, position: int) -> bytes:
    block = bytes(data[position : position + _BLOCK])
    if len(block) < _BLOCK:
        raise BadShardError("The list of files was cut off.")
    return block


def _read_file(data: Buffer, position: int, digest: bytes, flags: int, count: int) -> ShardFile:
    proofs = position + count * _BLOCK
    segments = []
    for number in range(count):
        xorb, _flags, length, start, end = _ENTRY.unpack_from(data, position + number * _BLOCK)
        place = proofs + number * _BLOCK
        if not start < end or not length:
            raise BadShardError("A file names no chunk.", file=as_text(digest))
        segments.append(Segment(xorb, length, start, end, bytes(data[place : place + SIZE])))
    sha256 = ""
    if flags & _HAS_SHA256:
        place = proofs + count * _BLOCK
        sha256 = as_text(bytes(data[place : place + SIZE]))
    return ShardFile(digest, segments, sha256)
