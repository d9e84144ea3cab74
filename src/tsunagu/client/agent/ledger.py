"""What the agent knows of every file, in SQLite: survives a kill at any instruction.

States: ``seen -> settling -> at_rest -> hashed -> uploading -> verified -> done``; ``changed`` (other bytes after
``done``: a new content of the same path), ``vanished``, ``ignored``, ``error`` (with reason and time of the next try).
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from typing import Any, Iterator, Mapping, Sequence

TRANSITIONS: Mapping[str, frozenset[str]] = {
    "seen": frozenset({"settling", "ignored", "vanished"}),
    "settling": frozenset({"at_rest", "seen", "ignored", "vanished"}),
    "at_rest": frozenset({"hashed", "settling", "seen", "ignored", "vanished", "error"}),
    "hashed": frozenset({"uploading", "verified", "settling", "seen", "ignored", "vanished", "error"}),
    "uploading": frozenset({"verified", "hashed", "settling", "seen", "ignored", "vanished", "error"}),
    "verified": frozenset({"done", "settling", "vanished"}),
    "done": frozenset({"changed", "hashed"}),
    "changed": frozenset({"settling", "seen", "ignored", "vanished"}),
    "error": frozenset({"hashed", "at_rest", "settling", "seen", "ignored", "vanished"}),
    "vanished": frozenset({"seen"}),
    "ignored": frozenset({"seen", "vanished"}),
}
WAITING = ("at_rest", "hashed", "uploading", "verified")  # at rest, and not yet known to be whole on the node
ACTIVE = ("seen", "settling", "changed", "error", *WAITING)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS fact (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS file (
    id INTEGER PRIMARY KEY, folder TEXT NOT NULL, name BLOB NOT NULL, path TEXT NOT NULL, encoding TEXT NOT NULL DEFAULT '',
    size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, inode INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL,
    project TEXT NOT NULL DEFAULT '', dataset TEXT NOT NULL DEFAULT '', sha256 TEXT NOT NULL DEFAULT '', sent TEXT NOT NULL DEFAULT '',
    run TEXT NOT NULL DEFAULT '', upload_url TEXT NOT NULL DEFAULT '', upload_offset INTEGER NOT NULL DEFAULT 0,
    code TEXT NOT NULL DEFAULT '', fields TEXT NOT NULL DEFAULT '{}',
    attempts INTEGER NOT NULL DEFAULT 0, next_try_at REAL NOT NULL DEFAULT 0,
    seen_at REAL NOT NULL, done_at REAL NOT NULL DEFAULT 0, UNIQUE (folder, name));
CREATE INDEX IF NOT EXISTS file_by_state ON file (state, size);
CREATE INDEX IF NOT EXISTS file_by_place ON file (project, dataset, path);
CREATE INDEX IF NOT EXISTS file_by_end ON file (done_at) WHERE done_at > 0;
CREATE TABLE IF NOT EXISTS push (key TEXT PRIMARY KEY, project TEXT NOT NULL, dataset TEXT NOT NULL, run TEXT NOT NULL)
    WITHOUT ROWID;
"""
_COLUMNS = (
    "id", "folder", "name", "path", "encoding", "size", "mtime_ns", "inode", "state", "project", "dataset", "sha256", "sent", "run",
    "upload_url", "upload_offset", "code", "fields", "attempts", "next_try_at", "seen_at", "done_at",
)  # fmt: skip
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM file "  # noqa: S608 - names of this module


class StateError(Exception):
    """A step that the states do not know: a mistake in the program, never in a file."""


class Row:
    """One file. ``sent`` is the SHA-256 of the content that the node confirmed last. ``fields`` and ``code`` say why it waits or failed; wall times are for people, never for decisions."""

    __slots__ = _COLUMNS

    id: int
    folder: str
    name: bytes
    path: str
    encoding: str
    size: int
    mtime_ns: int
    inode: int
    state: str
    project: str
    dataset: str
    sha256: str
    sent: str
    run: str
    upload_url: str
    upload_offset: int
    code: str
    fields: Mapping[str, Any]
    attempts: int
    next_try_at: float
    seen_at: float
    done_at: float

    def __init__(self, values: Sequence[Any]) -> None:
        for column, value in zip(_COLUMNS, values):
            setattr(self, column, value)
        self.fields = json.loads(values[_COLUMNS.index("fields")])


class Ledger:
    """The ledger of one agent; one process, one thread.

    Args:
        path: The database file.
    """

    def __init__(self, path: str) -> None:
        self._base = sqlite3.connect(path, isolation_level=None, timeout=30)
        self._base.execute("PRAGMA journal_mode=WAL")
        # What the last moments before a power cut forget is asked again from the node, so no fsync per row is needed.
        self._base.execute("PRAGMA synchronous=NORMAL")
        self._base.executescript(_SCHEMA)
        self._index: dict[str, dict[bytes, tuple[int, int, str]]] = {}

    def close(self) -> None:
        """Close the database."""
        self._base.close()

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """All or nothing for the steps inside."""
        if self._base.in_transaction:
            yield
            return
        self._base.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._base.execute("ROLLBACK")
            self._index.clear()
            raise
        self._base.execute("COMMIT")

    def fact(self, key: str) -> Any:
        """A remembered fact, or None."""
        row = self._base.execute("SELECT value FROM fact WHERE key = ?", (key,)).fetchone()
        return None if row is None else json.loads(row[0])

    def remember(self, key: str, value: Any) -> None:
        """Remember a fact."""
        self._base.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (key, json.dumps(value)))

    def index(self, folder: str) -> dict[bytes, tuple[int, int, str]]:
        """(size, mtime_ns, state) of every file of a folder, kept in memory: every poll asks for every file."""
        if folder not in self._index:
            sql = "SELECT name, size, mtime_ns, state FROM file WHERE folder = ?"
            found = self._base.execute(sql, (folder,))
            self._index[folder] = {
                bytes(name): (size, mtime_ns, state) for name, size, mtime_ns, state in found
            }
        return self._index[folder]

    def get(self, folder: str, name: bytes) -> Row | None:
        """One file."""
        found = self._base.execute(_SELECT + "WHERE folder = ? AND name = ?", (folder, name)).fetchone()
        return None if found is None else Row(found)

    def by_id(self, number: int) -> Row | None:
        """One file."""
        found = self._base.execute(_SELECT + "WHERE id = ?", (number,)).fetchone()
        return None if found is None else Row(found)

    def add(self, folder: str, name: bytes, **values: Any) -> Row:
        """A file that was not known; its state is ``seen``."""
        given = {"folder": folder, "name": name, "state": "seen", **values}
        columns, marks = ", ".join(given), ", ".join("?" * len(given))
        self._base.execute(
            f"INSERT INTO file ({columns}) VALUES ({marks})",  # noqa: S608 - names of this module
            tuple(given.values()),
        )
        row = self.get(folder, name)
        assert row is not None
        self._indexed(row)
        return row

    def move(self, row: Row, state: str, **values: Any) -> Row:
        """Bring a file to another state, with what else is known; the reason is cleared unless one is given.

        Raises:
            StateError: the states know no such step.
        """
        if state != row.state and state not in TRANSITIONS[row.state]:
            raise StateError(f"{row.state} -> {state}: {row.path}")
        given = {"code": "", "fields": {}, **values, "state": state}
        self.note(row, **given)
        return row

    def note(self, row: Row, **values: Any) -> None:
        """Write down facts about a file without a step."""
        kept = {key: json.dumps(value) if key == "fields" else value for key, value in values.items()}
        marks = ", ".join(f"{key} = ?" for key in kept)
        self._base.execute(
            f"UPDATE file SET {marks} WHERE id = ?",  # noqa: S608 - names of this module
            (*kept.values(), row.id),
        )
        for key, value in values.items():
            setattr(row, key, value)
        self._indexed(row)

    def _indexed(self, row: Row) -> None:
        if row.folder in self._index:
            self._index[row.folder][row.name] = (row.size, row.mtime_ns, row.state)

    def rows(
        self,
        states: Sequence[str],
        *,
        folders: Sequence[str] | None = None,
        limit: int = 1000,
        where: str = "",
        order: str = "size, id",
    ) -> list[Row]:
        """Files in some states, of some folders, the smallest first."""
        sql = f"{_SELECT}WHERE state IN ({', '.join('?' * len(states))}) "
        if folders is not None:
            sql += f"AND folder IN ({', '.join('?' * len(folders))}) "
        sql += (f"AND {where} " if where else "") + f"ORDER BY {order} LIMIT ?"
        return [Row(found) for found in self._base.execute(sql, (*states, *(folders or ()), limit))]

    def holder(self, project: str, dataset: str, path: str, own: int) -> Row | None:
        """Another file that goes, or went, to the same place."""
        sql = (
            _SELECT + "WHERE project = ? AND dataset = ? AND path = ? AND id != ? "
            "AND (done_at > 0 OR state NOT IN ('seen', 'settling')) AND state NOT IN ('ignored', 'vanished') "
            "ORDER BY id LIMIT 1"
        )
        found = self._base.execute(sql, (project, dataset, path, own)).fetchone()
        return None if found is None else Row(found)

    def counts(self, folders: Sequence[str] | None = None) -> dict[str, int]:
        """How many files are in each state, in all folders or in these."""
        marks = "" if folders is None else f"WHERE folder IN ({', '.join('?' * len(folders))})"
        sql = f"SELECT state, count(*) FROM file {marks} GROUP BY state"  # noqa: S608 - question marks
        return dict(self._base.execute(sql, tuple(folders or ())).fetchall())

    def oldest_waiting_at(self, folders: Sequence[str]) -> float | None:
        """When the file that waits longest was first seen; wall clock of this PC, seconds."""
        marks, more = ", ".join("?" * len(WAITING)), ", ".join("?" * len(folders))
        sql = f"SELECT min(seen_at) FROM file WHERE state IN ({marks}) AND folder IN ({more})"  # noqa: S608 - marks
        found = self._base.execute(sql, (*WAITING, *folders)).fetchone()[0]
        return None if found is None else float(found)

    def recent(self, count: int) -> list[Row]:
        """The files that were done last, the newest first."""
        sql = _SELECT + "WHERE done_at > 0 AND state = 'done' ORDER BY done_at DESC, id DESC LIMIT ?"
        return [Row(found) for found in self._base.execute(sql, (count,))]

    def ask_again(self) -> int:
        """The node has another address: what was done is compared with it once more; how many files."""
        done = self._base.execute(
            "UPDATE file SET state = 'hashed', run = '', upload_url = '' WHERE state = 'done'"
        )
        self._base.execute("UPDATE file SET run = '', upload_url = '', upload_offset = 0")
        self._base.execute("DELETE FROM push")
        self._index.clear()
        return done.rowcount

    def forget_ignored(self) -> None:
        """The settings changed: every left-out file is looked at again."""
        self._base.execute("DELETE FROM file WHERE state = 'ignored'")
        self._index.clear()

    def push(self, key: str) -> str:
        """The open run under a key, or ``""``."""
        found = self._base.execute("SELECT run FROM push WHERE key = ?", (key,)).fetchone()
        return str(found[0]) if found else ""

    def push_opened(self, key: str, project: str, dataset: str, run: str) -> None:
        """Remember an open run, so that it is gone on with after a kill."""
        self._base.execute("INSERT OR REPLACE INTO push VALUES (?, ?, ?, ?)", (key, project, dataset, run))

    def push_ended(self, key: str) -> None:
        """Forget a run."""
        self._base.execute("DELETE FROM push WHERE key = ?", (key,))

    def pushes(self) -> list[tuple[str, str, str, str]]:
        """Every open run: key, project, dataset, run."""
        return list(self._base.execute("SELECT key, project, dataset, run FROM push").fetchall())
