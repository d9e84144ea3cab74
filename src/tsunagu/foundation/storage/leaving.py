"""Bytes whose rows are gone: they leave with the transaction, or later where a process died or a store was away."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Sequence

from django.db import DatabaseError, transaction

from tsunagu.core import removal, settings
from tsunagu.core.blobs import BlobStore
from tsunagu.core.errors import TsunaguError
from tsunagu.foundation.storage.models import LeavingObject
from tsunagu.foundation.storage.stores import replica_store, store

logger = logging.getLogger(__name__)

_AT_ONCE = 500


def note(keys: Iterable[str]) -> None:
    """Write down, in the running transaction, that objects and their copies are to go; who does it calls ``drop``."""
    LeavingObject.objects.bulk_create(LeavingObject(key=key) for key in keys)


def let_go(keys: Sequence[str]) -> None:
    """Remove objects and their copies with the end of the running transaction."""
    note(keys)
    transaction.on_commit(lambda: drop(keys))


def drop_leaving() -> int:
    """Remove what was to be removed when a process died or a store was away; returns how many were looked at."""
    keys = list(LeavingObject.objects.order_by("pk").values_list("key", flat=True)[:10_000])
    drop(keys)
    return len(keys)


def drop(keys: Iterable[str], *, with_copy: bool = True) -> None:
    """Remove objects whose rows are gone; what fails here is removed or swept later."""
    places = [store(), replica_store() if with_copy else None]
    with removal.attempted(settings.current().home) as may:
        gone = [key for key in keys if _is_deleted(places, key)] if may else []
    for start in range(0, len(gone), _AT_ONCE):
        with contextlib.suppress(DatabaseError):  # the row is looked at again
            LeavingObject.objects.filter(key__in=gone[start : start + _AT_ONCE]).delete()


def _is_deleted(places: Sequence[BlobStore | None], key: str) -> bool:
    is_gone = True
    for place in places:
        try:
            if place is not None:
                place.delete(key)
        except (TsunaguError, OSError):
            logger.warning("object_not_removed", extra={"key": key}, exc_info=True)
            is_gone = False
    return is_gone
