"""A content that the node makes itself, piece by piece: hashed while it is written, sealed as its domain asks."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from tsunagu.core.blobs import new_key
from tsunagu.core.blobs.chunks import sealed_size
from tsunagu.core.ids import new_id
from tsunagu.foundation.storage.selectors import store_of
from tsunagu.foundation.storage.services import NewObject, register


@dataclass(frozen=True, slots=True)
class Written:
    """A durable content that no row names yet."""

    sha256: bytes
    byte_count: int
    new: NewObject


class ContentWriter:
    """Takes the pieces of one content in order. Whoever opens it calls ``finish`` or ``abort``.

    Raises:
        KeyDestroyedError, KeyMissingError: the key of the domain is gone.
    """

    def __init__(self, domain: str = "") -> None:
        self._domain = domain
        self._key = new_key()
        self._writer = store_of(domain).create(self._key)
        self._digest = hashlib.sha256()
        self.byte_count = 0

    def write(self, piece: bytes) -> None:
        """The next bytes."""
        self._digest.update(piece)
        self._writer.write(piece, self.byte_count)
        self.byte_count += len(piece)

    def finish(self) -> Written:
        """Make it durable; ``name_written`` puts it into the books."""
        self._writer.finish(self.byte_count)
        size = sealed_size(self.byte_count) if self._domain else self.byte_count
        return Written(
            self._digest.digest(),
            self.byte_count,
            NewObject(self._key, size, "file", new_id(), self._domain),
        )

    def abort(self) -> None:
        """Forget what was written."""
        self._writer.abort()


def name_written(written: Written) -> None:
    """Name a written content in the running transaction."""
    register(written.new, [(written.sha256, written.byte_count, 0)])
