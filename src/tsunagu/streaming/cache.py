"""A bounded folder of what was fetched; several processes may share it, and losing it costs time alone."""

from __future__ import annotations

import contextlib
import os
import threading
import zlib
from pathlib import Path

from tsunagu.core.ids import new_id

_TRAILER = 4
_ROOM = 0.9  # what is left after making room, as a part of the bound


class Cache:
    """Entries by name; the one that was not used for longest goes first.

    Args:
        folder: Made when missing, readable by its owner alone.
        bound: Bytes at most.
    """

    def __init__(self, folder: Path, bound: int) -> None:
        self._folder, self._bound = folder, bound
        self._lock = threading.Lock()
        self._size: int | None = None

    def get(self, name: str) -> memoryview | None:
        """An entry that is whole, or None."""
        path = self._folder / name[:2] / name
        try:
            content = memoryview(path.read_bytes())
            os.utime(path)
        except OSError:
            return None
        body, trailer = content[:-_TRAILER], content[-_TRAILER:]
        return body if zlib.crc32(body).to_bytes(_TRAILER, "big") == trailer else None

    def put(self, name: str, content: bytes | memoryview) -> None:
        """Keep an entry; a full or read-only disk is no error."""
        if len(content) > self._bound // 4:
            return
        path = self._folder / name[:2] / name
        fresh = path.with_name(f"{name}.{new_id()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with fresh.open("xb") as file:
                file.write(content)
                file.write(zlib.crc32(content).to_bytes(_TRAILER, "big"))
            fresh.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                fresh.unlink()
            return
        self._note(len(content) + _TRAILER)

    def _note(self, added: int) -> None:
        with self._lock:
            self._size = self._measure() if self._size is None else self._size + added
            if self._size > self._bound:
                self._make_room()

    def _entries(self) -> list[tuple[float, int, Path]]:
        found = []
        for path in self._folder.glob("*/*"):
            with contextlib.suppress(OSError):  # another process made room
                facts = path.stat()
                found.append((facts.st_mtime, facts.st_size, path))
        return sorted(found)

    def _measure(self) -> int:
        return sum(size for _, size, _ in self._entries())

    def _make_room(self) -> None:
        entries = self._entries()
        left = sum(size for _, size, _ in entries)
        for _, size, path in entries:
            if left <= self._bound * _ROOM:
                break
            with contextlib.suppress(OSError):
                path.unlink()
            left -= size
        self._size = left
