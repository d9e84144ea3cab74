"""Objects as files in a folder. Order of a write: bytes durable, directory durable, then it returns."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from tsunagu.core.blobs import PIECE_BYTES, new_key
from tsunagu.core.errors import NotFoundError, StorageFullError, TsunaguError, UnavailableError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class LocalStore:
    """Objects as files under a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known_folders: set[str] = set()

    def put(self, key: str, data: bytes | bytearray | memoryview) -> None:
        """Store bytes from memory; durable when it returns."""
        path = self._place(key)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                view = memoryview(data)
                while view:
                    view = view[os.write(handle, view) :]
                os.fsync(handle)
            finally:
                os.close(handle)
            _sync_folder(path.parent)
        except OSError as error:
            # After a failed fsync the kernel may have dropped the pages: this object is lost, never try again on it.
            path.unlink(missing_ok=True)
            raise as_tsunagu_error(error) from error

    def adopt(self, key: str, file: Path) -> None:
        """Take over a finished file; a copy where the spool lies on another file system."""
        path = self._place(key)
        try:
            try:
                file.rename(path)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                shutil.copyfile(file, path)
                with path.open("rb") as copy:
                    os.fsync(copy.fileno())
                file.unlink()
            os.utime(path)  # the sweep counts from now on
            _sync_folder(path.parent)
        except OSError as error:
            raise as_tsunagu_error(error) from error

    def read(self, key: str, offset: int, length: int) -> Iterator[bytes]:
        """Pieces of about 1 MiB."""
        try:
            handle = os.open(self.folder / key, os.O_RDONLY)
        except FileNotFoundError:
            raise NotFoundError(f"The object {key} is missing from the store.") from None
        try:
            while length > 0:
                piece = os.pread(handle, min(PIECE_BYTES, length), offset)
                if not piece:
                    return
                offset, length = offset + len(piece), length - len(piece)
                yield piece
        finally:
            os.close(handle)

    def local_path(self, key: str) -> Path | None:
        """The object's file."""
        return self.folder / key

    def size(self, key: str) -> int:
        """Size in bytes."""
        try:
            return (self.folder / key).stat().st_size
        except FileNotFoundError:
            raise NotFoundError(f"The object {key} is missing from the store.") from None

    def delete(self, key: str) -> None:
        """Remove the file."""
        (self.folder / key).unlink(missing_ok=True)

    def older_than(self, age_s: float) -> Iterator[str]:
        """Keys of files not touched for so long."""
        limit = time.time() - age_s
        if not self.folder.is_dir():
            return
        for group in sorted(self.folder.iterdir()):
            for entry in os.scandir(group):
                if entry.stat().st_mtime < limit:
                    yield f"{group.name}/{entry.name}"

    def check(self) -> str:
        """Write, read and delete a small object."""
        key = new_key()
        try:
            self.put(key, b"tsunagu")
            is_whole = b"".join(self.read(key, 0, 7)) == b"tsunagu"
            self.delete(key)
        except (TsunaguError, OSError) as error:
            return str(error)
        return "" if is_whole else "It gave back other bytes than it was given."

    def _place(self, key: str) -> Path:
        path = self.folder / key
        group = path.parent.name
        if group not in self._known_folders:
            if not path.parent.is_dir():
                try:
                    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                    _sync_folder(self.folder)
                except OSError as error:
                    raise as_tsunagu_error(error) from error
            self._known_folders.add(group)
        return path


def as_tsunagu_error(error: OSError) -> TsunaguError:
    """An error of the operating system in words that help."""
    if error.errno in _FULL:
        return StorageFullError()
    return UnavailableError(f"The store cannot be written: {error.strerror}.")


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
