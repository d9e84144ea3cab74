"""Objects that lie encrypted: a wrapper around any store. Offsets and sizes are those of the plain bytes."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING

from tsunagu.core.blobs.chunks import (
    BATCH,
    CHUNK,
    LAST,
    RECORD,
    Cipher,
    object_key,
    plain_size,
    sealed_size,
)
from tsunagu.core.blobs.sealing import SealedWriter
from tsunagu.core.blobs.types import Closing, ObjectMissingError, check_key

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tsunagu.core.blobs.types import BlobStore, Found, Reader, Writer


class SealedReader(Closing):
    """A part of a sealed object; only the chunks that it touches are read."""

    def __init__(self, inner: Reader, cipher: Cipher, part: tuple[int, int], last: int) -> None:
        offset, self.size = part
        self._inner = inner
        self._cipher = cipher
        self._left = self.size
        self._number, self._skip = divmod(offset, CHUNK)
        self._stop = -(-(offset + self.size) // CHUNK)  # the chunk behind the part
        self._last = last
        self._held = memoryview(b"")

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes; empty at the end."""
        if size < 0:
            return b"".join(self.pieces())
        if not self._held and self._left:
            self._held = memoryview(self._next(-(-(size + self._skip) // CHUNK)))
        piece, self._held = bytes(self._held[:size]), self._held[size:]
        return piece

    def pieces(self, size: int = 1 << 20) -> Iterator[bytes]:
        """The rest, piece by piece."""
        while self._held or self._left:
            yield self.read(size)

    def fileno(self) -> None:
        """There is no file with these bytes."""

    def close(self) -> None:
        """Let go of the object."""
        self._inner.close()
        self._left = 0

    def _next(self, wanted: int) -> bytes:
        count = max(1, min(wanted, BATCH, self._stop - self._number))
        pieces = []
        for _ in range(count):
            record = self._record()
            flag = LAST if self._number == self._last else 0
            pieces.append(self._cipher.decrypt(memoryview(record), self._number, flag))
            self._number += 1
        plain = b"".join(pieces) if len(pieces) > 1 else pieces[0]
        if self._skip or len(plain) > self._left:
            plain = plain[self._skip : self._skip + self._left]
            self._skip = 0
        self._left -= len(plain)
        return plain

    def _record(self) -> bytes:
        record = self._inner.read(RECORD)
        while len(record) < RECORD and (more := self._inner.read(RECORD - len(record))):
            record += more
        return record


class HeldReader(SealedReader):
    """A small part that was decrypted already."""

    def __init__(self, content: bytes) -> None:
        self.size = len(content)
        self._held = memoryview(content)
        self._left = 0

    def close(self) -> None:
        """Let go of it."""
        self._held = memoryview(b"")


class SealedStore:
    """The objects of one key domain, in any store.

    Args:
        inner: Where they lie.
        key_of: The key of an object, given its name.
        keeps: How many chunks stay decrypted, for one thread that reads many small files out of a few objects.
    """

    def __init__(self, inner: BlobStore, key_of: Callable[[str], bytes], *, keeps: int = 0) -> None:
        self.url = inner.url
        self._inner = inner
        self._key_of = key_of
        self._keeps = keeps
        self._chunks: OrderedDict[tuple[str, int], bytes] = OrderedDict()

    @classmethod
    def of(cls, inner: BlobStore, data_key: bytes) -> SealedStore:
        """All objects of a domain: for whoever has its data key."""
        return cls(inner, partial(object_key, data_key))

    def create(self, key: str, *, size_hint: int = 0, window: int = 0) -> Writer:
        """Begin an object."""
        inner = self._inner.create(key, size_hint=sealed_size(size_hint))
        return SealedWriter(inner, Cipher(self._key_of(key), key), window=window)

    def resume(self, key: str, *, size_hint: int = 0, offset: int = 0, tail: bytes = b"") -> Writer:
        """Take up an object; the bytes behind its last whole chunk are in ``tail``."""
        inner = self._inner.resume(key, size_hint=sealed_size(size_hint))
        try:
            return SealedWriter(inner, Cipher(self._key_of(key), key), offset, tail)
        except BaseException:
            inner.detach()
            raise

    def open(self, key: str, offset: int = 0, length: int | None = None) -> Reader:
        """Read a part."""
        if length is not None and self._keeps and length <= CHUNK:
            return HeldReader(self._small(key, offset, length))
        return self._open(key, offset, length)

    def _small(self, key: str, offset: int, length: int) -> bytes:
        first, skip = divmod(offset, CHUNK)
        pieces = [self._chunk(key, number) for number in range(first, first + (skip + length > CHUNK) + 1)]
        found = b"".join(pieces)[skip : skip + length]
        if len(found) < length:
            raise ObjectMissingError("A stored object is shorter than its record says.", key=key)
        return found

    def _chunk(self, key: str, number: int) -> bytes:
        known = self._chunks.get((key, number))
        if known is None:
            total = self.size(key)
            start = min(number * CHUNK, total)
            with self._open(key, start, min(CHUNK, total - start)) as reader:
                known = b"".join(reader.pieces())
            self._chunks[key, number] = known
            while len(self._chunks) > self._keeps:
                self._chunks.popitem(last=False)
        return known

    def _open(self, key: str, offset: int, length: int | None) -> Reader:
        total = self.size(key)
        if length is None:
            length = max(0, total - offset)
        if offset + length > total:
            raise ObjectMissingError("A stored object is shorter than its record says.", key=key)
        start, last = offset // CHUNK, max(0, -(-total // CHUNK) - 1)
        stop = min(-(-(offset + length) // CHUNK) * RECORD, sealed_size(total)) if length else start * RECORD
        inner = self._inner.open(key, start * RECORD, stop - start * RECORD)
        return SealedReader(inner, Cipher(self._key_of(key), key), (offset, length), last)

    def size(self, key: str) -> int:
        """Plain bytes of an object."""
        return plain_size(self._inner.size(key))

    def delete(self, key: str) -> None:
        """Remove an object."""
        self._inner.delete(key)

    def list(self, prefix: str = "", *, older_than_s: float = 0.0) -> Iterator[Found]:
        """Everything in the inner store, as it lies there."""
        return self._inner.list(prefix, older_than_s=older_than_s)

    def lock(self, key: str, until: dt.datetime) -> bool:
        """What lies there is locked as it is."""
        return self._inner.lock(key, until)

    def local_path(self, key: str) -> Path | None:
        """There is no file with the plain bytes."""
        check_key(key)
        return None

    def check(self) -> None:
        """The inner store works."""
        self._inner.check()
