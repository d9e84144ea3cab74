"""Hash a file in a second thread while it still grows."""

from __future__ import annotations

import hashlib
import os
import threading
from typing import TYPE_CHECKING, Self

from tsunagu.client.reading import READ_FLAGS

if TYPE_CHECKING:
    from types import TracebackType

_PIECE = 1 << 20


class FollowingHash:
    """SHA-256 of a growing file; the pages are read while they are warm."""

    def __init__(self, native: str) -> None:
        self._handle = os.open(native, READ_FLAGS)
        self._news = threading.Condition()
        self._end = 0
        self._is_done = False
        self._digest = hashlib.sha256()
        self._thread = threading.Thread(target=self._run, name="tsunagu-hash", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._news:
            self._end = 0 if kind is not None else self._end  # nobody asks for the rest
            self._is_done = True
            self._news.notify()
        self._thread.join()
        os.close(self._handle)

    def grown(self, end: int) -> None:
        """So many bytes are in the file now."""
        with self._news:
            self._end = end
            self._news.notify()

    def result(self) -> str:
        """The hash of all that was announced."""
        with self._news:
            self._is_done = True
            self._news.notify()
        self._thread.join()
        return self._digest.hexdigest()

    def _run(self) -> None:
        position = 0
        while True:
            with self._news:
                while not (self._is_done or self._end > position):
                    self._news.wait()
                end = self._end
            if position >= end:
                return
            while position < end:
                piece = os.read(self._handle, min(_PIECE, end - position))
                if not piece:
                    return
                self._digest.update(piece)
                position += len(piece)
