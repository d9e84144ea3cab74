"""Making the files of a shard: proofs first, then the bytes, hashed while they are written into the store."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from tsunagu.core.blobs import new_key
from tsunagu.core.errors import ChecksumMismatchError
from tsunagu.core.ids import new_id
from tsunagu.dataplane import locks
from tsunagu.dataplane.cas import hashes
from tsunagu.dataplane.cas.shards import BadShardError, read_shard
from tsunagu.dataplane.receive import TooMuchError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tsunagu.core.blobs import Writer
    from tsunagu.dataplane.cas.shards import Buffer, Segment, ShardFile
    from tsunagu.dataplane.cas.shelf import Shelf
    from tsunagu.dataplane.cas.xorbs import Chunk
    from tsunagu.dataplane.context import Context, StageGrant


# About a terabyte. A short list may name the same chunks again and again, and each is hashed into a tree.
_MOST_CHUNKS = 1 << 24


class UnknownXorbError(BadShardError):
    """A shard that names a xorb which its sender did not send for this dataset."""

    code = "dataplane.unknown_xorb"
    default_message = (
        "A file names data that were not sent for this dataset, or so long ago that they are gone."
    )
    default_remedy = "Remove the folder xet in the cache of huggingface_hub (or set HF_HUB_DISABLE_XET=1), then upload again."


class Rebuilder:
    """Makes ordinary contents of what a Xet client has sent."""

    def __init__(self, context: Context, grant: StageGrant, shelf: Shelf) -> None:
        self._context = context
        self._grant = grant
        self._shelf = shelf

    def take(self, data: Buffer, on_progress: Callable[[int, int], None]) -> None:
        """Check every file of a shard, then make each and have control let it wait for its commit.

        Args:
            data: The shard.
            on_progress: Told how many files are done, of how many.

        Raises:
            BadShardError: it cannot be read, or a hash in it is wrong.
            UnknownXorbError: it names what this sender did not send for this dataset.
            ChecksumMismatchError: a file has another SHA-256 than the client says.
            TooMuchError: a file is larger than the node takes.
            StorageFullError: there is no room.
        """
        hashes_said = []
        left = _MOST_CHUNKS
        for file in read_shard(data):
            left -= sum(segment.end - segment.start for segment in file.segments)
            if left < 0:
                raise BadShardError("The list of files names too much data for one upload.")
            self._check(file)
            hashes_said.append(file.sha256)
        grant = self._grant
        known = self._context.control.known(
            grant.dataset, grant.who, grant.domain, [one for one in hashes_said if one]
        )
        for done, file in enumerate(read_shard(data)):
            on_progress(done, len(hashes_said))
            # What the sender may name anyway needs no second copy: a commit names contents by SHA-256 alone.
            if known.get(file.sha256) != file.size:
                self._make(file)

    def _check(self, file: ShardFile) -> None:
        limit = self._context.settings.max_file_bytes
        if file.size > limit:
            raise TooMuchError(limit=limit)
        tree = hashes.Tree()
        for segment in file.segments:
            chunks = self._chunks(segment)
            if sum(chunk.length for chunk in chunks) != segment.length:
                raise BadShardError("A file says another length than its data have.")
            if hashes.range_hash(chunk.digest for chunk in chunks) != segment.proof:
                raise BadShardError("A file names data without the proof that the sender knows them.")
            for chunk in chunks:
                tree.add(chunk.digest, chunk.length)
        if tree.file_root() != file.digest:
            raise BadShardError("A file has another hash than its data.")

    def _chunks(self, segment: Segment) -> list[Chunk]:
        known = self._shelf.find(segment.xorb)
        if known is None:
            raise UnknownXorbError(xorb=hashes.as_text(segment.xorb))
        if segment.end > len(known):
            raise BadShardError("A file names chunks that its data do not have.")
        return known[segment.start : segment.end]

    def _make(self, file: ShardFile) -> None:
        key, size = new_key(), file.size
        with locks.hold(self._context.settings.spool_dir, key):
            writer = self._grant.store.create(key, size_hint=size)
            try:
                writer.claim(0, size)
                digest = self._fill(writer, file)
                writer.finish(size)
            except BaseException:
                writer.abort()
                raise
            try:
                self._context.stage(self._grant.staged(new_id(), (key, size), digest))
            except BaseException as error:
                # Only when control cannot have heard of the object may it go; else the sweep decides.
                if getattr(error, "is_final", False) or getattr(error, "was_sent", True) is False:
                    self._context.store.delete(key)
                raise

    def _fill(self, writer: Writer, file: ShardFile) -> str:
        running, offset = hashlib.sha256(), 0
        for piece in self._pieces(file):
            writer.write(piece, offset)
            running.update(piece)
            offset += len(piece)
            writer.advance(offset)
        digest = running.hexdigest()
        if file.sha256 not in {"", digest}:
            raise ChecksumMismatchError(sha256=digest)
        return digest

    def _pieces(self, file: ShardFile) -> Iterator[bytes]:
        for segment in file.segments:
            yield from self._shelf.pieces(segment.xorb, self._chunks(segment))
