"""Read and hash a folder in a second thread, a few bundles ahead of the sender.

Small files are read once: the same bytes are hashed, announced and sent. A file whose size or time moved while it
was read is read again, and named as a problem when it does not come to rest.
"""

from __future__ import annotations

import hashlib
import os
import queue
import threading
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from tsunagu.client.messages import text
from tsunagu.client.push_state import Known
from tsunagu.client.walk import Found, Skipped, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tsunagu.client.push_state import PushState

SMALL_MAX = 1 << 20
BATCH_BYTES = 16 << 20
BATCH_FILES = 8_000  # the plan takes 10,000
LARGE_BATCH_FILES = 50
LARGE_BATCH_BYTES = 8 << 30
_AHEAD = 2
_TRIES = 3
_LOOKUP = 2_000
_PIECE = 1 << 20
READ_FLAGS = (
    os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
)


class MovingFileError(Exception):
    """The file changed while it was read, again and again."""


@dataclass
class Batch:
    """Files to announce together; ``contents`` holds None for what was known without reading."""

    files: list[Known] = field(default_factory=list)
    natives: list[str] = field(default_factory=list)
    contents: list[bytes | None] = field(default_factory=list)
    byte_count: int = 0


@dataclass
class LargeBatch:
    """Large files; ``sha256`` is None where the file is hashed while it travels."""

    files: list[tuple[Found, bytes | None]] = field(default_factory=list)


class Reader:
    """Iterate to get the batches; small files come first.

    Args:
        root: The folder.
        state: What earlier pushes remember.
        hash_large: Hash large files before they travel, because the node is asked first.
        report: Called from the reading thread for everything that is left out.
        takes_all: As for ``walk``.
    """

    def __init__(
        self,
        root: str,
        state: PushState,
        *,
        hash_large: bool,
        report: Callable[[Skipped], None],
        takes_all: bool = False,
    ) -> None:
        self._root = root
        self._takes_all = takes_all
        self._state = state
        self._hash_large = hash_large
        self._report = report
        self._queue: queue.Queue[Batch | LargeBatch | BaseException | None] = queue.Queue(_AHEAD)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tsunagu-reader", daemon=True)

    def __iter__(self) -> Iterator[Batch | LargeBatch]:
        self._thread.start()
        while True:
            item = self._queue.get()
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item

    def stop(self) -> None:
        """End the thread; what it holds is dropped."""
        self._stopped.set()
        while self._thread.is_alive():
            try:
                self._queue.get(timeout=0.05)
            except queue.Empty:
                continue
        if self._thread.ident is not None:
            self._thread.join()

    def _put(self, item: Batch | LargeBatch | BaseException | None) -> None:
        while not self._stopped.is_set():
            try:
                self._queue.put(item, timeout=0.2)
            except queue.Full:
                continue
            return

    def _run(self) -> None:
        try:
            large = self._small_files()
            self._large_files(large)
        except BaseException as error:  # noqa: BLE001 - carried to the thread that iterates
            self._put(error)
        else:
            self._put(None)

    def _small_files(self) -> list[Found]:
        large: list[Found] = []
        batch = Batch()
        found = walk(self._root, self._report, takes_all=self._takes_all)
        while chunk := list(islice(found, _LOOKUP)):
            known = self._state.known([file.path for file in chunk])
            for file in chunk:
                if file.size > SMALL_MAX:
                    large.append(file)
                    continue
                self._take(batch, file, known.get(file.path))
                if batch.byte_count >= BATCH_BYTES or len(batch.files) >= BATCH_FILES:
                    self._put(batch)
                    batch = Batch()
                    if self._stopped.is_set():
                        return []
        if batch.files:
            self._put(batch)
        return large

    def _take(self, batch: Batch, file: Found, known: Known | None) -> None:
        path, native, size, mtime_ns, inode = file
        if known is not None and known[1:4] == (size, mtime_ns, inode):
            batch.files.append(known)
            batch.contents.append(None)
        else:
            try:
                content, size, mtime_ns = read_small(native, size, mtime_ns)
            except (OSError, MovingFileError) as error:
                self._report(Skipped(path, "problem", reason_of(error)))
                return
            batch.files.append(Known(path, size, mtime_ns, inode, hashlib.sha256(content).digest()))
            batch.contents.append(content)
            batch.byte_count += size
        batch.natives.append(native)

    def _large_files(self, large: Iterable[Found]) -> None:
        batch, size = LargeBatch(), 0
        for file in large:
            if self._stopped.is_set():
                return
            kept = self._state.known([file.path]).get(file.path)
            digest = (
                kept.sha256
                if kept is not None and kept[1:4] == (file.size, file.mtime_ns, file.inode)
                else None
            )
            if digest is None and self._hash_large:
                try:
                    digest, file = hash_large(file)  # noqa: PLW2901 - the file as it was when it was hashed
                except (OSError, MovingFileError) as error:
                    self._report(Skipped(file.path, "problem", reason_of(error)))
                    continue
            batch.files.append((file, digest))
            size += file.size
            if len(batch.files) >= LARGE_BATCH_FILES or size >= LARGE_BATCH_BYTES:
                self._put(batch)
                batch, size = LargeBatch(), 0
        if batch.files:
            self._put(batch)


def reason_of(error: BaseException) -> str:
    """Why a file could not be taken, in the words of the system where it has some."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return text("moving_file")


def read_small(native: str, size: int, mtime_ns: int) -> tuple[bytes, int, int]:
    """Content, size and time of a file that was at rest while it was read.

    Args:
        native: The path on this machine.
        size: The size when its folder was read.
        mtime_ns: The time when its folder was read.

    Raises:
        MovingFileError: it changed during each of three readings, or grew beyond a small file.
    """
    for _ in range(_TRIES):
        handle = os.open(native, READ_FLAGS)
        try:
            content = os.read(handle, size + 1)
            after = os.fstat(handle)
        finally:
            os.close(handle)
        if len(content) == size == after.st_size and after.st_mtime_ns == mtime_ns:
            return content, size, mtime_ns
        size, mtime_ns = after.st_size, after.st_mtime_ns
        if size > SMALL_MAX:
            break
    raise MovingFileError


def hash_large(file: Found) -> tuple[bytes, Found]:
    """The hash of a large file, and the file as it was then.

    Raises:
        MovingFileError: it changed during each of three readings.
    """
    size, mtime_ns, inode = file.size, file.mtime_ns, file.inode
    for _ in range(_TRIES):
        handle = os.open(file.native, READ_FLAGS)
        try:
            digest = hash_pages(handle, size)
            after = os.fstat(handle)
        finally:
            os.close(handle)
        if (after.st_size, after.st_mtime_ns) == (size, mtime_ns):
            return digest, Found(file.path, file.native, size, mtime_ns, inode)
        size, mtime_ns, inode = after.st_size, after.st_mtime_ns, after.st_ino
    raise MovingFileError


def hash_pages(handle: int, size: int, stopped: threading.Event | None = None) -> bytes:
    """SHA-256 of the first ``size`` bytes, read beside the position of the handle; ends early when stopped."""
    digest = hashlib.sha256()
    if not hasattr(os, "preadv"):
        position = 0
        with open(os.dup(handle), "rb", buffering=0) as file:  # noqa: PTH123 - a descriptor, not a path
            file.seek(0)
            while not (stopped is not None and stopped.is_set()) and (
                piece := file.read(min(_PIECE, size - position))
            ):
                digest.update(piece)
                position += len(piece)
        return digest.digest()
    # Read, not mapped: a mapped file that somebody shortens would kill the process with SIGBUS.
    page = memoryview(bytearray(_PIECE))
    position = 0
    while position < size and not (stopped is not None and stopped.is_set()):
        count = os.preadv(handle, [page[: min(_PIECE, size - position)]], position)
        if count == 0:
            break
        digest.update(page[:count])
        position += count
    return digest.digest()
