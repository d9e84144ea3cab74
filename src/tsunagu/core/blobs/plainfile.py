"""Writing into a plain file: what the writers of a folder and of S3 have in common."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from typing import TYPE_CHECKING

from tsunagu.core.errors import StorageFullError, TsunaguError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

_SYNC_FILE_RANGE_WRITE = 2
_ENDLESS = 1 << 62
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def translate(error: OSError) -> TsunaguError:
    """The error of the tree that says what a failed write means."""
    if error.errno in _FULL:
        return StorageFullError()
    return UnavailableError(f"The store failed: {error.strerror or error}.")


def write_all(handle: int, data: bytes | bytearray | memoryview, offset: int) -> None:
    """Write bytes at a place of a file.

    Raises:
        StorageFullError, UnavailableError: the disk refused.
    """
    view = memoryview(data)
    try:
        while view:
            count = os.pwrite(handle, view, offset)
            offset += count
            view = view[count:]
    except OSError as error:
        raise translate(error) from error


def _find_sync_file_range() -> Callable[[int, int, int], object] | None:
    if sys.platform != "linux":
        return None
    try:
        function = ctypes.CDLL(None, use_errno=True).sync_file_range
    except (OSError, AttributeError):
        return None
    function.argtypes = [ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint]
    function.restype = ctypes.c_int
    return lambda handle, offset, length: function(handle, offset, length, _SYNC_FILE_RANGE_WRITE)


_sync_file_range = _find_sync_file_range()


def start_writing(handle: int, offset: int, length: int) -> None:
    """Begin to bring written bytes to the disk: no durability, only an early start, so that the fsync later is short."""
    if _sync_file_range is not None:
        _sync_file_range(handle, offset, length)


class PlainFile:
    """The half of a writer that needs nothing but a file that holds the bytes as they are."""

    _handle: int

    def fileno(self) -> int:
        """The file, open for reading and writing; negative once it is closed."""
        return self._handle

    def claim(self, offset: int, length: int) -> None:
        """Claim the space, so that a full disk answers before the body travels."""
        try:
            os.posix_fallocate(self._handle, offset, length)
        except OSError as error:
            failure = translate(error)
            if isinstance(failure, StorageFullError):
                raise failure from error
            # Any other refusal means a file system without allocation; writing will tell.

    def write(self, data: bytes, offset: int) -> None:
        """Write at a place."""
        write_all(self._handle, data, offset)

    def read(self, size: int, offset: int) -> bytes:
        """Read at a place."""
        return os.pread(self._handle, size, offset)

    def place(self, offset: int) -> tuple[int, int]:
        """Every byte at its own place."""
        return offset, _ENDLESS

    def absorb(self, end: int) -> None:
        """Nothing to do: the bytes are where they belong."""

    def release(self, end: int) -> None:
        """Nothing to do: the file is on a disk."""

    def checkpoint(self, end: int) -> int:
        """Everything, as it lies."""
        os.fsync(self._handle)
        return end

    def tail(self) -> bytes:
        """Nothing: every byte is in the file."""
        return b""
