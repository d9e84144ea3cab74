"""What this machine remembers of its pushes, so that the next one re-reads only what changed.

A cache beside the user's other caches: when it is lost or broken, files are hashed again and nothing else happens.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_SCHEMA = """
create table if not exists file (path text primary key, size int, mtime_ns int, inode int, sha256 blob) without rowid;
create table if not exists upload (path text primary key, size int, mtime_ns int, inode int, url text) without rowid;
create table if not exists open_run (run text primary key, byte_url text, opened_at real);
"""
# A write within the clock tick of the file system leaves the time as it is: such a hash is not believed later.
_RACY_NS = 2_000_000_000


class Known(NamedTuple):
    """A file as it was when it was hashed."""

    path: str
    size: int
    mtime_ns: int
    inode: int
    sha256: bytes


class PushState:
    """The memory of one folder pushed to one dataset of one node."""

    def __init__(self, folder: str, node_url: str, dataset: str, cache: str) -> None:
        key = hashlib.sha256(json.dumps([node_url, dataset, os.path.realpath(folder)]).encode()).hexdigest()[
            :24
        ]
        place = os.path.join(cache, "push")  # noqa: PTH118
        os.makedirs(place, mode=0o700, exist_ok=True)  # noqa: PTH103
        self.path = os.path.join(place, f"{key}.sqlite")  # noqa: PTH118
        try:
            self._db = self._connect()
        except sqlite3.DatabaseError:
            for end in ("", "-wal", "-shm"):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self.path + end)  # noqa: PTH108
            self._db = self._connect()
        self._is_empty = self._db.execute("select 1 from file limit 1").fetchone() is None

    def _connect(self) -> sqlite3.Connection:
        # The reading thread asks, the sending thread writes; every statement is one call under sqlite3's own lock.
        db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=30)
        try:
            db.execute("pragma journal_mode = wal")
            db.execute("pragma synchronous = normal")
            db.executescript(_SCHEMA)
        except sqlite3.DatabaseError:
            db.close()
            raise
        return db

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def known(self, paths: Sequence[str]) -> dict[str, Known]:
        """What is remembered of these paths."""
        if self._is_empty:
            return {}
        rows = self._db.execute(
            "select path, size, mtime_ns, inode, sha256 from file where path in (select value from json_each(?))",
            (json.dumps(paths),),
        )
        return {row[0]: Known(*row) for row in rows}

    def remember(self, files: Iterable[Known]) -> None:
        """Keep hashes of files that the node has."""
        horizon = time.time_ns() - _RACY_NS
        rows = [tuple(file) for file in files if file.mtime_ns < horizon]
        with self._transaction():
            self._db.executemany("insert or replace into file values (?, ?, ?, ?, ?)", rows)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._db.execute("rollback")
            raise
        self._db.execute("commit")

    def upload_of(self, path: str, size: int, mtime_ns: int, inode: int) -> str | None:
        """The address of an unfinished upload of exactly this content, as far as size and time can tell."""
        row = self._db.execute(
            "select url from upload where path = ? and size = ? and mtime_ns = ? and inode = ?",
            (path, size, mtime_ns, inode),
        ).fetchone()
        return row[0] if row else None

    def upload_began(self, path: str, size: int, mtime_ns: int, inode: int, url: str) -> None:
        """Remember an upload before its first byte."""
        self._db.execute(
            "insert or replace into upload values (?, ?, ?, ?, ?)", (path, size, mtime_ns, inode, url)
        )

    def upload_ended(self, path: str) -> None:
        """Forget an upload that is finished or gone."""
        self._db.execute("delete from upload where path = ?", (path,))

    def has_uploads(self) -> bool:
        """Whether a large file is half sent."""
        return self._db.execute("select 1 from upload limit 1").fetchone() is not None

    def open_run(self) -> tuple[str, str] | None:
        """Run and byte address of a push that was broken off."""
        row = self._db.execute(
            "select run, byte_url from open_run order by opened_at desc limit 1"
        ).fetchone()
        return (row[0], row[1]) if row else None

    def run_opened(self, run: str, byte_url: str) -> None:
        """Remember a run until it is closed."""
        self._db.execute("delete from open_run")
        self._db.execute("insert into open_run values (?, ?, ?)", (run, byte_url, time.time()))

    def run_closed(self) -> None:
        """The run is closed; uploads that belonged to it are worth nothing now."""
        self._db.execute("delete from open_run")
        self._db.execute("delete from upload")
