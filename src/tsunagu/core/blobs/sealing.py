"""Writes a sealed object: plain bytes come into memory, encrypted chunks go into the inner store, nothing else."""

from __future__ import annotations

import mmap
import os
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
from tsunagu.core.blobs.plainfile import start_writing, write_all

if TYPE_CHECKING:
    from tsunagu.core.blobs.chunks import Cipher
    from tsunagu.core.blobs.types import Writer

# What waits in memory for the thread that hashes, and what the receiver may add before it asks again.
_HELD = 16 << 20
_SLACK = 16 << 20


class SealedWriter:
    """An object that is being encrypted while it grows.

    ``fileno()`` is a file in memory (memfd) that is used round and round, so that a transfer of any size needs the same
    memory. One chunk is held back until more comes, since only the last one is marked as such.
    """

    def __init__(
        self, inner: Writer, cipher: Cipher, offset: int = 0, tail: bytes = b"", *, window: int = 0
    ) -> None:
        self.key = inner.key
        self._inner = inner
        self._cipher = cipher
        self._done = (offset - max(0, len(tail) - OVERHEAD)) // CHUNK  # chunks that were encrypted
        self._end = offset
        self._released = offset
        self._changed = threading.Condition()
        rest = cipher.decrypt(memoryview(tail), self._done, UNFINISHED) if tail else b""
        if self._done * CHUNK + len(rest) != offset:
            raise SealBrokenError("The end of an unfinished upload is missing.", key=self.key)
        self._held = -(-max(_HELD, window) // CHUNK) * CHUNK
        self._size = self._held + _SLACK
        self._memory = os.memfd_create("tsunagu-sealed", os.MFD_CLOEXEC)
        os.ftruncate(self._memory, self._size)
        self._ring = mmap.mmap(self._memory, self._size)
        self._sealed = memoryview(bytearray(BATCH * RECORD))
        self._put(rest, self._done * CHUNK)

    def fileno(self) -> int:
        """The file in memory; negative once the object is closed."""
        return self._memory if self._inner.fileno() >= 0 else -1

    def place(self, offset: int) -> tuple[int, int]:
        """Where a byte lies in the ring, and how many to its end."""
        return offset % self._size, self._size - offset % self._size

    def claim(self, offset: int, length: int) -> None:
        """Claim the space on the disk, not in memory."""
        start = offset // CHUNK * RECORD
        self._inner.claim(start, sealed_size(offset + length) - start)

    def write(self, data: bytes, offset: int) -> None:
        """Write at a place; whole chunks are encrypted at once, and again where they were before."""
        split = max(0, min(len(data), self._done * CHUNK - offset))
        if split:
            self._patch(data[:split], offset)
        for start in range(split, len(data), _HELD):
            piece = data[start : start + _HELD]
            self._put(piece, offset + start)
            end = offset + start + len(piece)
            self.release(end)
            self.absorb(max(self._end, end))

    def read(self, size: int, offset: int) -> bytes:
        """Read at a place: from memory what waits there, else by decrypting."""
        size = min(size, self._end - offset)
        pieces = []
        while size > 0:
            if offset >= self._done * CHUNK:
                piece = self._get(size, offset)
            else:
                number, skip = divmod(offset, CHUNK)
                piece = self._chunk(number)[skip : skip + size]
            pieces.append(piece)
            offset, size = offset + len(piece), size - len(piece)
        return b"".join(pieces)

    def absorb(self, end: int) -> None:
        """Encrypt the whole chunks before ``end``; wait while too much is in memory."""
        self._end = max(self._end, end)
        before = self._done
        self._encrypt((self._end - 1) // CHUNK if self._end else 0)
        if self._done > before:
            start_writing(self._inner.fileno(), before * RECORD, (self._done - before) * RECORD)
        with self._changed:
            self._changed.wait_for(lambda: self._end - self._released <= self._held)

    def advance(self, end: int) -> None:
        """Let what is encrypted go up."""
        self.absorb(end)
        self._inner.advance(self._done * RECORD)

    def release(self, end: int) -> None:
        """Give memory back; called by the thread that reads."""
        with self._changed:
            self._released = max(self._released, end)
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
        plain = self._get(count, self._done * CHUNK)
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
                self._put(self._chunk(last), last * CHUNK)
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

    def _put(self, data: bytes, offset: int) -> None:
        while data:
            start, room = self.place(offset)
            count = min(room, len(data))
            self._ring[start : start + count] = data[:count]
            data, offset = data[count:], offset + count

    def _get(self, size: int, offset: int) -> bytes:
        start, room = self.place(offset)
        return self._ring[start : start + min(size, room)]

    def _encrypt(self, stop: int) -> None:
        """Encrypt the chunks before ``stop`` that are not yet, in batches of one write."""
        with memoryview(self._ring) as ring:
            while self._done < stop:
                count = min(BATCH, stop - self._done)
                for number in range(count):
                    start, _ = self.place((self._done + number) * CHUNK)  # the ring holds whole chunks
                    record = self._sealed[number * RECORD : (number + 1) * RECORD]
                    with ring[start : start + CHUNK] as part:
                        self._cipher.encrypt(part, self._done + number, 0, record)
                write_all(self._inner.fileno(), self._sealed[: count * RECORD], self._done * RECORD)
                self._done += count

    def _encrypt_last(self, size: int) -> None:
        plain = self._get(size - self._done * CHUNK, self._done * CHUNK)
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

    def _forget(self) -> None:
        memory, self._memory = self._memory, -1
        if memory >= 0:
            self._ring.close()
            os.close(memory)
