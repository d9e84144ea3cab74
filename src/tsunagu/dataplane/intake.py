"""Takes the bytes of one PATCH into an upload: receive, hash, keep what is durable."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import hashlib
import hmac
import threading
from typing import TYPE_CHECKING, Any

from tsunagu.core import clock
from tsunagu.core.blobs import BlobStore, ObjectMissingError, Writer, translate
from tsunagu.core.errors import ChecksumMismatchError, TsunaguError
from tsunagu.dataplane.follower import PIECE, Follower, HashConsumer
from tsunagu.dataplane.receive import BrokenOffError
from tsunagu.dataplane.uploads import Upload, UploadMissingError, Uploads

if TYPE_CHECKING:
    from tsunagu.dataplane.context import Context
    from tsunagu.dataplane.exchange import Request

# A server that is killed loses at most this much of a running request.
_CHECKPOINT = 256 << 20
# A finished upload can be asked for so long by a client that missed the answer.
_REMEMBERED_S = 86_400.0


@dataclasses.dataclass
class Checksum:
    """What a client announced for one request."""

    running: hashlib._Hash
    expected: bytes

    def confirm(self, *, is_complete: bool) -> None:
        """Compare, once the body is hashed.

        Raises:
            BrokenOffError: the body is not whole, so nothing can be said about it.
            ChecksumMismatchError: other bytes arrived.
        """
        if not is_complete:
            raise BrokenOffError
        if not hmac.compare_digest(self.running.digest(), self.expected):
            raise ChecksumMismatchError


class Intake:
    """Receives into uploads. The caller holds the lock of the upload."""

    def __init__(self, context: Context, uploads: Uploads) -> None:
        self._context = context
        self._uploads = uploads

    def take(
        self,
        upload: Upload,
        store: BlobStore,
        request: Request,
        checksum: Checksum | None = None,
        *,
        exactly: int | None = None,
    ) -> None:
        """Receive a body at the offset; afterwards ``upload`` says what is durable.

        Args:
            upload: Its state.
            store: Where its bytes go.
            request: Holds the body.
            checksum: What was announced for this body.
            exactly: The body has this many bytes, or nothing of it is kept.

        Raises:
            TooMuchError: the body is longer than the upload.
            ChecksumMismatchError: the body is dropped; for the whole file the upload is forgotten.
            BrokenOffError: what arrived is kept, unless the body had to be whole.
            StorageFullError: the body is dropped, what was there before is kept.
        """
        writer = self._open(upload, store)
        known = self._uploads.take_hash(upload)
        if not known and upload.domain:
            known = _hash_prefix(writer, upload.offset)  # nothing else can read what is encrypted
        running = known.copy() if known else hashlib.sha256()
        # Without a hash in memory (a restart) the prefix is read once more, while the new bytes come in.
        hashes: list[tuple[Any, int]] = [(running, 0)]
        if checksum:
            hashes.append((checksum.running, upload.offset))
        consumer = HashConsumer(upload.offset if known else 0, *hashes)
        is_whole = bool(checksum) or exactly is not None
        run = _Run(self._uploads, upload, writer, Follower(writer, consumer), is_whole=is_whole)
        room = upload.length - upload.offset if exactly is None else exactly
        try:
            is_complete = self._receive(run, request, room)
            if exactly is not None:
                _confirm_length(run.end - run.start, exactly)
            if checksum:
                checksum.confirm(is_complete=is_complete)
            writer.sync()
        except BaseException:
            self._roll_back(run, known)
            raise
        writer.advance(run.end)
        upload.offset, upload.tail = run.end, base64.b64encode(writer.tail()).decode()
        upload.expires_at = self._uploads.deadline()
        if upload.offset == upload.length:
            self._complete(upload, writer, running.hexdigest())
            return
        writer.detach()
        self._uploads.save(upload)
        self._uploads.keep_hash(upload, running)
        if not is_complete:
            raise BrokenOffError

    def _open(self, upload: Upload, store: BlobStore) -> Writer:
        tail = base64.b64decode(upload.tail)
        try:
            return store.resume(upload.key, size_hint=upload.length, offset=upload.offset, tail=tail)
        except ObjectMissingError:
            if upload.offset:
                self._uploads.forget(upload, self._context.store)
                raise UploadMissingError from None
            return store.create(upload.key, size_hint=upload.length)

    def _receive(self, run: _Run, request: Request, room: int) -> bool:
        start = run.start
        try:
            if not request.has_body:
                run.grow(start)
                run.follower.finish()
                return True
            received = request.body.into(run.writer, start, room, run.grow)
            run.end = received.end
            run.follower.finish()
        finally:
            run.stop()
            self._context.metrics.add("received_bytes", run.end - start)
        return received.is_complete

    def _roll_back(self, run: _Run, known: hashlib._Hash | None) -> None:
        """Keep what the state names, drop the rest."""
        upload, writer = run.upload, run.writer
        if run.is_lost or writer.fileno() < 0:
            # An fsync failed: nothing of this object can be trusted any more.
            writer.abort()
            self._uploads.forget(upload, self._context.store)
            return
        writer.rewind(upload.offset)
        writer.detach()
        if known and upload.offset == run.start:
            self._uploads.keep_hash(upload, known)

    def _complete(self, upload: Upload, writer: Writer, digest: str) -> None:
        if upload.announced_sha256 and upload.announced_sha256 != digest:
            writer.abort()
            self._uploads.forget(upload, self._context.store)
            raise ChecksumMismatchError(path=upload.path, sha256=digest)
        try:
            writer.finish(upload.length)
        except TsunaguError:
            self._uploads.forget(upload, self._context.store)
            raise
        upload.sha256, upload.tail = digest, ""
        upload.is_handed_over = True  # saved before control hears of it
        upload.expires_at = min(upload.expires_at, clock.epoch_s() + _REMEMBERED_S)
        self._uploads.save(upload)


def _confirm_length(count: int, exactly: int) -> None:
    if count != exactly:
        raise BrokenOffError


def _hash_prefix(writer: Writer, size: int) -> hashlib._Hash:
    running = hashlib.sha256()
    for start in range(0, size, PIECE):
        running.update(writer.read(min(PIECE, size - start), start))
    return running


class _Run:
    """One body on its way: tells the hash, the store and the state how far it came."""

    def __init__(
        self, uploads: Uploads, upload: Upload, writer: Writer, follower: Follower, *, is_whole: bool
    ) -> None:
        self.upload = upload
        self.writer = writer
        self.follower = follower
        self.start = upload.offset
        self.end = upload.offset
        self.is_lost = False
        self._uploads = uploads
        self._saved = upload.offset
        # A body that may be dropped as a whole: nothing of it may be promised before its end.
        self._may_save = not is_whole
        self._thread: threading.Thread | None = None

    def grow(self, end: int) -> None:
        """Bytes before ``end`` are in the file."""
        self.end = end
        self.follower.grow(end)
        self.writer.absorb(end)
        if self._may_save:
            self.writer.advance(end)
        # Never at the very end: a client that sees the full offset believes that all is committed.
        is_due = self._may_save and end - self._saved >= _CHECKPOINT and end < self.upload.length
        if is_due and not (self._thread and self._thread.is_alive()):
            self._saved = end
            self._thread = threading.Thread(
                target=self._checkpoint, args=(end,), daemon=True, name="checkpoint"
            )
            self._thread.start()

    def stop(self) -> None:
        """Wait for both threads."""
        self.follower.stop()
        if self._thread:
            self._thread.join()

    def _checkpoint(self, end: int) -> None:
        try:
            end = self.writer.checkpoint(end)
        except OSError as error:
            # The kernel reports such an error once: the fsync at the end might say that all is well.
            self.is_lost = True
            self.follower.fail(translate(error))
            return
        with contextlib.suppress(TsunaguError):  # no room for the state: the former one stands
            self._uploads.save(dataclasses.replace(self.upload, offset=end, tail=""))
            self.upload.offset, self.upload.tail = end, ""
