"""Writing into a plain file: what the writers of a folder and of S3 have in common."""

from __future__ import annotations

import errno
import os

from tsunagu.core.errors import StorageFullError, TsunaguError, UnavailableError

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
