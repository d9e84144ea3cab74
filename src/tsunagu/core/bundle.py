"""The bundle: many small files in one body, the same on the wire and in a pack on the disk.

Standard library only: the light client writes bundles and reads them back. Layout (docs/reference/wire.md),
repeated per file, big-endian: ``u16 path length | u64 size | 32 bytes sha256 | path (UTF-8) | content``.
A ``u16`` 0 ends it; a bundle without that end mark was cut off and is refused whole.
"""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING, NamedTuple, Protocol

from tsunagu.core.errors import ChecksumMismatchError, InvalidInputError
from tsunagu.core.paths import MAX_PATH_BYTES, BadPathError, check_path

if TYPE_CHECKING:
    import mmap
    from collections.abc import Iterator

MEDIA_TYPE = "application/vnd.tsunagu.bundle; version=1"
MAX_FILES = 100_000
END = b"\0\0"
_HEADER = struct.Struct(">HQ32s")
HEADER_SIZE = _HEADER.size
_PIECE = 1 << 20


class DamagedBundleError(InvalidInputError):
    """A bundle that was cut off, or holds something that no writer of ours makes."""

    code = "bundles.damaged"
    default_message = "The bundle is damaged or was cut off."
    default_remedy = "Send it again; nothing of it was kept."


class Entry(NamedTuple):
    """One file of a bundle: its content stands at ``offset`` of the bundle, ``size`` bytes long."""

    path: str
    size: int
    sha256: str
    offset: int


class Member(NamedTuple):
    """One file of a bundle that is read from a stream."""

    path: str
    size: int
    sha256: str


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def encode_header(path: str, size: int, sha256: bytes) -> bytes:
    """What stands before the content of one file.

    Args:
        path: As ``check_path`` returns it.
        size: Bytes of content that will follow.
        sha256: The 32 raw bytes of the hash of that content.
    """
    name = path.encode()
    return _HEADER.pack(len(name), size, sha256) + name


class BundleParser:
    """Reads a bundle that grows inside a buffer, such as a mapped file that is being received.

    Every file is checked as soon as all of it is there. ``entries`` holds what was found so far.
    """

    def __init__(self, *, max_files: int = MAX_FILES) -> None:
        self.entries: list[Entry] = []
        self.content_bytes = 0
        self.position = 0
        self.is_ended = False
        self._seen: set[str] = set()
        self._max_files = max_files

    def advance(self, buffer: memoryview | mmap.mmap | bytes, end: int, *, base: int = 0) -> None:
        """Read all files that are complete before byte ``end`` of the bundle.

        Args:
            buffer: The bundle from byte ``base`` on; ``base`` is at most ``position``.
            end: How far the bundle has arrived, counted from its start.
            base: Where the buffer starts in the bundle: a caller may map a window instead of the whole file.

        Raises:
            DamagedBundleError: bytes after the end mark, too many files, a path twice or not UTF-8.
            BadPathError: with ``fields.path``.
            ChecksumMismatchError: with ``fields.path``.
        """
        position, end, entries, seen = self.position - base, end - base, self.entries, self._seen
        with memoryview(buffer) as view:
            while not self.is_ended and end - position >= HEADER_SIZE:
                length, size, digest = _HEADER.unpack_from(view, position)
                if not length:
                    break
                if length > MAX_PATH_BYTES:
                    raise BadPathError(f"A path is longer than {MAX_PATH_BYTES:,} bytes.", file=len(entries))
                start = position + HEADER_SIZE + length
                if start + size > end:
                    break
                path = _decode_path(bytes(view[start - length : start]))
                if path in seen:
                    raise DamagedBundleError("A bundle holds one path twice.", path=path)
                # The slice is released at once: a view that lives keeps the mapped file from being closed.
                with view[start : start + size] as content:
                    if hashlib.sha256(content).digest() != digest:
                        raise ChecksumMismatchError(path=path)
                seen.add(path)
                entries.append(Entry(path, size, digest.hex(), base + start))
                if len(entries) > self._max_files:
                    raise DamagedBundleError(f"A bundle holds more than {self._max_files:,} files.")
                self.content_bytes += size
                position = start + size
            if not self.is_ended and end - position >= len(END) and view[position : position + 2] == END:
                self.is_ended = True
                position += len(END)
            self.position = base + position
        if self.is_ended and end > position:
            raise DamagedBundleError("There are bytes after the end of the bundle.")

    def finish(self) -> None:
        """Say that nothing more comes.

        Raises:
            DamagedBundleError: the end mark has not been seen.
        """
        if not self.is_ended:
            raise DamagedBundleError("The bundle was cut off before its end mark.", files=len(self.entries))


def read_stream(stream: _Readable) -> Iterator[tuple[Member, Iterator[bytes]]]:
    """The files of a bundle, one after the other, from a socket or file.

    Each content iterator yields pieces of at most 1 MiB and checks the hash at its end; what is left of it
    unread is read and checked before the next file comes. Paths are as the sender wrote them: check them before use.

    Raises:
        DamagedBundleError: cut off, or not a bundle.
        ChecksumMismatchError: with ``fields.path``.
    """
    while True:
        mark = _read_exactly(stream, len(END))
        if mark == END:
            return
        length, size, digest = _HEADER.unpack(mark + _read_exactly(stream, HEADER_SIZE - len(END)))
        if length > MAX_PATH_BYTES:
            raise DamagedBundleError("This is not a bundle.")
        try:
            path = _read_exactly(stream, length).decode()
        except UnicodeDecodeError as error:
            raise DamagedBundleError("A path in the bundle is not UTF-8.") from error
        content = _read_content(stream, path, size, digest)
        yield Member(path, size, digest.hex()), content
        for _ in content:
            pass


def _read_content(stream: _Readable, path: str, size: int, digest: bytes) -> Iterator[bytes]:
    checksum = hashlib.sha256()
    while size:
        piece = stream.read(min(size, _PIECE))
        if not piece:
            raise DamagedBundleError("The bundle was cut off.", path=path)
        size -= len(piece)
        checksum.update(piece)
        yield piece
    if checksum.digest() != digest:
        raise ChecksumMismatchError(path=path)


def _read_exactly(stream: _Readable, size: int) -> bytes:
    pieces = []
    while size:
        piece = stream.read(size)
        if not piece:
            raise DamagedBundleError("The bundle was cut off before its end mark.")
        size -= len(piece)
        pieces.append(piece)
    return b"".join(pieces)


def _decode_path(raw: bytes) -> str:
    try:
        return check_path(raw.decode())
    except UnicodeDecodeError:
        raise BadPathError(
            "A file name is not UTF-8.", path=raw.decode("utf-8", "backslashreplace")
        ) from None
