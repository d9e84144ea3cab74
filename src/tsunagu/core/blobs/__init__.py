"""Object stores: a local folder or S3, behind one door."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tsunagu.core.blobs.plainfile import translate
from tsunagu.core.blobs.types import (
    BlobStore,
    Found,
    ObjectMissingError,
    Reader,
    Writer,
    check_key,
    is_key,
    new_key,
)
from tsunagu.core.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "BlobStore",
    "Found",
    "ObjectMissingError",
    "Reader",
    "Writer",
    "check_key",
    "is_key",
    "new_key",
    "open_store",
    "translate",
]


def open_store(url: str, *, options: Mapping[str, str] | None = None) -> BlobStore:
    """The store at an address.

    Args:
        url: ``file:///folder`` or ``s3://bucket/prefix?endpoint=https://...&region=...``.
        options: What should not stand in an address. For S3: ``access_key_id``, ``secret_access_key`` and
            ``spool``, a local folder for objects on their way up (needed for writing only).
    """
    scheme = urlsplit(url).scheme
    if scheme == "file":
        from tsunagu.core.blobs.local import LocalStore

        return LocalStore(url)
    if scheme == "s3":
        # Loaded here alone: a node on a folder need not carry the S3 client in its memory.
        from tsunagu.core.blobs.s3 import S3Store

        return S3Store(url, options or {})
    raise InvalidInputError(
        f"A store address starts with file:// or s3://, not {scheme!r}.", remedy="Correct the store setting."
    )
