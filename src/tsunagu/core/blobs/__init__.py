"""Stores of immutable objects: a local folder or any S3 server, behind one small protocol.

A key is random (``ab/ULID``): content is known only when it has arrived, and neither store needs a rename. What a
write returned from is durable. Visibility comes from the database alone, so nothing here is atomic across calls.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from tsunagu.core.errors import InvalidInputError
from tsunagu.core.ids import new_id

PIECE_BYTES = 1 << 20


class BlobStore(Protocol):
    """A place for immutable objects. Errors: StorageFullError, UnavailableError, NotFoundError."""

    def put(self, key: str, data: bytes | bytearray | memoryview) -> None:
        """Store bytes from memory; durable when it returns."""

    def adopt(self, key: str, file: Path) -> None:
        """Take over a file whose content is on the disk already (fsync); durable when it returns, the file is gone."""

    def read(self, key: str, offset: int, length: int) -> Iterator[bytes]:
        """Pieces of about 1 MiB of a part of an object."""

    def local_path(self, key: str) -> Path | None:
        """The object as a local file, if this store has local files."""

    def size(self, key: str) -> int:
        """Size in bytes."""

    def delete(self, key: str) -> None:
        """Remove an object; it may be gone already."""

    def older_than(self, age_s: float) -> Iterator[str]:
        """Keys of objects that were stored more than ``age_s`` seconds ago."""

    def check(self) -> str:
        """Whether it answers and takes bytes: an empty text, or what is wrong."""


def new_key() -> str:
    """A fresh random key; the two characters before the slash spread a local folder."""
    unit = new_id()
    return f"{unit[-2:].lower()}/{unit}"


def open_store(url: str, *, options: Mapping[str, str] | None = None) -> BlobStore:
    """The store at a URL.

    Args:
        url: ``file:///DIR`` or ``s3://BUCKET/PREFIX?endpoint=URL&region=NAME``.
        options: ``access_key_id`` and ``secret_access_key`` for S3.

    Raises:
        InvalidInputError: the URL names no store that is known here.
    """
    parts = urlsplit(url)
    if parts.scheme == "file":
        from tsunagu.core.blobs.local import LocalStore

        return LocalStore(Path(unquote(parts.path)))
    if parts.scheme == "s3":
        from tsunagu.core.blobs.s3 import S3Blobs

        return S3Blobs(url, dict(options or {}))
    raise InvalidInputError(f"No store is known for the address {url!r}.", remedy="Use file:///DIR or s3://BUCKET.")


def find_garbage(store: BlobStore, is_known: Known, min_age_s: float) -> Iterator[str]:
    """Keys that no row names, older than the longest time between storing and committing."""
    batch: list[str] = []

    def unknown() -> Iterator[str]:
        known = is_known(batch)
        yield from (key for key in batch if key not in known)
        batch.clear()

    for key in store.older_than(min_age_s):
        batch.append(key)
        if len(batch) == 500:  # noqa: PLR2004 - a comfortable size of a query
            yield from unknown()
    yield from unknown()


class Known(Protocol):
    """Tells which of the keys a row names."""

    def __call__(self, keys: list[str]) -> set[str]:
        """Those of the keys that are named."""
