"""Finding and reading bytes."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

from tsunagu.core import bulk, settings
from tsunagu.core.blobs import BlobStore, ObjectMissingError
from tsunagu.core.blobs.chunks import object_key
from tsunagu.core.blobs.sealed import SealedStore
from tsunagu.core.capabilities import KeyCarrier, Signer
from tsunagu.core.errors import NotFoundError, TsunaguError
from tsunagu.foundation.storage.errors import KeyDestroyedError, KeyMissingError, TooLargeSealedError
from tsunagu.foundation.storage.keys import key_ring
from tsunagu.foundation.storage.models import Content, StoredObject
from tsunagu.foundation.storage.stores import store

PLAIN = ("",)  # the domains of what is not sealed
_MOST_IN_MEMORY = 1 << 30
_ASKED_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Location:
    """Where one content lies: object key, offset and size in plain bytes.

    Attributes:
        sha256: Of the plain bytes; empty from ``every_location`` where they are sealed.
        domain: The key domain in which the object is sealed; empty: it lies plain.
        name: The content's name in its domain.
    """

    sha256: bytes
    key: str
    offset: int
    byte_count: int
    domain: str = ""
    name: bytes = b""


def content_name(sha256: bytes, domain: str) -> bytes:
    """The name of a content: the same bytes in two key domains are two contents."""
    if not domain:
        return sha256
    return hashlib.sha256(b"tsunagu-domain\0" + domain.encode() + sha256).digest()


def locate(hashes: Iterable[bytes], domains: Sequence[str] = PLAIN) -> dict[bytes, Location]:
    """Where contents lie, by SHA-256; unknown ones are missing from the answer.

    Args:
        hashes: SHA-256 of the plain bytes.
        domains: The key domains to look in, the first that has it counts.

    Raises:
        KeyDestroyedError, KeyMissingError: the key of the first domain is gone.
    """
    wanted = set(hashes)
    found: dict[bytes, Location] = {}
    if domains[0]:
        key_ring().require(domains[0])
    for domain in domains:
        names = {content_name(sha256, domain): sha256 for sha256 in wanted.difference(found)}
        rows = bulk.select_in(
            'select c.name, o.key, c."offset", c.byte_count from storage_content c '
            "join storage_storedobject o on o.id = c.object_id where c.name in ({values})",
            list(names),
        )
        for row in rows:
            name = bytes(row[0])
            found[names[name]] = Location(names[name], row[1], row[2], row[3], domain, name)
    return found


def every_location() -> Iterator[Location]:
    """Where every content lies, object by object."""
    rows = Content.objects.order_by("object_id", "offset").values_list(
        "name", "object__key", "offset", "byte_count", "object__domain"
    )
    for row, key, offset, size, domain in rows.iterator(chunk_size=2000):
        name = bytes(row)
        yield Location(b"" if domain else name, key, offset, size, domain, name)


def shut_domains() -> tuple[int, list[str]]:
    """How many key domains have objects, and those of them whose key is neither here nor destroyed on purpose."""
    used = list(StoredObject.objects.exclude(domain="").values_list("domain", flat=True).distinct())
    shut = []
    for domain in used:
        try:
            key_ring().data_key(domain)
        except KeyMissingError:
            shut.append(domain)
        except KeyDestroyedError:
            continue
    return len(used), shut


def missing(locations: Iterable[Location]) -> set[str]:
    """Keys of those of the objects that are not in the store any more, or too short."""
    ends: dict[str, int] = {}
    for place in locations:
        ends[place.key] = max(ends.get(place.key, 0), place.offset + place.byte_count)

    def is_gone(key: str) -> bool:
        try:
            # Sealed objects are longer than their plain bytes, so this holds for them too.
            return store().size(key) < ends[key]
        except ObjectMissingError:
            return True

    if len(ends) < _ASKED_AT_ONCE:
        return {key for key in ends if is_gone(key)}
    with ThreadPoolExecutor(_ASKED_AT_ONCE) as pool:  # S3 answers one question in milliseconds
        return {key for key, gone in zip(ends, pool.map(is_gone, ends), strict=True) if gone}


def store_of(domain: str, raw: BlobStore | None = None) -> BlobStore:
    """The store that reads and writes the plain bytes of a domain; ``raw``: another one than the node's.

    Raises:
        KeyDestroyedError, KeyMissingError: the key is gone.
    """
    raw = raw or store()
    return SealedStore.of(raw, key_ring().data_key(domain)) if domain else raw


def read_pieces(location: Location) -> Iterator[bytes]:
    """The bytes of a content in pieces of about 1 MiB."""
    with store_of(location.domain).open(location.key, location.offset, location.byte_count) as reader:
        yield from reader.pieces()


def read_range(location: Location, start: int, count: int) -> bytes:
    """A part of a content; it must lie within."""
    with store_of(location.domain).open(location.key, location.offset + start, count) as reader:
        return b"".join(reader.pieces())


@contextlib.contextmanager
def as_file(location: Location) -> Iterator[Path]:
    """The content as a file for readers that need a path: the object itself when it is one, else a copy.

    What is sealed is copied into memory, never onto a disk.

    Raises:
        TooLargeSealedError: it is sealed, and larger than what a reader may take of memory.
    """
    path = store().local_path(location.key)
    if location.domain:
        node = settings.current()
        if location.byte_count > min(_MOST_IN_MEMORY, node.extract_memory_bytes):
            raise TooLargeSealedError
        opened: IO[bytes] = os.fdopen(os.memfd_create("tsunagu-read", os.MFD_CLOEXEC), "wb")
    elif path is not None and location.offset == 0 and path.stat().st_size == location.byte_count:
        yield path
        return
    else:
        folder = settings.current().home / "tmp"
        folder.mkdir(exist_ok=True)
        # A file without a name: a worker that is killed here leaves nothing behind.
        opened = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed below
    with opened as file:
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
    if content_name(digest.digest(), location.domain) != location.name:
        return "The stored bytes were changed: their SHA-256 is not the recorded one."
    return ""


def signer() -> Signer:
    """Signs capabilities for the byte server."""
    return Signer.from_file(settings.current().capability_key_file)


def carrier() -> KeyCarrier:
    """Hides keys in capabilities."""
    return KeyCarrier(settings.current().spool)


def push_capability(run: str, dataset_id: str, domain: str) -> str:
    """A signed, short-lived permission to send files; whoever calls has asked the rules.

    Raises:
        KeyDestroyedError, KeyMissingError: the dataset is sealed and its key is gone.
    """
    sealed = {}
    if domain:
        sealed = {
            "dom": domain,
            "dk": carrier().hide(key_ring().data_key(domain), f"push {run} {domain}"),
        }
    lifetime = settings.current().capability_lifetime_s
    return signer().sign("push", lifetime_s=lifetime, run=run, ds=dataset_id, max=None, **sealed)


def hidden_keys(locations: Iterable[Location]) -> dict[str, str]:
    """Object key -> its own key, hidden for the byte server; empty where an object is not sealed."""
    found: dict[str, str] = {}
    data_keys: dict[str, bytes] = {}
    for place in locations:
        if place.key in found:
            continue
        if not place.domain:
            found[place.key] = ""
            continue
        if place.domain not in data_keys:
            data_keys[place.domain] = key_ring().data_key(place.domain)
        sub_key = object_key(data_keys[place.domain], place.key)
        found[place.key] = carrier().hide(sub_key, f"get {place.key}")
    return found


def get_capabilities(
    files: Sequence[tuple[Location, str]], *, media_type: str = "", lifetime_s: float = 0.0
) -> list[str]:
    """Signed, short-lived permissions to read contents under names; whoever calls has asked the rules."""
    hidden = hidden_keys(place for place, _ in files)
    signs, lifetime = signer(), lifetime_s or settings.current().capability_lifetime_s
    made = []
    for place, name in files:
        extra = {"mt": media_type} if media_type else {}
        if hidden[place.key]:
            extra["sk"] = hidden[place.key]
        made.append(
            signs.sign(
                "get",
                lifetime_s=lifetime,
                k=place.key,
                o=place.offset,
                n=place.byte_count,
                h=place.sha256.hex(),
                f=name,
                **extra,
            )
        )
    return made


def get_url(location: Location, *, name: str, media_type: str = "") -> str:
    """The address on the byte server of one content, signed."""
    token = get_capabilities([(location, name)], media_type=media_type)[0]
    address = f"{settings.current().bytes_address}/o/{token}/{quote(name)}"
    return f"{address}?inline=1" if media_type else address


def require_location(sha256: bytes, domains: Sequence[str] = PLAIN) -> Location:
    """Where one content lies.

    Raises:
        NotFoundError: no object holds it.
        KeyDestroyedError, KeyMissingError: the key is gone.
    """
    found = locate([sha256], domains).get(sha256)
    if found is None:
        raise NotFoundError(f"The bytes {sha256.hex()[:12]} are not in the store.")
    return found
