"""What a folder holds, in the order of the file system; what cannot travel is named, never guessed."""

from __future__ import annotations

import os
import stat
import unicodedata
from typing import TYPE_CHECKING, NamedTuple

from tsunagu.client.messages import text
from tsunagu.core.paths import BadPathError, check_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OWN_FOLDER = ".tsunagu"
_TEMPORARY_ENDS = (".tmp", ".part", ".crdownload")
_TEMPORARY_STARTS = ("~$", ".~lock")
_DESKTOP = frozenset({".ds_store", "thumbs.db", "desktop.ini"})
_SURELY_SHORT = 60


class Found(NamedTuple):
    """A regular file at the moment when its folder was read."""

    path: str
    native: str
    size: int
    mtime_ns: int
    inode: int


class Skipped(NamedTuple):
    """Something that is not sent.

    ``kind`` is ``left_out`` (by rule: a link, a temporary file) or ``problem`` (somebody should look).
    """

    path: str
    kind: str
    reason: str


def is_temporary(name: str) -> bool:
    """Whether programs use such names for files that are not done, or for the desktop's own notes."""
    low = name.lower()
    return low.endswith(_TEMPORARY_ENDS) or low.startswith(_TEMPORARY_STARTS) or low in _DESKTOP


def walk(root: str, report: Callable[[Skipped], None], *, takes_all: bool = False) -> Iterator[Found]:
    """Every regular file below the root; links are not followed.

    Args:
        root: A folder; an OSError of the root itself is raised.
        report: Called for everything that is left out.
        takes_all: Files with the names of temporary ones too: the folder is a copy of a dataset that holds them.
    """
    folders = [("", root)]
    while folders:
        prefix, native = folders.pop()
        try:
            listing = os.scandir(native)
        except OSError as error:
            if not prefix:
                raise
            report(Skipped(prefix, "problem", error.strerror or str(error)))
            continue
        composed: set[str] = set()
        with listing:
            for entry in listing:
                kind = _kind(entry, takes_all=takes_all)
                path = prefix + entry.name
                if kind is not None and kind != "folder":
                    report(Skipped(path, "left_out", kind))
                    continue
                checked = _checked(path, entry.name, composed, report)
                if checked is None:
                    continue
                if kind == "folder":
                    folders.append((checked + "/", entry.path))
                    continue
                try:
                    seen = entry.stat(follow_symlinks=False)
                except OSError as error:
                    report(Skipped(path, "problem", error.strerror or str(error)))
                    continue
                yield Found(checked, entry.path, seen.st_size, seen.st_mtime_ns, seen.st_ino)


def _kind(entry: os.DirEntry[str], *, takes_all: bool) -> str | None:
    """None for a file to send, ``folder``, or why it is left out."""
    name = entry.name
    if entry.is_file(follow_symlinks=False):
        return "temporary" if is_temporary(name) and not takes_all else None
    if entry.is_dir(follow_symlinks=False):
        if _is_junction(entry):
            return "link"
        return "own" if name == OWN_FOLDER else "folder"
    return "link" if entry.is_symlink() else "special"


def _is_junction(entry: os.DirEntry[str]) -> bool:
    if os.name != "nt":
        return False
    attributes = getattr(entry.stat(follow_symlinks=False), "st_file_attributes", 0)
    return bool(attributes & stat.FILE_ATTRIBUTE_REPARSE_POINT)


def _checked(path: str, name: str, composed: set[str], report: Callable[[Skipped], None]) -> str | None:
    # 20,000 plain names must not cost 20,000 full checks: the folder part was checked when it was met.
    if len(name) < _SURELY_SHORT and len(path) < 1024 and name.isascii() and name.isprintable():  # noqa: PLR2004
        return path
    try:
        checked = check_path(path)
    except BadPathError as error:
        report(Skipped(path, "problem", text("bad_name", reason=error.message)))
        return None
    # Two names of one folder that differ only in composition (NFC, NFD) would become one path.
    if not name.isascii() or unicodedata.normalize("NFC", name) != name:
        if checked in composed:
            report(Skipped(path, "problem", text("same_when_composed")))
            return None
        composed.add(checked)
    return checked
