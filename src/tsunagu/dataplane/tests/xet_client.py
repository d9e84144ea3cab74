"""What a Xet client makes: chunks, xorbs and shards. Written from the format, so that tests can also make wrong ones."""

from __future__ import annotations

import hashlib
import random
import struct
from typing import NamedTuple

import lz4.frame
from blake3 import blake3

from tsunagu.dataplane.cas import hashes

_NODE = bytes.fromhex("017ec5c7a5472996fd946666b48a02e65ddd536f37c76dd2f86352e64a53713f")
TAG = b"HFRepoMetaData\0" + bytes.fromhex("55696745 6a7b8157 83a5bdd9 5ccdd14a a9")
LAST = b"\xff" * 32 + bytes(16)


def plain_root(leaves: list[tuple[bytes, int]]) -> bytes:
    """The tree as the description has it: level by level, all in memory."""
    while len(leaves) > 1:
        above, group = [], []
        for digest, length in leaves:
            group.append((digest, length))
            is_end = int.from_bytes(digest[24:], "little") % 4 == 0
            if len(group) == 9 or (len(group) > 2 and is_end):
                above.append(_node(group))
                group = []
        leaves = [*above, _node(group)] if group else above
    return leaves[0][0]


def _node(group: list[tuple[bytes, int]]) -> tuple[bytes, int]:
    lines = "".join(f"{hashes.as_text(digest)} : {length}\n" for digest, length in group)
    return blake3(lines.encode(), key=_NODE).digest(), sum(length for _, length in group)


def pack(chunk: bytes, scheme: int) -> bytes:
    if scheme == 2:
        chunk_planes = b"".join(chunk[number::4] for number in range(4))
        data = lz4.frame.compress(chunk_planes)
    else:
        data = lz4.frame.compress(chunk) if scheme == 1 else chunk
    return header(len(data), scheme, len(chunk)) + data


def header(packed: int, scheme: int, length: int, version: int = 0) -> bytes:
    return bytes([version]) + packed.to_bytes(3, "little") + bytes([scheme]) + length.to_bytes(3, "little")


class Xorb(NamedTuple):
    chunks: list[bytes]
    body: bytes

    @property
    def name(self) -> bytes:
        return plain_root([(hashes.chunk_hash(one), len(one)) for one in self.chunks])

    @property
    def place(self) -> str:
        return f"v1/xorbs/default/{hashes.as_text(self.name)}"


def xorb(chunks: list[bytes], schemes: tuple[int, ...] = (0, 1, 2)) -> Xorb:
    body = b"".join(pack(one, schemes[number % len(schemes)]) for number, one in enumerate(chunks))
    return Xorb(chunks, body)


def noise(seed: int, count: int, size: int = 5000) -> list[bytes]:
    """Chunks that differ from each other, some of which shrink."""
    made = random.Random(seed)
    return [made.randbytes(size // 2) + bytes([number % 7]) * (size - size // 2) for number in range(count)]


class Part(NamedTuple):
    """Chunks of a xorb in a file."""

    xorb: Xorb
    start: int
    end: int

    @property
    def chunks(self) -> list[bytes]:
        return self.xorb.chunks[self.start : self.end]


def shard(*files: list[Part], **wrong: object) -> bytes:
    """A shard; ``wrong`` puts other values into the places named."""
    body = b"".join(_file(parts, wrong) for parts in files)
    return TAG + struct.pack("<QQ", 2, 0) + body + LAST + LAST


def _file(parts: list[Part], wrong: dict[str, object]) -> bytes:
    chunks = [chunk for part in parts for chunk in part.chunks]
    root = plain_root([(hashes.chunk_hash(one), len(one)) for one in chunks])
    digest = wrong.get("digest") or blake3(root, key=bytes(32)).digest()
    sha256 = str(wrong.get("sha256") or hashlib.sha256(b"".join(chunks)).hexdigest())
    flags = int(str(wrong.get("flags", (1 << 31) | (1 << 30))))
    count = int(str(wrong.get("count", len(parts))))
    made = struct.pack("<32sII8x", digest, flags, count)
    for part in parts:
        length = int(str(wrong.get("length", sum(map(len, part.chunks)))))
        made += struct.pack("<32sIIII", part.xorb.name, 0, length, part.start, part.end)
    for part in parts:
        proof = hashes.range_hash(hashes.chunk_hash(one) for one in part.chunks)
        made += bytes(wrong.get("proof") or proof) + bytes(16)  # type: ignore[call-overload]
    return made + (hashes.from_text(sha256) or b"") + bytes(16)
