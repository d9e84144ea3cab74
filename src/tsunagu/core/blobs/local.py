"""A folder as an object store: durable files under their final random names."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from tsunagu.core.blobs.plainfile import PlainFile, translate
from tsunagu.core.blobs.types import Closing, Found, ObjectMissingError, check_key, is_key, new_key
from tsunagu.core.errors import UnavailableError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from tsunagu.core.blobs.types import Reader, Writer


def sync_directory(path: Path) -> None:
    """Make the names in a directory survive a power cut."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class LocalReader(Closing):
    """A part of a file."""

    def __init__(self, handle: int, offset: int, size: int, key: str) -> None:
        self.size = size
        self._handle = handle
        self._left = size
        self._key = key
        os.lseek(handle, offset, os.SEEK_SET)

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes; empty at the end."""
        if size < 0 or size > self._left:
            size = self._left
        piece = os.read(self._handle, size) if size else b""
        self._left -= len(piece)
        return piece

    def pieces(self, size: int = 1 << 20) -> Iterator[bytes]:
        """The rest, piece by piece."""
        while self._left:
            piece = self.read(size)
            if not piece:
                raise ObjectMissingError(key=self._key)
            yield piece

    def fileno(self) -> int:
        """The file, standing at the first byte of the part."""
        return self._handle

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)


class LocalWriter(PlainFile):
    """A file that is being filled under its final name."""

    def __init__(self, key: str, path: Path, handle: int) -> None:
        self.key = key
        self._path = path
        self._handle = handle

    def advance(self, end: int) -> None:
        """Nothing to do: the file is the object."""

    def sync(self) -> None:
        """Bring content and name to the disk."""
        try:
            os.fsync(self._handle)
            sync_directory(self._path.parent)
        except OSError as error:
            # The kernel may have dropped the dirty pages: asking fsync again could lie. The object goes.
            self.abort()
            raise translate(error) from error

    def finish(self, size: int) -> None:
        """Cut to size, bring to the disk, close."""
        try:
            if os.fstat(self._handle).st_size != size:
                os.ftruncate(self._handle, size)
        except OSError as error:
            self.abort()
            raise translate(error) from error
        self.sync()
        self.detach()

    def rewind(self, end: int) -> None:
        """Cut the file."""
        with suppress(OSError):
            if os.fstat(self._handle).st_size > end:
                os.ftruncate(self._handle, end)

    def detach(self) -> None:
        """Close the file and leave it."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)

    def abort(self) -> None:
        """Close the file and remove it."""
        self.detach()
        with suppress(FileNotFoundError):
            self._path.unlink()


class LocalStore:
    """Objects as files in a folder, 256 directories wide."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.root = Path(unquote(urlsplit(url).path))
        self._durable: set[Path] = set()

    def create(self, key: str, *, size_hint: int = 0, window: int = 0) -> Writer:  # noqa: ARG002 - a folder needs no plan
        """Begin an object: the file stands under its final name at once, but no record speaks of it yet."""
        path = self._path(key)
        try:
            self._make_directory(path.parent)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        except OSError as error:
            raise translate(error) from error
        return LocalWriter(key, path, handle)

    def resume(self, key: str, *, size_hint: int = 0, offset: int = 0, tail: bytes = b"") -> Writer:  # noqa: ARG002
        """Open an unfinished object again."""
        path = self._path(key)
        try:
            return LocalWriter(key, path, os.open(path, os.O_RDWR | os.O_CLOEXEC))
        except FileNotFoundError:
            raise ObjectMissingError(key=key) from None
        except OSError as error:
            raise translate(error) from error

    def open(self, key: str, offset: int = 0, length: int | None = None) -> Reader:
        """Open a part of an object."""
        try:
            handle = os.open(self._path(key), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise ObjectMissingError(key=key) from None
        except OSError as error:
            raise translate(error) from error
        held = os.fstat(handle).st_size - offset
        size = held if length is None else length
        if held < size or held < 0:
            os.close(handle)
            raise ObjectMissingError("A stored object is shorter than its record says.", key=key)
        return LocalReader(handle, offset, size, key)

    def size(self, key: str) -> int:
        """Bytes of an object."""
        try:
            return self._path(key).stat().st_size
        except FileNotFoundError:
            raise ObjectMissingError(key=key) from None

    def delete(self, key: str) -> None:
        """Remove the file."""
        with suppress(FileNotFoundError):
            self._path(key).unlink()

    def list(self, prefix: str = "", *, older_than_s: float = 0.0) -> Iterator[Found]:
        """All files that are objects, finished or not."""
        latest = time.time() - older_than_s
        if not self.root.is_dir():
            return
        for directory in sorted(entry.name for entry in os.scandir(self.root) if entry.is_dir()):
            if not (directory.startswith(prefix[:2]) or prefix.startswith(directory)):
                continue
            with os.scandir(self.root / directory) as entries:
                for entry in entries:
                    key = f"{directory}/{entry.name}"
                    if not key.startswith(prefix) or not is_key(key):
                        continue
                    with suppress(FileNotFoundError):  # deleted meanwhile
                        facts = entry.stat(follow_symlinks=False)
                        if facts.st_mtime <= latest:
                            yield Found(key, facts.st_size, facts.st_mtime)

    def lock(self, key: str, until: dt.datetime) -> bool:  # noqa: ARG002 - a folder knows no dates
        """Take away the permission to write: as far as an ordinary user can, a file stays as it is."""
        try:
            self._path(key).chmod(0o440)
        except FileNotFoundError:
            raise ObjectMissingError(key=key) from None
        except OSError as error:
            raise translate(error) from error
        return True

    def local_path(self, key: str) -> Path:
        """The file of an object."""
        return self._path(key)

    def check(self) -> None:
        """Write, read and remove a probe object."""
        writer = self.create(new_key())
        os.write(writer.fileno(), b"probe")
        writer.finish(5)
        try:
            with self.open(writer.key) as reader:
                if reader.read() != b"probe":
                    raise UnavailableError("The store returned other bytes than were written.")
        finally:
            self.delete(writer.key)

    def _path(self, key: str) -> Path:
        return self.root / check_key(key)

    def _make_directory(self, directory: Path) -> None:
        """Make a directory and see to it once per process that its name is on the disk."""
        if directory in self._durable and directory.is_dir():
            return
        directory.mkdir(parents=True, exist_ok=True, mode=0o750)
        sync_directory(self.root)
        sync_directory(self.root.parent)
        self._durable.add(directory)
