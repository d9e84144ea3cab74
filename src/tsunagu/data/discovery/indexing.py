"""Keeping the index up with the database: the one process that writes calls ``keep_up`` until it ends."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable

from django.db import InterfaceError, OperationalError, close_old_connections

from tsunagu.data.datasets import api as datasets
from tsunagu.data.discovery import harvested
from tsunagu.data.discovery.clauses import Exactly, Question, Seen
from tsunagu.data.discovery.documents import KIND, Document, documents
from tsunagu.data.discovery.engines import engine
from tsunagu.data.discovery.models import Pending
from tsunagu.data.harvesting import api as harvesting
from tsunagu.foundation.policy import api as policy

logger = logging.getLogger(__name__)

_BATCH = 500
_REBUILD_BATCH = 1000
_LOOK_EVERY_S = 0.1
_TRY_AGAIN_S = 2.0
_LOOKS = 3
# The database or the disk: no document is to blame, and the same is tried again.
_AWAY = (OperationalError, InterfaceError, OSError)


def note(dataset_id: str, *, hides: bool) -> None:
    """Have the index look at a dataset again; call it in the transaction that changes it."""
    Pending.objects.create(dataset_id=dataset_id, hides=hides)


def note_records(ids: Iterable[int]) -> None:
    """The same for records of other repositories."""
    Pending.objects.bulk_create(Pending(dataset_id=harvested.key_of(one)) for one in ids)


def apply_pending() -> int:
    """Bring the index up to date with what changed; returns how many datasets that were.

    Killed at any point, the same changes are made again: rows go only after the index has them for good.
    """
    rows = list(Pending.objects.order_by("pk").values_list("pk", "dataset_id")[:_BATCH])
    if not rows:
        return 0
    ids = list(dict.fromkeys(dataset_id for _pk, dataset_id in rows))
    _put(engine().replace, ids)
    Pending.objects.filter(pk__in=[pk for pk, _dataset_id in rows]).delete()
    return len(ids)


def _put(write: Callable[[list[str], list[Document]], None], keys: list[str]) -> None:
    """Write documents, or all but the one that cannot be: the others must not wait for it. It is tried when it changes."""
    try:
        write(keys, [*documents(keys), *harvested.documents(keys)])
    except _AWAY:
        raise
    except Exception:
        if len(keys) > 1:
            half = len(keys) // 2
            _put(write, keys[:half])
            _put(write, keys[half:])
        else:
            logger.exception("left_out_of_index", extra={"key": keys[0]})
            write(keys, [])  # where this fails too, it is the index that cannot be written


def rebuild() -> int:
    """Make the index anew from the database; returns how many datasets there are in it.

    Changes meanwhile wait, and are made when it is done.
    """
    started, count, after = time.monotonic(), 0, 0
    engine().begin_anew()
    while part := datasets.source_ids(after=after, limit=_REBUILD_BATCH):
        ids = [key for _row, key in part]
        _put(_add, ids)
        after, count = part[-1][0], count + len(ids)
    last = 0
    while records := harvesting.record_ids(after=last, limit=_REBUILD_BATCH):
        _put(_add, [harvested.key_of(one) for one in records])
        last, count = records[-1], count + len(records)
    engine().finish()
    logger.info("index_made", extra={"count": count, "duration_s": round(time.monotonic() - started, 1)})
    return count


def _add(_keys: list[str], several: list[Document]) -> None:
    engine().add(several)


def catch_up() -> int:
    """Make the index if there is none, or none of today's form, and bring it up to date; how many datasets."""
    made = 0 if engine().is_whole() else rebuild()
    while changed := apply_pending():
        made += changed
    return made


def is_of_this_database() -> bool:
    """Whether the index has as many datasets as the database: not, when somebody put another database in its place."""
    everything = Seen(policy.Every(), policy.Every(), frozenset(), 0)
    counted = engine().answer(Question((Exactly("kind", (KIND,)),), sort="newest", limit=1), everything)
    return counted.total == datasets.source_count()


def settle() -> int:
    """What is done once at the start: the index is there, up to date, and of this database; how many datasets."""
    made = catch_up()
    for _ in range(_LOOKS):
        if is_of_this_database():
            return made
        made += catch_up()  # datasets may have come while they were counted
    return made + rebuild() + catch_up()


def keep_up(stopped: threading.Event) -> None:
    """Keep the index up to date until the event is set; what goes wrong is tried again."""
    work = settle
    while not stopped.is_set():
        try:
            made = work()
            work = catch_up
        except (OperationalError, InterfaceError):
            logger.warning("database_busy", exc_info=True)
            close_old_connections()  # a connection that the server has ended never works again
            stopped.wait(_TRY_AGAIN_S)
        except Exception:  # a full disk, or somebody took the folder away under our feet
            logger.exception("index_failed")
            close_old_connections()
            stopped.wait(_TRY_AGAIN_S)
        else:
            if not made:
                close_old_connections()
                stopped.wait(_LOOK_EVERY_S)
