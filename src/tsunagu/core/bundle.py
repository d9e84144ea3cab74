"""Bundles: many small files as one stream (docs/reference/wire.md, "Pushing files", 3). Standard library only.

Repeated per file: ``u16 path length | u64 size | 32 bytes sha256 | path (UTF-8) | content``, big-endian; a u16 0 ends.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from tsunagu.core.errors import ChecksumMismatchError, InvalidInputError
from tsunagu.core.paths import check_path

MEDIA_TYPE = "application/vnd.tsunagu.bundle; version=1"
MOST_BYTES = 80 << 20
MOST_FILES = 100_000
SMALL_FILE_BYTES = 1 << 20
END = b"\x00\x00"
_HEAD = struct.Struct(">HQ32s")


class BrokenBundleError(InvalidInputError):
    """A bundle ends early or does not have the form."""

    code = "core.broken_bundle"
    default_message = "The bundle is not whole; nothing of it was kept."
    default_remedy = "Send it again."


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in a bundle; ``offset`` is where its content starts."""

    path: str
    byte_count: int
    sha256: bytes
    offset: int


def head(path: bytes, byte_count: int, sha256: bytes) -> bytes:
    """What stands before a file's content."""
    return _HEAD.pack(len(path), byte_count, sha256) + path


def read(data: bytes | bytearray | memoryview) -> Iterator[Entry]:
    """The files of a whole bundle, each checked against its hash.

    Raises:
        BrokenBundleError: it ends early, has no end mark, or holds too many files.
        ChecksumMismatchError: content and hash differ; ``fields.path`` names the file.
        BadPathError: a path cannot stand in a dataset.
    """
    view = memoryview(data)
    size, position, count = len(view), 0, 0
    while True:
        if position + 2 > size:
            raise BrokenBundleError("The bundle ends without its end mark.")
        path_length = int.from_bytes(view[position : position + 2], "big")
        if path_length == 0:
            if position + 2 != size:
                raise BrokenBundleError("There are bytes after the end mark of the bundle.")
            return
        if position + _HEAD.size + path_length > size:
            raise BrokenBundleError("The bundle ends in the middle of a file's head.")
        _, byte_count, sha256 = _HEAD.unpack_from(view, position)
        position += _HEAD.size
        path = _path(bytes(view[position : position + path_length]))
        position += path_length
        if position + byte_count > size:
            raise BrokenBundleError("The bundle ends in the middle of a file.", path=path)
        if hashlib.sha256(view[position : position + byte_count]).digest() != sha256:
            raise ChecksumMismatchError(f"{path} arrived with other bytes than announced.", path=path)
        count += 1
        if count > MOST_FILES:
            raise BrokenBundleError(f"A bundle holds at most {MOST_FILES:,} files.")
        yield Entry(path, byte_count, sha256, position)
        position += byte_count


def _path(raw: bytes) -> str:
    try:
        return check_path(raw.decode("utf-8"))
    except UnicodeDecodeError:
        raise BrokenBundleError("A path in the bundle is not UTF-8.", path=raw.decode("utf-8", "backslashreplace")) from None
