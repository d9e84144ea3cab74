"""The folder that a pull writes into: never outside of it, never over what a person changed.

``DEST/.tsunagu`` holds half-received files while a pull goes on and is gone after it, so that the folder then holds the
dataset's files and nothing else. What was pulled is remembered beside the user's other caches.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import stat
import sys
import unicodedata
from typing import TYPE_CHECKING, NamedTuple

from tsunagu.client.account import cache_folder
from tsunagu.client.messages import text
from tsunagu.client.reading import READ_FLAGS, hash_pages
from tsunagu.client.walk import OWN_FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator

_SCHEMA = """
create table if not exists pulled (
    path text primary key, size int, mtime_ns int, inode int, sha256 text, folded text, round int
) without rowid;
create index if not exists pulled_folded on pulled (folded);
"""
_WINDOWS_CHARACTERS = frozenset('<>:"|?*\\')
_WINDOWS_NAMES = frozenset(
    {"con", "prn", "aux", "nul"} | {f"{port}{number}" for port in ("com", "lpt") for number in "123456789¹²³"}
)


class CannotPlaceError(Exception):
    """A file of the dataset that cannot stand in this folder; the text says why."""


class Pulled(NamedTuple):
    """A file as an earlier pull left it."""

    size: int
    mtime_ns: int
    inode: int
    sha256: str


class LocalTree:
    """The folder and what is remembered of it.

    Args:
        root: The folder.
        remembers: Whether that outlives this pull.
    """

    def __init__(self, root: str, *, remembers: bool = True) -> None:
        self.root = os.path.abspath(root)  # noqa: PTH100
        self.own = os.path.join(self.root, OWN_FOLDER)  # noqa: PTH118
        os.makedirs(os.path.join(self.own, "parts"), exist_ok=True)  # noqa: PTH103, PTH118
        self._safe_folders = {""}
        self._remembers = remembers
        try:
            self._db = self._connect()
        except sqlite3.DatabaseError:
            for end in ("", "-wal", "-shm"):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self._memory() + end)  # noqa: PTH108
            self._db = self._connect()
        (last,) = self._db.execute("select coalesce(max(round), 0) from pulled").fetchone()
        self._round = last + 1
        self.ignores_case = self._probe_case()
        self._number = 0
        self._claimed: dict[str, str] = {}

    def _memory(self) -> str:
        name = hashlib.sha256(os.path.realpath(self.root).encode("utf-8", "surrogateescape")).hexdigest()[:32]
        folder = os.path.join(cache_folder(), "pulls")  # noqa: PTH118
        os.makedirs(folder, exist_ok=True)  # noqa: PTH103
        return os.path.join(folder, f"{name}.sqlite")  # noqa: PTH118

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._memory() if self._remembers else ":memory:", timeout=30)
        try:
            db.execute("pragma journal_mode = wal")
            db.execute("pragma synchronous = normal")
            db.executescript(_SCHEMA)
        except sqlite3.DatabaseError:
            db.close()
            raise
        return db

    def close(self) -> None:
        """Keep what is remembered, close the file."""
        self._db.commit()
        self._db.close()
        # Half-received files stay for the next try; without any the folder is the dataset and nothing else.
        for folder in (os.path.join(self.own, "parts"), self.own):  # noqa: PTH118
            with contextlib.suppress(OSError):
                os.rmdir(folder)  # noqa: PTH106

    def commit(self) -> None:
        """Keep what was pulled so far."""
        self._db.commit()
        self._claimed.clear()

    def _probe_case(self) -> bool:
        probe = os.path.join(self.own, "CaseProbe")  # noqa: PTH118
        with open(probe, "wb"):  # noqa: PTH123
            pass
        found = os.path.exists(os.path.join(self.own, "cASEpROBE"))  # noqa: PTH110, PTH118
        os.unlink(probe)  # noqa: PTH108
        return found

    def native(self, path: str) -> str:
        """Where a path of the dataset lies on this machine; its folders are made.

        Raises:
            CannotPlaceError: the name is not possible here, or the way there leaves the folder.
        """
        if problem := name_problem(path, windows=sys.platform == "win32"):
            raise CannotPlaceError(problem)
        folder, _, name = path.rpartition("/")
        if folder not in self._safe_folders:
            self._make_folder(folder)
        native = f"{self.root}{os.sep}{path.replace('/', os.sep)}" if folder else f"{self.root}{os.sep}{name}"
        if sys.platform == "win32" and len(native) > 240:  # noqa: PLR2004 - old Windows stops at 260
            return "\\\\?\\" + native
        return native

    def _make_folder(self, folder: str) -> None:
        parent, _, _ = folder.rpartition("/")
        if parent not in self._safe_folders:
            self._make_folder(parent)
        native = os.path.join(self.root, *folder.split("/"))  # noqa: PTH118
        try:
            os.mkdir(native)  # noqa: PTH102
        except FileExistsError:
            # A link here would lead the following files out of the folder.
            if not stat.S_ISDIR(os.lstat(native).st_mode):
                raise CannotPlaceError(text("not_a_folder", path=folder)) from None
        except OSError as error:
            raise CannotPlaceError(error.strerror or str(error)) from error
        self._safe_folders.add(folder)

    def part(self, sha256: str) -> str:
        """Where a large file is received; its name is its hash, so that any later pull goes on with it."""
        return os.path.join(self.own, "parts", f"{sha256}.part")  # noqa: PTH118

    def scratch(self) -> str:
        """A name for one small file before it gets its own."""
        self._number += 1
        return os.path.join(self.own, "parts", f"{os.getpid()}-{self._number}.new")  # noqa: PTH118

    def state_of(self, path: str, native: str, sha256: str) -> str:
        """``missing``, ``same``, ``outdated`` (pulled earlier and untouched since) or ``changed`` by somebody.

        Raises:
            CannotPlaceError: another file has the place, because this file system does not tell the two names apart.
        """
        if self.ignores_case and (other := self._same_when_folded(path)):
            raise CannotPlaceError(text("case_collision", other=other))
        try:
            now = os.lstat(native)
        except FileNotFoundError:
            return "missing"
        except OSError as error:
            raise CannotPlaceError(error.strerror or str(error)) from error
        if not stat.S_ISREG(now.st_mode):
            raise CannotPlaceError(text("not_a_file", path=path))
        kept = self._kept(path)
        if kept is not None and kept[:3] == (now.st_size, now.st_mtime_ns, now.st_ino):
            content = kept.sha256
        else:
            content = hash_file(native)
            if content == sha256:
                self.remember(path, native, sha256)
        if content == sha256:
            return "same"
        return "outdated" if kept is not None and content == kept.sha256 else "changed"

    def _kept(self, path: str) -> Pulled | None:
        row = self._db.execute(
            "select size, mtime_ns, inode, sha256 from pulled where path = ?", (path,)
        ).fetchone()
        return Pulled(*row) if row else None

    def _same_when_folded(self, path: str) -> str | None:
        # A file of this page may still be on its way; those of earlier pages are in the table.
        claimed = self._claimed.setdefault(_fold(path), path)
        if claimed != path:
            return claimed
        row = self._db.execute(
            "select path from pulled where folded = ? and path <> ? and round = ?",
            (_fold(path), path, self._round),
        ).fetchone()
        return row[0] if row else None

    def settle(self, scratch: str, native: str, path: str, sha256: str) -> None:
        """Give a whole, checked file its name."""
        os.replace(scratch, native)  # noqa: PTH105
        self.remember(path, native, sha256)

    def remember(self, path: str, native: str, sha256: str) -> None:
        """Keep how the file was left."""
        now = os.lstat(native)
        self._db.execute(
            "insert or replace into pulled values (?, ?, ?, ?, ?, ?, ?)",
            (path, now.st_size, now.st_mtime_ns, now.st_ino, sha256, _fold(path), self._round),
        )

    def keep(self, path: str) -> None:
        """The file belongs to this pull too."""
        self._db.execute("update pulled set round = ? where path = ?", (self._round, path))

    def left_from_earlier(self, prefix: str) -> Iterator[str]:
        """Files that an earlier pull brought and this one does not name; they stay where they are."""
        rows = self._db.execute(
            "select path from pulled where round < ? and substr(path, 1, ?) = ? order by path",
            (self._round, len(prefix), prefix),
        )
        for (path,) in rows:
            if os.path.lexists(os.path.join(self.root, *path.split("/"))):  # noqa: PTH118
                yield path


def hash_file(native: str) -> str:
    """SHA-256 of a local file as text."""
    handle = os.open(native, READ_FLAGS)
    try:
        size = os.fstat(handle).st_size
        if size == 0:
            return hashlib.sha256().hexdigest()
        return hash_pages(handle, size).hex()
    finally:
        os.close(handle)


def name_problem(path: str, *, windows: bool) -> str | None:
    """Why a checked dataset path cannot be a file name here, or None."""
    if path.split("/", 1)[0].casefold() == OWN_FOLDER:
        return text("own_folder", name=OWN_FOLDER)
    if not windows:
        return None
    for part in path.split("/"):
        if _WINDOWS_CHARACTERS & set(part):
            return text("windows_characters", name=part)
        if part.endswith((".", " ")):
            return text("windows_ending", name=part)
        if part.split(".", 1)[0].rstrip(" ").casefold() in _WINDOWS_NAMES:
            return text("windows_reserved", name=part)
    return None


def _fold(path: str) -> str:
    return unicodedata.normalize("NFC", path.casefold())
