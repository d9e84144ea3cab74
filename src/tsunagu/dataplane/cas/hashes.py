"""The hashes of Xet: BLAKE3 with one key per purpose, and a tree whose shape follows from the hashes themselves.

Source: huggingface/xet-core v1.6.0, ``merklehash`` and ``cas_object`` (keys, grouping).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from blake3 import blake3

if TYPE_CHECKING:
    from collections.abc import Iterable

SIZE = 32
_CHUNK_KEY = bytes.fromhex("6697f5775b9550de3135cbaca597181c9de421109beb2b58b4d0b04b93adf229")
_NODE_KEY = bytes.fromhex("017ec5c7a5472996fd946666b48a02e65ddd536f37c76dd2f86352e64a53713f")
_RANGE_KEY = bytes.fromhex("7f1857d6ce56ed66127ff913e7a5c3f3a4cd26d5b5db49e64124987f28fb94c3")
_FILE_KEY = bytes(SIZE)
_TEXT = re.compile(r"[0-9a-f]{64}\Z")
_LEAST, _MOST, _MEAN = 3, 9, 4


def as_text(digest: bytes) -> str:
    """A hash as it stands in addresses: four little-endian numbers of 64 bits in hexadecimal digits."""
    return "".join(digest[start : start + 8][::-1].hex() for start in range(0, SIZE, 8))


def from_text(text: str) -> bytes | None:
    """The hash that a text means; None: it is none."""
    if not _TEXT.match(text):
        return None
    raw = bytes.fromhex(text)
    return b"".join(raw[start : start + 8][::-1] for start in range(0, SIZE, 8))


def chunk_hash(data: bytes) -> bytes:
    """Of the plain bytes of a chunk."""
    return blake3(data, key=_CHUNK_KEY).digest()


def range_hash(hashes: Iterable[bytes]) -> bytes:
    """What proves that a client has the chunks of a range: a hash over their hashes."""
    return blake3(b"".join(hashes), key=_RANGE_KEY).digest()


class Tree:
    """The root over chunks, fed one by one: the memory of it does not grow with the file.

    From the third member on a group ends with the first one whose last number is divisible by four, at the latest with
    the ninth; what is left at the end is a group too, even a single member.
    """

    def __init__(self) -> None:
        self._levels: list[list[tuple[bytes, int]]] = []
        self._counts: list[int] = []

    def add(self, digest: bytes, length: int) -> None:
        """The next chunk."""
        self._put(0, digest, length)

    def root(self) -> bytes:
        """The root; nothing may be added afterwards. That of no chunk is zero."""
        if not self._levels:
            return bytes(SIZE)
        level = 0
        while self._counts[level] > 1:
            if self._levels[level]:
                self._close(level)
            level += 1
        return self._levels[level][0][0]

    def file_root(self) -> bytes:
        """The hash of a file with these chunks."""
        return blake3(self.root(), key=_FILE_KEY).digest()

    def _put(self, level: int, digest: bytes, length: int) -> None:
        if level == len(self._levels):
            self._levels.append([])
            self._counts.append(0)
        group = self._levels[level]
        group.append((digest, length))
        self._counts[level] += 1
        is_end = int.from_bytes(digest[24:], "little") % _MEAN == 0
        if len(group) == _MOST or (len(group) >= _LEAST and is_end):
            self._close(level)

    def _close(self, level: int) -> None:
        group, self._levels[level] = self._levels[level], []
        lines = "".join(f"{as_text(digest)} : {length}\n" for digest, length in group)
        node = blake3(lines.encode(), key=_NODE_KEY).digest()
        self._put(level + 1, node, sum(length for _, length in group))
