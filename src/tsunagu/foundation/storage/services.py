"""Writing down where bytes lie, and removing what nobody names."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from django.db import connection, transaction

from tsunagu.core import bulk, clock
from tsunagu.core.blobs import new_key
from tsunagu.core.ids import new_id
from tsunagu.foundation.storage.models import StoredObject
from tsunagu.foundation.storage.stores import store

logger = logging.getLogger(__name__)
CONTENTS_LOCK = 0x7A60  # PostgreSQL's advisory lock between commits of files and ``discard``


@dataclass(frozen=True, slots=True)
class NewObject:
    """An object that the byte server has made durable and that no row names yet."""

    key: str
    byte_count: int
    kind: Literal["pack", "file"]
    unit: str


def hold_contents() -> None:
    """Have no content discarded until the running transaction ends: a commit may rely on what lies here already."""
    if bulk.is_postgresql():
        with connection.cursor() as cursor:
            cursor.execute("select pg_advisory_xact_lock_shared(%s)", [CONTENTS_LOCK])


def register(new: NewObject, contents: Sequence[tuple[bytes, int, int]]) -> None:
    """Name an object and its contents in the running transaction; content that is known stays where it lies.

    Args:
        new: The object.
        contents: (sha256, byte count, offset in the object) of each file in it.
    """
    hold_contents()
    row = StoredObject.objects.create(key=new.key, kind=new.kind, byte_count=new.byte_count, unit=new.unit)
    bulk.insert(
        "storage_content",
        ("sha256", "byte_count", "object_id", "offset"),
        ((sha256, size, row.pk, offset) for sha256, size, offset in dict.fromkeys(contents)),
        ignore_duplicates=True,
    )


def put_pack(contents: Sequence[bytes]) -> list[bytes]:
    """Store small contents that the node itself made (previews), durable, as one pack.

    Returns:
        The SHA-256 of each, in order.
    """
    hashes = [hashlib.sha256(content).digest() for content in contents]
    if not contents:
        return []
    key = new_key()
    writer = store().create(key)
    try:
        for content in contents:
            os.write(writer.fileno(), content)
        writer.finish(sum(map(len, contents)))
    except BaseException:
        writer.abort()
        raise
    entries, offset = [], 0
    for sha256, content in zip(hashes, contents, strict=True):
        entries.append((sha256, len(content), offset))
        offset += len(content)
    with transaction.atomic():
        register(NewObject(key, offset, "pack", new_id()), entries)
    return hashes


def drop_unnamed(keys: Sequence[str]) -> int:
    """Remove those of the objects that still no row names; returns how many."""
    removed = 0
    for key in keys:
        # Ask the database again right before the act: a commit may have come through meanwhile.
        if not StoredObject.objects.filter(key=key).exists():
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
    """Those of the keys that a row names."""
    return set(StoredObject.objects.filter(key__in=keys).values_list("key", flat=True))
