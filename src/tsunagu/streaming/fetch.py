"""Bytes of files by ranges, row groups decoded in threads, a few ahead of the reader."""

from __future__ import annotations

import json
import os
import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

from tsunagu.client.node import refusal
from tsunagu.client.transport import Transport
from tsunagu.streaming.door import Door
from tsunagu.streaming.plan import Piece
from tsunagu.streaming.rows import Rows
from tsunagu.streaming.where import kept

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from tsunagu.client.account import Account
    from tsunagu.client.transport import Answer
    from tsunagu.streaming.cache import Cache
    from tsunagu.streaming.door import Source, Use
    from tsunagu.streaming.footers import Footer
    from tsunagu.streaming.plan import Group, Window
    from tsunagu.streaming.where import Condition

_OK, _PARTIAL, _UNAUTHORIZED = 200, 206, 401
_GAP = 64 << 10  # ranges that are closer than this are fetched as one
_TAILS = 256  # as many as the byte server answers at once
_AHEAD_BYTES = 256 << 20
# They decode too: more of them than cores take the time from one another, and from other workers of the training.
_THREADS = min(4, max(2, os.cpu_count() or 2))


class Ranges:
    """Reads ranges of files over kept connections; an address that ran out is asked for again.

    Attributes:
        fetched: Bytes that travelled.
    """

    def __init__(self, account: Account, use: Use) -> None:
        self._account, self._use = account, use
        self._lock = threading.Lock()
        self._fresh: dict[str, Source] = {}
        self._opened: list[Transport] = []
        self._idle: list[Transport] = []
        self.fetched = 0

    def read(self, source: Source, start: int, count: int) -> memoryview:
        """``count`` bytes from ``start``.

        Raises:
            TsunaguError: the node refused, or does not answer.
        """
        headers = {"Range": f"bytes={start}-{start + count - 1}"}
        # Memory of Arrow's allocator, which uses again what decoding gave back; fresh pages cost as much as the network.
        memory = memoryview(pa.allocate_buffer(count)).cast("B")
        source = self._fresh.get(source.path, source)
        name = quote(source.path.rpartition("/")[2], safe="")
        for last in (False, True):
            url = f"{source.byte_url}/o/{source.capability}/{name}"
            answer = self._asked("GET", url, headers=headers, into=memory)
            if answer.status != _UNAUTHORIZED or last:
                break
            source = self._renew(source)
        content = memory if answer.is_filled else memoryview(answer.body)
        if answer.status != _PARTIAL or len(content) != count:
            raise refusal(answer, source.byte_url)
        with self._lock:
            self.fetched += count
        return content

    def tails(self, sources: Sequence[Source], count: int) -> list[memoryview]:
        """The last ``count`` bytes of every file, shorter files whole; many files with one question.

        Raises:
            TsunaguError: the node refused, or does not answer.
        """
        several = [sources[at : at + _TAILS] for at in range(0, len(sources), _TAILS)]
        if len(several) <= 1:
            return self._tails(sources, count) if sources else []
        with ThreadPoolExecutor(_THREADS) as pool:
            return [
                one for found in pool.map(lambda some: self._tails(some, count), several) for one in found
            ]

    def close(self) -> None:
        """Close every connection."""
        for transport in self._opened:
            transport.close()

    def _renew(self, stale: Source) -> Source:
        with self._lock:
            known = self._fresh.get(stale.path, stale)
            if known.capability != stale.capability:
                return known  # another thread was faster
            door = Door(self._account)
            try:
                found = self._fresh[stale.path] = door.again(self._use, stale)
            finally:
                door.close()
            return found

    def _tails(self, sources: Sequence[Source], count: int) -> list[memoryview]:
        wish = {"capabilities": [one.capability for one in sources], "bytes": count}
        url = f"{sources[0].byte_url}/tails"
        headers = {"Content-Type": "application/json"}
        answer = self._asked("POST", url, headers=headers, body=json.dumps(wish).encode())
        sizes = [min(one.size, count) for one in sources]
        if answer.status != _OK or len(answer.body) != sum(sizes):
            raise refusal(answer, url)
        with self._lock:
            self.fetched += len(answer.body)
        ends = list(accumulate(sizes))
        whole = memoryview(answer.body)
        return [whole[end - size : end] for size, end in zip(sizes, ends, strict=True)]

    def _asked(self, method: str, url: str, **request: Any) -> Answer:
        # Threads come and go, connections stay: the one that was used last serves next.
        with self._lock:
            transport = self._idle.pop() if self._idle else None
            if transport is None:
                self._opened.append(transport := Transport())
        try:
            return transport.request(method, url, **request)
        finally:
            with self._lock:
                self._idle.append(transport)


class _Held:
    """The asked ranges of a file as the file that Arrow reads."""

    def __init__(self, size: int, parts: Sequence[tuple[int, memoryview]]) -> None:
        self._size, self._parts = size, parts
        self._at = 0
        self.closed = False

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def tell(self) -> int:
        return self._at

    def size(self) -> int:
        return self._size

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = {0: 0, 1: self._at, 2: self._size}[whence] + offset
        return self._at

    def read(self, count: int = -1) -> memoryview:
        for start, content in self._parts:
            if start <= self._at and self._at + count <= start + len(content):
                offset = self._at - start
                self._at += count
                return content[offset : offset + count]
        raise OSError("Arrow asked for bytes that its own footer does not name")

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


class Groups:
    """Row groups as tables: from the cache, or fetched and decoded."""

    def __init__(
        self,
        ranges: Ranges,
        footers: Sequence[Footer],
        columns: Sequence[str] | None,
        cache: Cache | None,
        where: Condition | None = None,
    ) -> None:
        self._ranges, self._footers = ranges, footers
        self._columns = list(columns) if columns is not None else None
        self._where = where
        more = sorted(where.names().difference(self._columns or ())) if where is not None else []
        self._fetched = None if self._columns is None else [*self._columns, *more]
        self._cache = cache

    def table(self, piece: Piece) -> pa.Table:
        """The rows of a piece.

        Raises:
            TsunaguError: the node refused, or does not answer.
        """
        footer = self._footers[piece.group.file]
        spans = footer.spans(piece.group.index, self._fetched, gap=_GAP)
        parts = [(start, self._bytes(footer.source, start, end - start)) for start, end in spans]
        source = pa.PythonFile(_Held(footer.source.size, parts), mode="r")
        with pq.ParquetFile(source, metadata=footer.metadata, pre_buffer=False) as file:  # it is there
            table = file.read_row_group(piece.group.index, columns=self._fetched, use_threads=False)
        if self._where is not None:
            table = kept(self._where, table)
        if piece.rows != piece.group.rows:
            table = table.slice(piece.start, piece.rows)
        return table.select(self._columns) if self._columns is not None else table

    def count(self, group: Group) -> Group:
        """A row group with as many rows as the condition leaves of it; of those that statistics exclude, none is read."""
        if self._where is None:
            return group
        if not self._where.may(self._footers[group.file].extents(group.index)):
            return replace(group, rows=0, byte_count=0)
        rows = self.table(Piece(group, 0, group.rows)).num_rows
        return replace(group, rows=rows, byte_count=group.byte_count * rows // max(1, group.rows))

    def _bytes(self, source: Source, start: int, count: int) -> memoryview:
        name = f"{source.sha256}-{start}-{count}"
        kept = self._cache.get(name) if self._cache is not None else None
        if kept is not None and len(kept) == count:
            return kept
        content = self._ranges.read(source, start, count)
        if self._cache is not None:
            self._cache.put(name, content)
        return content


def ahead(
    groups: Groups, windows: Iterable[Window], order: Callable[[Window], NDArray[np.int64] | None]
) -> Generator[tuple[Window, Rows], None, None]:
    """Windows and their rows; up to 256 MiB of them are on their way.

    Two to four threads fetch and decode, one more puts the pieces of a window together.

    Args:
        groups: Where rows come from.
        windows: Which, in their order.
        order: Positions of a window's rows; None: as they are.
    """
    waiting: deque[tuple[Window, Future[Rows]]] = deque()
    coming = iter(windows)
    held = 0
    fetching = ThreadPoolExecutor(_THREADS, thread_name_prefix="tsunagu-fetch")
    joining = ThreadPoolExecutor(1, thread_name_prefix="tsunagu-join")

    def join(window: Window, pieces: list[Future[pa.Table]]) -> Rows:
        positions = order(window)  # while the pieces are on their way
        return Rows([batch for piece in pieces for batch in piece.result().to_batches()], positions)

    try:
        while True:
            while held < _AHEAD_BYTES or len(waiting) < 2:  # noqa: PLR2004 - one to deliver, one on its way
                window = next(coming, None)
                if window is None:
                    break
                pieces = [fetching.submit(groups.table, piece) for piece in window.pieces]
                waiting.append((window, joining.submit(join, window, pieces)))
                held += _weight(window)
            if not waiting:
                return
            window, joined = waiting.popleft()
            held -= _weight(window)
            yield window, joined.result()
    finally:
        # No thread opens a connection after the end.
        fetching.shutdown(wait=True, cancel_futures=True)
        joining.shutdown(wait=True, cancel_futures=True)


def _weight(window: Window) -> int:
    return sum(piece.group.byte_count * piece.rows // max(1, piece.group.rows) for piece in window.pieces)
