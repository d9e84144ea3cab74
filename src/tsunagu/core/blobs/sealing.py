"""Writes a sealed object: plain bytes come into memory, encrypted chunks go into the inner store, nothing else."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from typing import TYPE_CHECKING

from tsunagu.core.blobs.chunks import (
    BATCH,
    CHUNK,
    LAST,
    OVERHEAD,
    RECORD,
    UNFINISHED,
    SealBrokenError,
    sealed_size,
)
from tsunagu.core.blobs.plainfile import write_all

if TYPE_CHECKING:
    from collections.abc import Callable

    from tsunagu.core.blobs.chunks import Cipher
    from tsunagu.core.blobs.types import Writer

# What may wait in memory for the thread that hashes; a transfer takes little more than this.
_MOST_HELD = 48 << 20
_PUNCH = 0x02 | 0x01  # FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE


class SealedWriter:
    """An object that is being encrypted while it grows.

    ``fileno()`` is a file in memory (memfd) with the plain bytes at their places; behind what was encrypted and read it
    is given back to the system. One chunk is held back until more comes, since only the last one is marked as such.
    """

    def __init__(self, inner: Writer, cipher: Cipher, offset: int = 0, tail: bytes = b"") -> None:
        self.key = inner.key
        self._inner = inner
        self._cipher = cipher
        self._done = (offset - max(0, len(tail) - OVERHEAD)) // CHUNK  # chunks that were encrypted
        self._end = offset
        self._punched = self._done * CHUNK
        self._released: int | None = None
        self._changed = threading.Condition()
        self._buffers = memoryview(bytearray(BATCH * CHUNK)), memoryview(bytearray(BATCH * RECORD))
        rest = cipher.decrypt(memoryview(tail), self._done, UNFINISHED) if tail else b""
        if self._done * CHUNK + len(rest) != offset:
            raise SealBrokenError("The end of an unfinished upload is missing.", key=self.key)
        self._memory = os.memfd_create("tsunagu-sealed", os.MFD_CLOEXEC)
        write_all(self._memory, rest, self._done * CHUNK)

    def fileno(self) -> int:
        """The file in memory; negative once the object is closed."""
        return self._memory if self._inner.fileno() >= 0 else -1

    def claim(self, offset: int, length: int) -> None:
        """Claim the space on the disk, not in memory."""
        start = offset // CHUNK * RECORD
        self._inner.claim(start, sealed_size(offset + length) - start)

    def write(self, data: bytes, offset: int) -> None:
        """Write at a place; whole chunks are encrypted at once, and again where they were before."""
        split = max(0, min(len(data), self._done * CHUNK - offset))
        if split:
            self._patch(data[:split], offset)
        if split < len(data):
            write_all(self._memory, memoryview(data)[split:], offset + split)
            self.absorb(max(self._end, offset + len(data)))
            self.release(self._end)

    def read(self, size: int, offset: int) -> bytes:
        """Read at a place: from memory what waits there, else by decrypting."""
        size = min(size, self._end - offset)
        pieces = []
        while size > 0:
            if offset >= self._done * CHUNK:
                piece = os.pread(self._memory, size, offset)
            else:
                number, skip = divmod(offset, CHUNK)
                piece = self._chunk(number)[skip : skip + size]
            pieces.append(piece)
            offset, size = offset + len(piece), size - len(piece)
        return b"".join(pieces)

    def absorb(self, end: int) -> None:
        """Encrypt the whole chunks before ``end``; wait while too much is in memory."""
        self._end = max(self._end, end)
        self._encrypt((self._end - 1) // CHUNK if self._end else 0)
        self._punch()
        if self._released is not None and self._end - self._released > _MOST_HELD:
            with self._changed:
                self._changed.wait_for(lambda: self._end - (self._released or 0) <= _MOST_HELD)
            self._punch()

    def advance(self, end: int) -> None:
        """Let what is encrypted go up."""
        self.absorb(end)
        self._inner.advance(self._done * RECORD)

    def release(self, end: int) -> None:
        """Give memory back; called by the thread that reads."""
        with self._changed:
            self._released = max(self._released or 0, end)
            self._changed.notify()

    def checkpoint(self, end: int) -> int:
        """The whole chunks."""
        done = self._done
        self._inner.checkpoint(done * RECORD)
        return min(end, done * CHUNK)

    def tail(self) -> bytes:
        """The bytes behind the last whole chunk, encrypted with the key of the object."""
        count = self._end - self._done * CHUNK
        if not count:
            return b""
        record = bytearray(count + OVERHEAD)
        plain = os.pread(self._memory, count, self._done * CHUNK)
        self._cipher.encrypt(memoryview(plain), self._done, UNFINISHED, memoryview(record))
        return bytes(record)

    def sync(self) -> None:
        """Bring the whole chunks to the disk."""
        self._inner.sync()

    def finish(self, size: int) -> None:
        """Encrypt the last chunk, make the object durable, forget the plain bytes."""
        try:
            last = max(0, size - 1) // CHUNK
            if last < self._done:  # cut: the chunk that is the last now was not marked as such
                write_all(self._memory, self._chunk(last), last * CHUNK)
                self._done = last
            self._encrypt((size - 1) // CHUNK if size else 0)
            self._encrypt_last(size)
            self._inner.finish(sealed_size(size))
        except BaseException:
            self.abort()
            raise
        self._forget()

    def rewind(self, end: int) -> None:
        """Drop the chunks from ``end`` on; the state that the caller keeps has what lay before ``end`` in its chunk."""
        self._inner.rewind(end // CHUNK * RECORD)

    def detach(self) -> None:
        """Close it unfinished."""
        self._inner.detach()
        self._forget()

    def abort(self) -> None:
        """Drop it."""
        self._inner.abort()
        self._forget()

    def _encrypt(self, stop: int) -> None:
        """Encrypt the chunks before ``stop`` that are not yet, in batches of one write."""
        plain, sealed = self._buffers
        while self._done < stop:
            count = min(BATCH, stop - self._done)
            os.preadv(self._memory, [plain[: count * CHUNK]], self._done * CHUNK)
            for number in range(count):
                part = plain[number * CHUNK : (number + 1) * CHUNK]
                record = sealed[number * RECORD : (number + 1) * RECORD]
                self._cipher.encrypt(part, self._done + number, 0, record)
            write_all(self._inner.fileno(), sealed[: count * RECORD], self._done * RECORD)
            self._done += count

    def _encrypt_last(self, size: int) -> None:
        plain = os.pread(self._memory, CHUNK, self._done * CHUNK)[: size - self._done * CHUNK]
        record = bytearray(len(plain) + OVERHEAD)
        self._cipher.encrypt(memoryview(plain), self._done, LAST, memoryview(record))
        write_all(self._inner.fileno(), record, self._done * RECORD)

    def _chunk(self, number: int) -> bytes:
        record = os.pread(self._inner.fileno(), RECORD, number * RECORD)
        return self._cipher.decrypt(memoryview(record), number, 0)

    def _patch(self, data: bytes, offset: int) -> None:
        while data:
            number, skip = divmod(offset, CHUNK)
            chunk = bytearray(self._chunk(number))
            count = min(len(data), CHUNK - skip)
            chunk[skip : skip + count] = data[:count]
            record = bytearray(RECORD)
            self._cipher.encrypt(memoryview(chunk), number, 0, memoryview(record))
            write_all(self._inner.fileno(), record, number * RECORD)
            data, offset = data[count:], offset + count

    def _punch(self) -> None:
        if self._released is None:
            return
        end = min(self._done * CHUNK, self._released // CHUNK * CHUNK)
        if end > self._punched and _fallocate is not None:
            _fallocate(self._memory, _PUNCH, self._punched, end - self._punched)
            self._punched = end

    def _forget(self) -> None:
        memory, self._memory = self._memory, -1
        if memory >= 0:
            os.close(memory)


def _find_fallocate() -> Callable[[int, int, int, int], int] | None:
    if sys.platform != "linux":
        return None
    try:
        function = ctypes.CDLL(None, use_errno=True).fallocate64
    except (OSError, AttributeError):
        return None
    function.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
    function.restype = ctypes.c_int
    return lambda handle, mode, offset, length: int(function(handle, mode, offset, length))


_fallocate = _find_fallocate()
