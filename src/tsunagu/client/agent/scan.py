"""Reading a folder: regular files with size and time, and what could not be read, named."""

from __future__ import annotations

import os
import stat
from typing import Any, Callable, Iterator, Mapping, NamedTuple

from . import names

_PULLED = ".tsunagu"  # notes of `tsunagu pull`, not data
_REPARSE_MOUNT, _REPARSE_LINK = 0xA0000003, 0xA000000C


class Found(NamedTuple):
    """A regular file at the moment when its folder was read; ``name`` is its path below the root as bytes."""

    name: bytes
    native: str
    shown: names.Shown
    size: int
    mtime_ns: int
    inode: int


class Trouble(NamedTuple):
    """Something below the root that cannot be taken; ``code`` is explained in `words`."""

    path: str
    code: str
    fields: Mapping[str, Any] = {}


class Listing:
    """What a folder held.

    Attributes:
        missing: The code of why the root could not be read, or ``""``. Then nothing is known about its files.
        identity: Device and number of the root: an empty mount point has another one than the share that was there.
        unread: Folders below it, as bytes with a separator at the end, that could not be read.
    """

    def __init__(self) -> None:
        self.files: list[Found] = []
        self.known: set[bytes] = set()
        self.troubles: list[Trouble] = []
        self.unread: list[bytes] = []
        self.missing = ""
        self.identity: list[int] = []
        self.missing_fields: Mapping[str, Any] = {}

    @property
    def is_empty(self) -> bool:
        """Whether no file was seen at all."""
        return not self.files and not self.known


def scan(root: str, is_known: Callable[[bytes, int, int], bool], skip: str = "") -> Listing:
    """Every regular file below the root.

    Args:
        root: The folder as it is configured. Links are not followed; what they point to below the root is there anyway.
        skip: The agent's own folder, should it lie below the root.
        is_known: Says of (name, size, mtime_ns) that nothing is to be done; such files are only noted as present.
    """
    listing = Listing()
    folders = [("", names.extended(root))]
    own = os.path.normcase(names.extended(os.path.abspath(skip))) if skip else None
    while folders:
        prefix, native = folders.pop()
        if prefix and own == os.path.normcase(os.path.abspath(native)):
            continue
        try:
            for entry in _entries(native):
                _take(listing, entry, prefix, folders, is_known)
        except OSError as error:
            if not prefix:
                listing.missing, listing.missing_fields = _reason(error)
                return listing
            if isinstance(error, FileNotFoundError):
                continue  # removed since its parent was read
            listing.unread.append(names.to_bytes(prefix))
            code, fields = _reason(error)
            listing.troubles.append(Trouble(names.show(prefix).path, code, fields))
    try:
        now = os.stat(names.extended(root))
        listing.identity = [now.st_dev, now.st_ino]
    except OSError as error:  # a share that went away midway must not look like removed folders
        listing.missing, listing.missing_fields = _reason(error)
    return listing


def _entries(native: str) -> Iterator[os.DirEntry[str]]:
    with os.scandir(native) as entries:
        yield from entries


def _take(
    listing: Listing,
    entry: os.DirEntry[str],
    prefix: str,
    folders: list[tuple[str, str]],
    is_known: Callable[[bytes, int, int], bool],
) -> None:
    relative = prefix + entry.name
    if entry.is_symlink() or _is_junction(entry):
        listing.troubles.append(Trouble(names.show(relative).path, "link"))
        return
    if entry.is_dir(follow_symlinks=False):
        if entry.name != _PULLED:
            folders.append((relative + os.sep, entry.path))
        return
    if not entry.is_file(follow_symlinks=False):
        listing.troubles.append(Trouble(names.show(relative).path, "special"))
        return
    name = names.to_bytes(relative)
    try:
        seen = entry.stat(follow_symlinks=False)
        if is_known(name, seen.st_size, seen.st_mtime_ns):
            listing.known.add(name)
            return
        if os.name == "nt":
            # NTFS updates the folder's copy of size and time only when the writer closes: ask the file itself.
            seen = os.stat(entry.path, follow_symlinks=False)
    except FileNotFoundError:
        return  # gone since the folder was read: the next poll knows
    except OSError as error:
        listing.known.add(name)  # it is there, so it has not vanished
        listing.troubles.append(Trouble(names.show(relative).path, *_reason(error)))
        return
    listing.files.append(
        Found(name, entry.path, names.show(relative), seen.st_size, seen.st_mtime_ns, seen.st_ino)
    )


def _is_junction(entry: os.DirEntry[str]) -> bool:
    if os.name != "nt":
        return False
    seen = entry.stat(follow_symlinks=False)
    is_reparse = getattr(seen, "st_file_attributes", 0) & getattr(stat, "FILE_ATTRIBUTE_REPARSE_POINT", 0)
    return bool(is_reparse) and getattr(seen, "st_reparse_tag", 0) in {_REPARSE_MOUNT, _REPARSE_LINK}


def _reason(error: OSError) -> tuple[str, dict[str, Any]]:
    if isinstance(error, PermissionError):
        return "permission", {}
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return "folder_missing", {}
    return "unreadable", {"reason": error.strerror or str(error)}
