"""What can go wrong with sealed bytes."""

from __future__ import annotations

from tsunagu.core.blobs import ObjectMissingError
from tsunagu.core.blobs.chunks import SealBrokenError
from tsunagu.core.errors import (
    ConflictError,
    InvalidInputError,
    StorageFullError,
    TsunaguError,
    UnavailableError,
)


class KeyDestroyedError(TsunaguError):
    """The key was destroyed on purpose: nobody can read the bytes any more, and that is recorded."""

    code = "storage.destroyed"
    status = 410
    exit_code = 4
    default_message = "The bytes of this dataset were destroyed on purpose."
    default_remedy = "The record of what there was remains: names, hashes, versions and what happened."


class KeyMissingError(ConflictError):
    """The bytes are sealed and their key is not on this node."""

    code = "storage.key_missing"
    default_message = "The key of this sealed dataset is not on this node."
    default_remedy = "Put the folder of the key backup in place (docs/how-to/seal.md)."


class TooLargeSealedError(InvalidInputError):
    """A sealed file that is too large to be opened in memory, and must not lie plain on a disk."""

    code = "storage.too_large_sealed"
    default_message = "Not read: too large to be opened in memory while sealed."


# The bytes of one content cannot be had, now or later.
LOST = (FileNotFoundError, ObjectMissingError, SealBrokenError, KeyDestroyedError, TooLargeSealedError)
# The store, its disk or a key is not there: that says nothing of the bytes (unless it is one of ``LOST``) and may be over
# in a while.
AWAY = (UnavailableError, StorageFullError, OSError, KeyMissingError)
