"""What every object store can do: the same words for a folder and for S3.

An object is written once under a random key, never changed, and seen by nobody until control has written its row;
so no store needs a rename. Keys look like ``7f/01J...``: two hexadecimal digits that spread, and a ULID.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self

from tsunagu.core.errors import NotFoundError
from tsunagu.core.ids import is_id, new_id

if TYPE_CHECKING:
    import datetime as dt
    import mmap
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

_KEY = re.compile(r"([0-9a-f]{2})/([0-9A-Z]{26})\Z")


def new_key() -> str:
    """A fresh random key: nothing about the content or its owner can be read from it."""
    return f"{secrets.token_hex(1)}/{new_id()}"


def is_key(text: str) -> bool:
    """Whether the text is a key that ``new_key`` could have made."""
    match = _KEY.match(text)
    return match is not None and is_id(match[2])


def check_key(key: str) -> str:
    """The key itself.

    Raises:
        ObjectMissingError: it is no key, so nothing can lie there.
    """
    if not is_key(key):
        raise ObjectMissingError(key=key)
    return key


class ObjectMissingError(NotFoundError):
    """A stored object is not there, or is shorter than its record says."""

    code = "blobs.missing"
    default_message = "A stored object is missing or damaged."
    default_remedy = "Tell the administrator; 'tsunagu verify' names every damaged file."


class Found(NamedTuple):
    """One object that a listing of the store found."""

    key: str
    size: int
    modified_at: float  # seconds since 1970


class Reader(Protocol):
    """A part of an object, read from its start to its end."""

    size: int

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes; empty at the end."""

    def pieces(self, size: int = 1 << 20) -> Iterator[bytes]:
        """The rest in pieces of about ``size`` bytes; raises ``ObjectMissingError`` when the object is short."""

    def fileno(self) -> int | None:
        """A file descriptor that stands at the first byte of the part, for sendfile; None when there is none."""

    def close(self) -> None:
        """Let go of it."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


class Closing:
    """Lets go of itself at the end of a ``with`` block."""

    def close(self) -> None:
        """Let go of it."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.close()


class Writer(Protocol):
    """An object that is being written: a local file that the caller fills from 0 upwards.

    The caller writes into ``fileno()`` by whatever means is fastest and says how far it came. On S3 the file is a
    spool file from which parts go up meanwhile; in a folder it is already the object.
    """

    key: str

    def fileno(self) -> int:
        """The file, open for reading and writing."""

    def claim(self, offset: int, length: int) -> None:
        """Claim the space for bytes that are to come; a hint where the file system cannot.

        Raises:
            StorageFullError: there is no room.
        """

    def write(self, data: bytes, offset: int) -> None:
        """Write at a place, also where bytes stood before; for callers that need no fast way.

        Raises:
            StorageFullError, UnavailableError: the disk refused.
        """

    def read(self, size: int, offset: int) -> bytes:
        """At most ``size`` of the bytes that were written, from ``offset`` on."""

    def absorb(self, end: int) -> None:
        """Say that the bytes before ``end`` are in the file; they may still be forgotten by ``rewind``.

        May wait for whoever reads the file (``release``), so that memory stays bounded.
        """

    def advance(self, end: int) -> None:
        """Say that the bytes before ``end`` were absorbed and will not change."""

    def place(self, offset: int) -> tuple[int, int]:
        """Where in ``fileno()`` a byte lies, and how many lie there in a row: the file may be used round and round."""

    def memory(self) -> mmap.mmap | None:
        """``fileno()`` mapped as a whole, where it is a file in memory: who is faster without the file may use it."""

    def release(self, end: int) -> None:
        """Say that nobody reads bytes before ``end`` from ``fileno()`` again. From any thread."""

    def checkpoint(self, end: int) -> int:
        """Bring what was absorbed to the disk; returns before which byte ``resume`` finds all. From any thread.

        Raises:
            OSError: the disk refused; drop the object.
        """

    def tail(self) -> bytes:
        """After ``sync``: what ``resume`` needs beside the object, for the caller to keep; encrypted where it is."""

    def sync(self) -> None:
        """Bring what was absorbed to this machine's disk, so that ``resume`` finds it after a power cut.

        Raises:
            StorageFullError, UnavailableError: the disk refused; drop the object.
        """

    def finish(self, size: int) -> None:
        """Make it a durable object of exactly ``size`` bytes; on any error the object is dropped.

        Raises:
            StorageFullError, UnavailableError: nothing is kept.
        """

    def rewind(self, end: int) -> None:
        """Forget the bytes from ``end`` on, also where ``advance`` has named them."""

    def detach(self) -> None:
        """Close it unfinished; ``store.resume(key)`` takes it up again."""

    def abort(self) -> None:
        """Drop it; nothing is left behind."""


class BlobStore(Protocol):
    """Where the bytes lie."""

    url: str

    def create(self, key: str, *, size_hint: int = 0, window: int = 0) -> Writer:
        """Begin an object under a fresh key.

        Args:
            key: From ``new_key``.
            size_hint: How large it will be, when that is known: S3 counts at most 10,000 parts.
            window: How many bytes must stay readable in ``fileno()`` before any is released.
        """

    def resume(self, key: str, *, size_hint: int = 0, offset: int = 0, tail: bytes = b"") -> Writer:
        """Take up an object that was detached, or left by a process that died.

        Args:
            key: Of the object.
            size_hint: As for ``create``.
            offset: How many bytes are known to be there.
            tail: What ``tail()`` gave when they were.

        Raises:
            ObjectMissingError: there is nothing to take up.
        """

    def open(self, key: str, offset: int = 0, length: int | None = None) -> Reader:
        """Read ``length`` bytes from ``offset``; to the end when None.

        Raises:
            ObjectMissingError: not there, or shorter than asked.
        """

    def size(self, key: str) -> int:
        """Bytes of an object.

        Raises:
            ObjectMissingError: not there.
        """

    def delete(self, key: str) -> None:
        """Remove an object, finished or not; no error when it is gone already."""

    def lock(self, key: str, until: dt.datetime) -> bool:
        """Have the store refuse to remove or change an object before a moment; False where it cannot."""

    def list(self, prefix: str = "", *, older_than_s: float = 0.0) -> Iterator[Found]:
        """All objects last written at least ``older_than_s`` seconds ago, unfinished ones too; any order."""

    def local_path(self, key: str) -> Path | None:
        """The file of an object where the store is a folder, else None."""

    def check(self) -> None:
        """Write, read and remove a probe.

        Raises:
            TsunaguError: the store does not work, with the reason.
        """
