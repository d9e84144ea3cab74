"""Reads a file while it is still being received: hashing happens once, in a second thread, from mapped memory."""

from __future__ import annotations

import mmap
import threading
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tsunagu.core.blobs import Writer

PIECE = 4 << 20
_EVERYTHING = 1 << 62
# Faulting a whole window in at once is cheaper than one fault per 16 pages.
_FLAGS = mmap.MAP_SHARED | getattr(mmap, "MAP_POPULATE", 0)


class Consumer(Protocol):
    """Something that reads a growing file."""

    @property
    def position(self) -> int:
        """The first byte that is still needed."""

    def advance(self, buffer: mmap.mmap, end: int, *, base: int) -> None:
        """Read up to byte ``end`` of the file; the buffer begins at byte ``base``."""


class _Updatable(Protocol):
    def update(self, data: memoryview, /) -> None: ...


class HashConsumer:
    """Feeds every byte of the file, in order, to one or more hashes.

    Args:
        position: Where the file stands already in the first hash.
        hashes: Pairs of a hash and the byte of the file at which it begins.
    """

    def __init__(self, position: int, *hashes: tuple[_Updatable, int]) -> None:
        self.position = position
        self._hashes = hashes

    def advance(self, buffer: mmap.mmap, end: int, *, base: int) -> None:
        """Hash the bytes from the position to ``end``."""
        with memoryview(buffer) as view:
            for checksum, start in self._hashes:
                begin = max(start, self.position)
                if begin < end:
                    with view[begin - base : end - base] as piece:
                        checksum.update(piece)
        self.position = end


class Follower:
    """Runs a consumer behind a receiver that tells how far the file has grown.

    The writer is told before which byte nothing is needed any more.
    """

    def __init__(self, writer: Writer, consumer: Consumer) -> None:
        self._writer = writer
        self._consumer = consumer
        self._end = 0
        self._is_closed = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def grow(self, end: int) -> None:
        """Say that the file holds its bytes before ``end``.

        Raises:
            Exception: what the consumer raised; nothing more need be received then.
        """
        if self._error:
            raise self._error
        with self._changed:
            self._end = end
            self._changed.notify()
        if self._thread is None and end - self._consumer.position >= PIECE:
            self._thread = threading.Thread(target=self._run, daemon=True, name="follower")
            self._thread.start()

    def fail(self, error: BaseException) -> None:
        """Make the receiver stop with this error at its next step."""
        self._error = error

    def finish(self) -> None:
        """Wait until everything is read.

        Raises:
            Exception: what the consumer raised.
        """
        self.stop()
        if self._error:
            raise self._error
        self._read(self._end)

    def stop(self) -> None:
        """Wait for the thread, whatever became of it; the file may be closed afterwards."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        if self._thread:
            self._thread.join()

    def _run(self) -> None:
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(
                        lambda: self._is_closed or self._end - self._consumer.position >= PIECE
                    )
                    end = self._end
                    if self._is_closed:
                        return  # the rest is read by finish(), or not wanted
                before = self._consumer.position
                self._read(end)
                if self._consumer.position == before:
                    # One file of a bundle is longer than a piece: wait until there is more of it.
                    with self._changed:
                        self._changed.wait_for(lambda: self._is_closed or self._end > end)  # noqa: B023
        except BaseException as error:  # noqa: BLE001 - carried over to the receiving thread
            self._error = error
            self._writer.release(_EVERYTHING)  # the receiver may wait for us

    def _read(self, end: int) -> None:
        while self._consumer.position < end:
            position = self._consumer.position
            stop = min(end, position + min(2 * PIECE, self._writer.place(position)[1]))
            self._read_window(position, stop)
            if self._consumer.position == position:
                # Nothing whole within the window: a file of a bundle that is larger. Look at all of it at once.
                self._read_window(position, end)
                if self._consumer.position == position:
                    return

    def _read_window(self, position: int, end: int) -> None:
        # Windows, not the whole file: mapped pages count as resident memory of this process.
        start, _ = self._writer.place(position)
        before = start % mmap.ALLOCATIONGRANULARITY
        with mmap.mmap(
            self._writer.fileno(),
            end - position + before,
            flags=_FLAGS,
            prot=mmap.PROT_READ,
            offset=start - before,
        ) as window:
            self._consumer.advance(window, end, base=position - before)
        self._writer.release(self._consumer.position)
