"""Where xorbs lie until no client speaks of them any more: a folder of the spool, one part of it per sender and dataset.

A client remembers for three weeks which chunks it has sent and sends them no second time, so they are kept a day longer
than that after they were last used. For a sealed dataset they are encrypted as its contents are.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections import OrderedDict
from typing import TYPE_CHECKING

from tsunagu.core.blobs import ObjectMissingError
from tsunagu.core.blobs.chunks import SealBrokenError
from tsunagu.core.blobs.local import LocalStore
from tsunagu.core.ids import id_of
from tsunagu.dataplane import locks
from tsunagu.dataplane.cas import xorbs
from tsunagu.dataplane.follower import Follower
from tsunagu.dataplane.receive import BrokenOffError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tsunagu.core.blobs import BlobStore, Reader
    from tsunagu.dataplane.receive import Body

KEPT_S = 22 * 86_400.0
_KNOWN = 32  # indexes in memory of one request, of about a megabyte each at most
_BATCH = 4 << 20


def folder_of(spool: Path) -> LocalStore:
    """The store of all xorbs of a node."""
    place = spool / "xet"
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    return LocalStore(place.as_uri())


class Shelf:
    """The xorbs of one sender for one dataset. Not for several threads at once.

    Args:
        spool: Of the byte server.
        folder: The store of all xorbs.
        data_key: Of the key domain; empty: the dataset is not sealed.
        scope: Whose xorbs these are: nothing of another scope is found here.
    """

    def __init__(self, spool: Path, folder: LocalStore, data_key: bytes, scope: str) -> None:
        self._spool = spool
        self._folder = folder
        self._scope = scope
        self._store: BlobStore = folder
        if data_key:
            from tsunagu.core.blobs.sealed import SealedStore

            self._store = SealedStore.of(folder, data_key)
        self._known: OrderedDict[bytes, list[xorbs.Chunk]] = OrderedDict()

    def put(self, name: bytes, body: Body) -> bool:
        """Receive and check a xorb; False: it was here already.

        Raises:
            BadXorbError: it is damaged, or has another name.
            TooMuchError, BrokenOffError: the body is too long, or not whole.
            StillReceivingError: it is just being received.
        """
        key = self._key(name)
        with locks.hold_or_retry(self._spool, key):
            if self.find(name) is not None:
                body.discard()
                return False
            self._folder.delete(key)  # the rest of one that broke off
            writer = self._store.create(key, size_hint=body.length or 0)
            parser = xorbs.XorbParser()
            follower = Follower(writer, parser)

            def grow(end: int) -> None:
                follower.grow(end)
                writer.advance(end)

            try:
                try:
                    received = body.into(writer, 0, xorbs.MOST_BYTES, grow)
                    if not received.is_complete:
                        raise BrokenOffError
                    follower.finish()
                finally:
                    follower.stop()
                parser.finish(received.end, name)
                index = xorbs.index_of(name, parser.chunks)
                writer.write(index, received.end)
                writer.finish(received.end + len(index))
            except BaseException:
                writer.abort()
                raise
        return True

    def find(self, name: bytes) -> list[xorbs.Chunk] | None:
        """The chunks of a xorb that is here, which stays for a while from now on; None: it is not here."""
        if name in self._known:
            self._known.move_to_end(name)
            return self._known[name]
        key = self._key(name)
        try:
            chunks = self._read(key, name)
        except (ObjectMissingError, SealBrokenError):
            return None
        if chunks is not None:
            with contextlib.suppress(FileNotFoundError):
                os.utime(self._folder.local_path(key))
            self._known[name] = chunks
            while len(self._known) > _KNOWN:
                self._known.popitem(last=False)
        return chunks

    def pieces(self, name: bytes, chunks: list[xorbs.Chunk]) -> Iterator[bytes]:
        """The plain bytes of successive chunks of a xorb, in pieces of a few MiB."""
        with self._store.open(self._key(name), chunks[0].start) as reader:
            held: list[bytes] = []
            size = 0
            for chunk in chunks:
                packed, scheme, length = xorbs.read_header(_exactly(reader, 8))
                held.append(xorbs.unpack(_exactly(reader, packed), scheme, length))
                size += chunk.length
                if size >= _BATCH:
                    yield b"".join(held)
                    held, size = [], 0
            yield b"".join(held)

    def _read(self, key: str, name: bytes) -> list[xorbs.Chunk] | None:
        whole = self._store.size(key)
        if whole < xorbs.END_SIZE:
            return None
        with self._store.open(key, whole - xorbs.END_SIZE) as reader:
            size = xorbs.index_size(_exactly(reader, xorbs.END_SIZE), name)
        if size is None or size > whole:
            return None
        with self._store.open(key, whole - size) as reader:
            return xorbs.read_index(_exactly(reader, size))

    def _key(self, name: bytes) -> str:
        digest = hashlib.sha256(self._scope.encode() + b"\0" + name).digest()
        return f"{digest[16:17].hex()}/{id_of(digest[:16])}"


def _exactly(reader: Reader, size: int) -> bytes:
    data = reader.read(size)
    while len(data) < size and (more := reader.read(size - len(data))):
        data += more
    if len(data) < size:
        raise ObjectMissingError
    return data


def remove_unused(spool: Path, folder: LocalStore) -> int:
    """Remove xorbs that nobody has spoken of for long; returns how many."""
    count = 0
    for found in folder.list(older_than_s=KEPT_S):
        if not locks.is_held(spool, found.key):
            folder.delete(found.key)
            count += 1
    return count
