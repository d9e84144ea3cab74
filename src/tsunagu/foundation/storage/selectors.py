"""Finding and reading bytes."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tsunagu.core import bulk, settings
from tsunagu.core.capabilities import Signer
from tsunagu.core.errors import NotFoundError, TsunaguError
from tsunagu.foundation.storage.models import Content
from tsunagu.foundation.storage.stores import store


@dataclass(frozen=True, slots=True)
class Location:
    """Where one content lies: object key, offset and size in bytes."""

    sha256: bytes
    key: str
    offset: int
    byte_count: int


def locate(hashes: Iterable[bytes]) -> dict[bytes, Location]:
    """Where contents lie, by SHA-256; unknown ones are missing from the answer."""
    rows = bulk.select_in(
        'select c.sha256, o.key, c."offset", c.byte_count from storage_content c '
        "join storage_storedobject o on o.id = c.object_id where c.sha256 in ({values})",
        list(set(hashes)),
    )
    return {bytes(row[0]): Location(bytes(row[0]), row[1], row[2], row[3]) for row in rows}


def every_location() -> Iterator[Location]:
    """Where every content lies, object by object."""
    rows = Content.objects.order_by("object_id", "offset").values_list(
        "sha256", "object__key", "offset", "byte_count"
    )
    for sha256, key, offset, size in rows.iterator(chunk_size=2000):
        yield Location(bytes(sha256), key, offset, size)


def read_pieces(location: Location) -> Iterator[bytes]:
    """The bytes of a content in pieces of about 1 MiB."""
    with store().open(location.key, location.offset, location.byte_count) as reader:
        yield from reader.pieces()


@contextlib.contextmanager
def as_file(location: Location) -> Iterator[Path]:
    """The content as a file for readers that need a path: the object itself when it is one, else a copy."""
    path = store().local_path(location.key)
    if path is not None and location.offset == 0 and path.stat().st_size == location.byte_count:
        yield path
        return
    folder = settings.current().home / "tmp"
    folder.mkdir(exist_ok=True)
    # A file without a name: a worker that is killed here leaves nothing behind.
    with tempfile.TemporaryFile(dir=folder) as file:
        for piece in read_pieces(location):
            file.write(piece)
        file.flush()
        yield Path(f"/proc/self/fd/{file.fileno()}")


def check_content(location: Location) -> str:
    """Hash the stored bytes again; an empty text when they are right, else what is wrong."""
    digest = hashlib.sha256()
    count = 0
    try:
        for piece in read_pieces(location):
            digest.update(piece)
            count += len(piece)
    except (TsunaguError, OSError) as error:
        return f"The stored bytes cannot be read: {error}"
    if count != location.byte_count:
        return f"{count:,} of {location.byte_count:,} bytes are there."
    if digest.digest() != location.sha256:
        return "The stored bytes were changed: their SHA-256 is not the recorded one."
    return ""


def signer() -> Signer:
    """Signs capabilities for the byte server."""
    return Signer.from_file(settings.current().capability_key_file)


def get_capability(location: Location, *, name: str, media_type: str = "") -> str:
    """A signed, short-lived permission to read one content; whoever calls has asked the rules."""
    extra = {"mt": media_type} if media_type else {}
    return signer().sign(
        "get",
        lifetime_s=settings.current().capability_lifetime_s,
        k=location.key,
        o=location.offset,
        n=location.byte_count,
        h=location.sha256.hex(),
        f=name,
        **extra,
    )


def get_url(location: Location, *, name: str, media_type: str = "") -> str:
    """The address on the byte server of one content, signed."""
    from urllib.parse import quote

    token = get_capability(location, name=name, media_type=media_type)
    address = f"{settings.current().bytes_address}/o/{token}/{quote(name)}"
    return f"{address}?inline=1" if media_type else address


def require_location(sha256: bytes) -> Location:
    """Where one content lies.

    Raises:
        NotFoundError: no object holds it.
    """
    found = locate([sha256]).get(sha256)
    if found is None:
        raise NotFoundError(f"The bytes {sha256.hex()[:12]} are not in the store.")
    return found
