"""Brings spool files up to S3 while they still grow.

The S3 client takes an iterator and makes a multipart upload of it; here the iterator waits for the file to grow. An
upload that nobody feeds for a while gives up and is made anew when the file is finished: the spool file has
every byte until then.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import obstore

from tsunagu.core.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PART = 8 << 20
_MAX_PARTS = 9_000  # S3 allows 10,000
_MAX_LIVE = 8  # each holds a thread and a few parts in memory
_PATIENCE_S = 60.0
_AT_ONCE = 2


def part_size(size: int) -> int:
    """Bytes per part so that an object of this size has fewer than 10,000 parts."""
    needed = -(-size // _MAX_PARTS)
    return max(PART, -(-needed // (1 << 20)) << 20)


class _GaveUpError(Exception):
    """Nobody fed the upload, or it was dropped: the client aborts the multipart upload on it."""


class _Ascent:
    """One upload in its own thread."""

    def __init__(self, bucket: Any, key: str, path: Path, size_hint: int) -> None:
        self.sent = 0  # only moves under the lock
        self.error: BaseException | None = None
        self._bucket = bucket
        self._key = key
        self._handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._part = part_size(size_hint)
        self._end = 0
        self._size = -1
        self._is_dropped = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, daemon=True, name="ascent")
        self._thread.start()

    def advance(self, end: int) -> None:
        with self._changed:
            self._end = max(end, self._end)
            self._changed.notify()

    def finish(self, size: int) -> bool:
        """Wait for the upload; False when it has to be made anew."""
        with self._changed:
            self._end = self._size = size
            self._changed.notify()
        self._thread.join()
        return self.error is None

    def rewind(self, end: int) -> bool:
        """Forget that there are bytes from ``end`` on; False when some of them went up already."""
        with self._changed:
            self._end = min(self._end, end)
            return self.sent <= end

    def drop(self) -> None:
        with self._changed:
            self._is_dropped = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        try:
            obstore.put(
                self._bucket,
                self._key,
                self._pieces(),
                chunk_size=self._part,
                max_concurrency=_AT_ONCE,
                use_multipart=True,
            )
        except BaseException as error:  # noqa: BLE001 - looked at by finish()
            self.error = error
        finally:
            os.close(self._handle)

    def _pieces(self) -> Iterator[bytes]:
        while True:
            with self._changed:
                is_fed = self._changed.wait_for(self._is_ready, timeout=_PATIENCE_S)
                if self._is_dropped or not is_fed:
                    raise _GaveUpError
                if self.sent == self._size:
                    return
                count = min(self._part, self._end - self.sent)
                offset = self.sent
                self.sent += count
            yield os.pread(self._handle, count, offset)

    def _is_ready(self) -> bool:
        return self._is_dropped or self._size >= 0 or self._end - self.sent >= self._part


class Ascents:
    """The live uploads of a store; they outlive the writers of single requests."""

    def __init__(self, bucket: Any) -> None:
        self._bucket = bucket
        self._live: dict[str, _Ascent] = {}
        self._guard = threading.Lock()

    def advance(self, key: str, path: Path, end: int, size_hint: int) -> None:
        """Let the bytes before ``end`` go up, as far as they make whole parts."""
        with self._guard:
            ascent = self._live.get(key)
            if ascent is None:
                # Below two parts a single request at the end is cheaper than a multipart upload.
                if end < 2 * PART or not self._has_room():
                    return
                ascent = self._live[key] = _Ascent(self._bucket, key, path, size_hint)
        ascent.advance(end)

    def _has_room(self) -> bool:
        if len(self._live) >= _MAX_LIVE:
            self._live = {key: ascent for key, ascent in self._live.items() if ascent.error is None}
        return len(self._live) < _MAX_LIVE

    def finish(self, key: str, path: Path, size: int) -> None:
        """Complete the object.

        Raises:
            Exception: what the client raised at the second attempt.
        """
        with self._guard:
            ascent = self._live.pop(key, None)
        if ascent is not None and ascent.finish(size):
            return
        with path.open("rb") as file:
            if size <= PART:
                obstore.put(self._bucket, key, file.read(), use_multipart=False)
            else:
                part = part_size(size)
                obstore.put(
                    self._bucket, key, file, use_multipart=True, chunk_size=part, max_concurrency=_AT_ONCE
                )
        found = int(obstore.head(self._bucket, key)["size"])
        if found != size:
            with suppress(Exception):
                obstore.delete(self._bucket, key)
            raise UnavailableError(
                "The S3 store kept another size than was sent.", expected=size, found=found
            )

    def rewind(self, key: str, end: int) -> None:
        """Forget the bytes from ``end`` on; what went up of them is aborted."""
        with self._guard:
            ascent = self._live.get(key)
        if ascent is not None and not ascent.rewind(end):
            self.drop(key)

    def drop(self, key: str) -> None:
        """Abort the upload of a key."""
        with self._guard:
            ascent = self._live.pop(key, None)
        if ascent is not None:
            ascent.drop()
