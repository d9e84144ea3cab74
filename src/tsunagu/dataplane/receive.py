"""The body of a request goes to disk and through SHA-256, once, while it arrives.

Fast path (gunicorn on Linux, plain HTTP): ``splice`` moves pages from the socket through a pipe into the file; a
second thread hashes the mapped file behind it. Everything else reads pieces of 1 MiB. Both end with fsync.
ADR 0020 holds the figures.
"""

from __future__ import annotations

import ctypes
import hashlib
import mmap
import os
import select
import threading
from typing import TYPE_CHECKING, Any

from tsunagu.dataplane.http import Environ

if TYPE_CHECKING:
    from hashlib import _Hash

PIECE = 1 << 20
_TELL_EVERY = 4 << 20
_F_SETPIPE_SZ = 1031
_SYNC_FILE_RANGE_WRITE = 2
_TIMEOUT_S = 60.0
_libc = ctypes.CDLL(None, use_errno=True)


def into_memory(environ: Environ, length: int) -> bytearray:
    """The whole body; shorter than ``length`` when the connection broke."""
    data = bytearray(length)
    view = memoryview(data)
    position = 0
    source = environ["wsgi.input"]
    try:
        while position < length:
            piece = source.read(min(PIECE, length - position))
            if not piece:
                break
            view[position : position + len(piece)] = piece
            position += len(piece)
    except OSError:
        pass  # a broken connection: what arrived is what there is
    view.release()
    del data[position:]
    return data


def into_file(environ: Environ, length: int, handle: int, offset: int, digest: _Hash) -> int:
    """Append the body to a file and to a hash; what it returns is on the disk.

    Args:
        environ: The request.
        length: Announced bytes of the body.
        handle: File descriptor, open for reading and writing.
        offset: Where to write; the file is exactly so long.
        digest: SHA-256 of what is there so far; fed with what arrives.

    Returns:
        How many bytes arrived (fewer than ``length`` when the connection broke).

    Raises:
        OSError: the disk took no more, or fsync failed.
    """
    if length == 0:
        return 0
    reader = getattr(environ["wsgi.input"], "reader", None)
    raw = environ.get("gunicorn.socket")
    if raw is not None and hasattr(os, "splice") and type(reader).__name__ == "LengthReader" and length > PIECE:
        count = _splice(reader, raw, length, handle, offset, digest)
    else:
        count = _copy(environ, length, handle, offset, digest)
    os.fsync(handle)
    return count


def _copy(environ: Environ, length: int, handle: int, offset: int, digest: _Hash) -> int:
    source = environ["wsgi.input"]
    count = 0
    try:
        while count < length:
            piece = source.read(min(PIECE, length - count))
            if not piece:
                break
            _write_all(handle, piece, offset + count)
            digest.update(piece)
            count += len(piece)
    except ConnectionError:
        pass
    return count


def _write_all(handle: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(handle, view, offset)
        view, offset = view[written:], offset + written


class _Hasher:
    """Hashes a mapped file in a second thread, up to where it has been told."""

    def __init__(self, handle: int, start: int, end: int, digest: _Hash) -> None:
        base = start // mmap.ALLOCATIONGRANULARITY * mmap.ALLOCATIONGRANULARITY
        self._map = mmap.mmap(handle, end - base, prot=mmap.PROT_READ, offset=base)
        self._base, self._done, self._told = base, start, start
        self._digest, self._is_over = digest, False
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def tell(self, end: int) -> None:
        with self._news:
            self._told = end
            self._news.notify()

    def finish(self, end: int) -> None:
        with self._news:
            self._told, self._is_over = end, True
            self._news.notify()
        self._thread.join()
        self._map.close()

    def _work(self) -> None:
        view = memoryview(self._map)
        try:
            while True:
                with self._news:
                    while self._told == self._done and not self._is_over:
                        self._news.wait()
                    told = self._told
                if told == self._done:
                    return
                while self._done < told:
                    end = min(told, self._done + _TELL_EVERY)
                    self._digest.update(view[self._done - self._base : end - self._base])
                    self._done = end
        finally:
            view.release()


def _splice(reader: Any, raw: Any, length: int, handle: int, offset: int, digest: _Hash) -> int:
    os.posix_fallocate(handle, offset, length)  # ENOSPC now, not as SIGBUS in the hashing thread
    ahead = reader.unreader.take_buffered()
    mine, rest = ahead[:length], ahead[length:]
    if rest:
        reader.unreader.unread(rest)
    _write_all(handle, mine, offset)
    count = len(mine)
    hasher = _Hasher(handle, offset, offset + length, digest)
    try:
        hasher.tell(offset + count)
        count = _pump(raw, length, handle, offset, count, hasher)
    finally:
        reader.length -= count
        hasher.finish(offset + count)
        if count < length:
            os.ftruncate(handle, offset + count)
    return count


def _pump(raw: Any, length: int, handle: int, offset: int, count: int, hasher: _Hasher) -> int:
    source, sink = os.pipe()
    source_socket = raw.fileno()
    synced = count
    try:
        import fcntl

        fcntl.fcntl(sink, _F_SETPIPE_SZ, PIECE)
        while count < length:
            try:
                moved = os.splice(source_socket, sink, min(PIECE, length - count), flags=1)
            except BlockingIOError:
                if not select.select([source_socket], [], [], _TIMEOUT_S)[0]:
                    break
                continue
            except ConnectionError:
                break
            if moved == 0:
                break
            while moved:
                done = os.splice(source, handle, moved, offset_dst=offset + count)
                moved, count = moved - done, count + done
            if count - synced >= _TELL_EVERY or count == length:
                # Start write-back early, so that the fsync at the end is short; this alone promises nothing.
                _libc.sync_file_range(
                    ctypes.c_int(handle),
                    ctypes.c_int64(offset + synced),
                    ctypes.c_int64(count - synced),
                    ctypes.c_uint(_SYNC_FILE_RANGE_WRITE),
                )
                hasher.tell(offset + count)
                synced = count
    finally:
        os.close(source)
        os.close(sink)
    return count


def hash_prefix(path: str, length: int) -> _Hash:
    """SHA-256 of the first bytes of a file: the one allowed second reading, after a restart midway."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:  # noqa: PTH123 - a plain path from the spool
        while length > 0:
            piece = file.read(min(PIECE, length))
            if not piece:
                break
            digest.update(piece)
            length -= len(piece)
    return digest
