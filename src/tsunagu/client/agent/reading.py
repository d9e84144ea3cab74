"""Reading files of others without getting in their way: read-only, every kind of sharing allowed, no locks."""

from __future__ import annotations

import hashlib
import os
from typing import Callable, NamedTuple

from . import names

_PIECE = 1 << 20
_TAIL = 4096
_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


class MovedError(Exception):
    """The file is not what it was when it was seen at rest."""


class Still(NamedTuple):
    """Size in bytes and time of change in nanoseconds, as seen at rest."""

    size: int
    mtime_ns: int


def open_shared(native: str) -> int:
    """A descriptor for reading. The instrument's program may go on to write, rename and delete the file.

    Raises:
        OSError: it cannot be opened; on Windows also while a writer denies others to read.
    """
    path = names.extended(native)
    if os.name != "nt":
        return os.open(path, _FLAGS)
    return _open_windows(path)  # pragma: no cover - runs on Windows


def _open_windows(path: str) -> int:  # pragma: no cover - runs on Windows
    # open() denies others to rename or delete the file while it is read; CreateFileW with all shares does not.
    import ctypes
    import msvcrt
    from ctypes import wintypes

    kernel = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined]
    create = kernel.CreateFileW
    create.restype = wintypes.HANDLE
    create.argtypes = [
        wintypes.LPCWSTR, wintypes.DWORD, wintypes.DWORD, wintypes.LPVOID, wintypes.DWORD, wintypes.DWORD, wintypes.HANDLE,
    ]  # fmt: skip
    generic_read, share_all, open_existing = 0x80000000, 0x7, 3
    handle = create(path, generic_read, share_all, None, open_existing, 0, None)
    if handle == wintypes.HANDLE(-1).value:
        raise ctypes.WinError(ctypes.get_last_error())  # type: ignore[attr-defined]
    return int(msvcrt.open_osfhandle(handle, os.O_RDONLY | os.O_BINARY))  # type: ignore[attr-defined]


def probe(native: str, still: Still) -> None:
    """Open the file and see that it is what the folder said; shares answer from a cache until a file is opened.

    Raises:
        MovedError: it has another size or time.
        OSError: it cannot be opened for reading.
    """
    handle = open_shared(native)
    try:
        os.read(handle, 1)
        _compare(handle, still)
    finally:
        os.close(handle)


def read_small(native: str, still: Still) -> bytes:
    """The whole content, unchanged while it was read.

    Raises:
        MovedError: it changed.
        OSError: it cannot be read.
    """
    handle = open_shared(native)
    try:
        _compare(handle, still)
        content = _read_exactly(handle, still.size)
        if os.read(handle, 1):
            raise MovedError
        _compare(handle, still)
        _compare_path(native, still)
        return content
    finally:
        os.close(handle)


class Hashing:
    """SHA-256 of a large file in pieces, so that the agent can do other things between them."""

    def __init__(self, native: str, still: Still) -> None:
        self.native, self.still = native, still
        self._offset = 0
        self._hash = hashlib.sha256()

    def go_on(self, is_time_up: Callable[[], bool]) -> str | None:
        """Hash until the time is up; the digest in hexadecimal when the end was reached.

        Raises:
            MovedError: the file changed since it was seen at rest.
            OSError: it cannot be read.
        """
        handle = open_shared(self.native)
        try:
            _compare(handle, self.still)
            os.lseek(handle, self._offset, os.SEEK_SET)
            while self._offset < self.still.size:
                piece = os.read(handle, min(_PIECE, self.still.size - self._offset))
                if not piece:
                    raise MovedError
                self._hash.update(piece)
                self._offset += len(piece)
                if is_time_up() and self._offset < self.still.size:
                    return None
            _compare(handle, self.still)
            _compare_path(self.native, self.still)
        finally:
            os.close(handle)
        return self._hash.hexdigest()


def read_piece(native: str, still: Still, offset: int, count: int) -> bytes:
    """A piece of a file that must still be what it was.

    Raises:
        MovedError: it changed.
        OSError: it cannot be read.
    """
    handle = open_shared(native)
    try:
        _compare(handle, still)
        os.lseek(handle, offset, os.SEEK_SET)
        piece = _read_exactly(handle, count)
        _compare(handle, still)
        return piece
    finally:
        os.close(handle)


def _read_exactly(handle: int, count: int) -> bytes:
    pieces, missing = [], count
    while missing:
        piece = os.read(handle, missing)
        if not piece:
            raise MovedError
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def last_line_is(native: str, marker: str) -> bool:
    """Whether the last line that is not blank is the marker, in UTF-8, CP932 or UTF-16."""
    handle = open_shared(native)
    try:
        size = os.fstat(handle).st_size
        start = max(0, size - _TAIL)
        start -= start % 2  # UTF-16 has two bytes a character
        os.lseek(handle, start, os.SEEK_SET)
        tail = os.read(handle, _TAIL + 1)
    finally:
        os.close(handle)
    for encoding in ("utf-8", "cp932", "utf-16-le", "utf-16-be"):
        lines = tail.decode(encoding, "ignore").rstrip().splitlines()
        if lines and lines[-1].strip() == marker.strip():
            return True
    return False


def _compare(handle: int, still: Still) -> None:
    now = os.fstat(handle)
    if (now.st_size, now.st_mtime_ns) != (still.size, still.mtime_ns):
        raise MovedError


def _compare_path(native: str, still: Still) -> None:
    # The name may belong to another file by now (write beside, then rename).
    now = os.stat(names.extended(native))
    if (now.st_size, now.st_mtime_ns) != (still.size, still.mtime_ns):
        raise MovedError
