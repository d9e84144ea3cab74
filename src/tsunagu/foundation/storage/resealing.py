"""Bringing plain contents into a key domain, and removing what lies plain and nobody needs; every step may be repeated."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from django.db import transaction

from tsunagu.core import bulk
from tsunagu.core.blobs import Writer, new_key
from tsunagu.core.blobs.chunks import sealed_size
from tsunagu.core.errors import TsunaguError
from tsunagu.core.ids import new_id
from tsunagu.foundation.storage import leaving
from tsunagu.foundation.storage.models import Content, StoredObject
from tsunagu.foundation.storage.selectors import Location, locate, read_pieces, store_of
from tsunagu.foundation.storage.services import NewObject, register
from tsunagu.foundation.storage.stores import store

logger = logging.getLogger(__name__)

_SMALL = 1 << 20
_PACK = 32 << 20
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Moved:
    """What ``reseal`` did.

    Attributes:
        count: Contents that lie in the domain now and did not before.
        byte_count: Their bytes.
        damaged: SHA-256 of those that could not be read as what they are; they stay where they were.
    """

    count: int
    byte_count: int
    damaged: tuple[bytes, ...]


def reseal(hashes: Iterable[bytes], domain: str) -> Moved:
    """Encrypt plain contents into a domain; those that lie there already, or nowhere, are left alone.

    Raises:
        KeyDestroyedError, KeyMissingError: the key of the domain is gone.
    """
    wanted = set(hashes)
    there = locate(wanted, (domain,))
    plain = sorted(locate(wanted.difference(there)).values(), key=lambda place: (place.key, place.offset))
    count = byte_count = 0
    damaged: list[bytes] = []
    for group in _groups(plain):
        kept = _write(group, domain, damaged)
        count, byte_count = count + len(kept), byte_count + sum(place.byte_count for place in kept)
    return Moved(count, byte_count, tuple(damaged))


def drop_plain(hashes: Iterable[bytes], still_needed: Callable[[Sequence[bytes]], set[bytes]]) -> int:
    """Remove plain contents that nobody needs; a pack of which something is needed is written anew without the rest.

    Args:
        hashes: SHA-256 of what may go.
        still_needed: Given hashes, those that must stay; asked while the contents are locked, so that nobody can begin
            to need one meanwhile.

    Returns:
        How many contents were removed.
    """
    names = list(set(hashes))
    keys = {row[0] for row in bulk.select_in(_OBJECTS, names)}
    wanted, count = set(names), 0
    for pk in sorted(keys):
        count += _drop_from(pk, wanted, still_needed)
    return count


def drop_domain(domain: str) -> int:
    """Remove every object of a key domain, rows first; returns how many."""
    count = 0
    while rows := list(StoredObject.objects.filter(domain=domain).order_by("pk")[:_BATCH]):
        with transaction.atomic():
            Content.objects.filter(object__in=rows).delete()
            StoredObject.objects.filter(pk__in=[row.pk for row in rows]).delete()
            leaving.note(row.key for row in rows)
        leaving.drop(row.key for row in rows)
        count += len(rows)
    return count


_OBJECTS = "select distinct object_id from storage_content where name in ({values})"


def _groups(places: list[Location]) -> Iterable[list[Location]]:
    """Small contents together as packs, large ones alone."""
    pack: list[Location] = []
    size = 0
    for place in places:
        if place.byte_count > _SMALL:
            yield [place]
            continue
        if size + place.byte_count > _PACK:
            yield pack
            pack, size = [], 0
        pack.append(place)
        size += place.byte_count
    if pack:
        yield pack


def _write(group: list[Location], domain: str, damaged: list[bytes]) -> list[Location]:
    """One new object of the domain with those of the contents that are what they should be."""
    writer = store_of(domain).create(new_key(), size_hint=sum(place.byte_count for place in group))
    entries, kept, offset = [], [], 0
    try:
        for place in group:
            if _copy(place, writer, offset):
                entries.append((place.sha256, place.byte_count, offset))
                kept.append(place)
                offset += place.byte_count
            else:
                # What was written of it is overwritten by the next, or cut off.
                damaged.append(place.sha256)
        if not kept:
            writer.abort()
            return []
        writer.finish(offset)
    except BaseException:
        writer.abort()
        raise
    kind: Literal["pack", "file"] = "file" if len(group) == 1 and group[0].byte_count > _SMALL else "pack"
    size = sealed_size(offset) if domain else offset
    with transaction.atomic():
        register(NewObject(writer.key, size, kind, new_id(), domain), entries)
    return kept


def _copy(place: Location, writer: Writer, offset: int) -> bool:
    """Copy one content; False where its bytes are not the recorded ones."""
    digest = hashlib.sha256()
    try:
        for piece in read_pieces(place):
            writer.write(piece, offset)
            digest.update(piece)
            offset += len(piece)
    except (TsunaguError, OSError):
        logger.warning("content_not_readable", extra={"key": place.key}, exc_info=True)
        return False
    return digest.digest() == place.sha256


def _drop_from(pk: int, wanted: set[bytes], still_needed: Callable[[Sequence[bytes]], set[bytes]]) -> int:
    with transaction.atomic():
        row = StoredObject.objects.select_for_update().filter(pk=pk, domain="").first()
        if row is None:
            return 0
        contents = list(Content.objects.select_for_update().filter(object=row).order_by("offset"))
        touched = [bytes(content.name) for content in contents if bytes(content.name) in wanted]
        needed = still_needed(touched)
        gone = [name for name in touched if name not in needed]
        stay = [content for content in contents if bytes(content.name) not in gone]
        if not gone:
            return 0
        Content.objects.filter(name__in=gone).delete()
        if stay:
            _repack(row, stay)
        row.delete()
        leaving.note([row.key])
    leaving.drop([row.key])
    return len(gone)


def _repack(row: StoredObject, stay: list[Content]) -> None:
    """Write what stays of a pack into a new one, in the running transaction."""
    writer, offset = store().create(new_key()), 0
    places = []
    try:
        for content in stay:
            place = Location(
                bytes(content.name), row.key, content.offset, content.byte_count, "", bytes(content.name)
            )
            places.append(offset)
            for piece in read_pieces(place):
                writer.write(piece, offset)
                offset += len(piece)
        writer.finish(offset)
    except BaseException:
        writer.abort()
        raise
    fresh = StoredObject.objects.create(key=writer.key, kind="pack", byte_count=offset, unit=new_id())
    for content, start in zip(stay, places, strict=True):
        content.object, content.offset = fresh, start
    Content.objects.bulk_update(stay, ["object", "offset"], batch_size=_BATCH)
