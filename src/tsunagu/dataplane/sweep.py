"""Finds objects that nobody owns: written for a bundle that was refused, or by a process that died."""

from __future__ import annotations

import time
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from tsunagu.dataplane import locks
from tsunagu.dataplane.uploads import Uploads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tsunagu.core.blobs import BlobStore

_BATCH = 500


class Garbage(NamedTuple):
    """An object that may be deleted."""

    key: str
    size: int
    age_s: float


def find_garbage(
    store: BlobStore, spool: Path, is_known: Callable[[list[str]], set[str]], *, min_age_s: float
) -> Iterator[Garbage]:
    """Objects that neither a record nor an upload in progress owns. Deletes nothing.

    Whoever deletes must ask the records once more in the transaction that marks the object as deleted.

    Args:
        store: Where to look.
        spool: The spool folder of the byte server: its locks and upload states are the living owners.
        is_known: Given keys, those of them that a record names.
        min_age_s: Younger objects are left alone; more than the longest request may take.
    """
    uploads = Uploads(spool, lifetime_s=0)
    now = time.time()
    found = store.list(older_than_s=min_age_s)
    while batch := list(islice(found, _BATCH)):
        # Owners first, records second: a commit in between moves the object from the first set into the second.
        owned = uploads.owned_keys()
        loose = [item for item in batch if item.key not in owned and not locks.is_held(spool, item.key)]
        known = is_known([item.key for item in loose]) if loose else set()
        for item in loose:
            if item.key not in known:
                yield Garbage(item.key, item.size, now - item.modified_at)
