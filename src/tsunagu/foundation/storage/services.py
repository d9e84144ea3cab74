"""Writing down where bytes lie, and removing what nobody names."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from django.db import connection, transaction

from tsunagu.core import bulk, clock
from tsunagu.core.blobs import new_key
from tsunagu.core.blobs.chunks import sealed_size
from tsunagu.core.ids import new_id
from tsunagu.foundation.storage.models import StoredObject, WaitingObject
from tsunagu.foundation.storage.selectors import Location, content_name, missing, store_of
from tsunagu.foundation.storage.stores import store

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NewObject:
    """A durable object that no row names yet; ``byte_count`` as it lies in the store."""

    key: str
    byte_count: int
    kind: Literal["pack", "file"]
    unit: str
    domain: str = ""


def register(new: NewObject, contents: Sequence[tuple[bytes, int, int]]) -> None:
    """Name an object and its contents in the running transaction.

    Content that is known stays where it lies, unless its object is gone: then this one takes its place.

    Args:
        new: The object.
        contents: (sha256, byte count, offset in the plain bytes of the object) of each file in it.
    """
    row = StoredObject.objects.create(
        key=new.key, kind=new.kind, byte_count=new.byte_count, unit=new.unit, domain=new.domain
    )
    places = {content_name(sha256, new.domain): (size, offset) for sha256, size, offset in contents}
    known = lock(places)
    gone = missing(known.values())
    bulk.insert(
        "storage_content",
        ("name", "byte_count", "object_id", "offset"),
        ((name, size, row.pk, offset) for name, (size, offset) in places.items() if name not in known),
        ignore_duplicates=True,
    )
    lost = [name for name, place in known.items() if place.key in gone]
    if lost:
        logger.warning("lost_content_sent_again", extra={"count": len(lost)})
        with connection.cursor() as cursor:
            cursor.executemany(
                'update storage_content set object_id = %s, "offset" = %s where name = %s',
                [(row.pk, places[name][1], name) for name in lost],
            )


_LOCKED = (
    'select c.name, o.key, c."offset", c.byte_count, o.domain from storage_content c '
    "join storage_storedobject o on o.id = c.object_id where c.name in ({values})"
)


def lock(names: Iterable[bytes]) -> dict[bytes, Location]:
    """Those of the contents that are there, which stay there until the running transaction ends; by name."""
    # On SQLite a transaction that writes is alone from its start.
    rows = bulk.select_in(_LOCKED + " for share of c" * bulk.is_postgresql(), list(names))
    return {bytes(row[0]): Location(b"", row[1], row[2], row[3], row[4], bytes(row[0])) for row in rows}


def write_pack(contents: Iterable[bytes], domain: str = "") -> tuple[NewObject, list[tuple[bytes, int, int]]]:
    """Write small contents as one durable object of a key domain, which no row names yet.

    Returns:
        The object, and (sha256, byte count, offset) of each content in order, for ``register``.

    Raises:
        KeyDestroyedError, KeyMissingError: the key of the domain is gone.
    """
    key = new_key()
    writer = store_of(domain).create(key)
    entries, offset = [], 0
    try:
        for content in contents:
            writer.write(content, offset)
            entries.append((hashlib.sha256(content).digest(), len(content), offset))
            offset += len(content)
        writer.finish(offset)
    except BaseException:
        writer.abort()
        raise
    size = sealed_size(offset) if domain else offset
    return NewObject(key, size, "pack", new_id(), domain), entries


def put_pack(contents: Sequence[bytes], domain: str = "") -> list[bytes]:
    """Store small contents that the node itself made (previews), durable, as one pack in a key domain.

    Returns:
        The SHA-256 of each, in order.

    Raises:
        KeyDestroyedError, KeyMissingError: the key of the domain is gone.
    """
    if not contents:
        return []
    new, entries = write_pack(contents, domain)
    with transaction.atomic():
        register(new, entries)
    return [sha256 for sha256, _, _ in entries]


def drop_unnamed(keys: Sequence[str]) -> int:
    """Remove those of the objects that still no row names; returns how many."""
    removed = 0
    for key in keys:
        # Ask the database again right before the act: a commit may have come through meanwhile.
        if not named([key]):
            store().delete(key)
            removed += 1
            logger.info("object_swept", extra={"key": key})
    return removed


def forget_dead(*, older_than: dt.timedelta = dt.timedelta(days=2)) -> int:
    """Remove objects whose every content lies in another object (the same bytes were sent twice)."""
    dead = StoredObject.objects.filter(contents=None, stored_at__lt=clock.now() - older_than)
    count = 0
    for row in dead[:1000]:
        row.delete()
        store().delete(row.key)
        count += 1
    return count


def named(keys: list[str]) -> set[str]:
    """Those of the keys that a row names, or that wait for a name."""
    # First those that wait: an object that is admitted meanwhile is found by the second question.
    awaited = set(WaitingObject.objects.filter(key__in=keys).values_list("key", flat=True))
    return awaited | set(StoredObject.objects.filter(key__in=keys).values_list("key", flat=True))
