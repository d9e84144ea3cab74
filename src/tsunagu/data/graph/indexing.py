"""Keeping the graph up with its sources: one process calls ``keep_up`` until it ends (``config/index.py``)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable

from django.db import DataError, OperationalError, close_old_connections

from tsunagu.data.graph import sources, writing
from tsunagu.data.graph.models import Form, Origin, Unread

logger = logging.getLogger(__name__)

# Of how claims are read; a node whose graph is of another one makes it anew.
_FORM = 1
_BATCH = 50
_NOTED_AT_ONCE = 1000
_LOOK_EVERY_S = 0.3
_TRY_AGAIN_S = 2.0


def note(keys: Iterable[str], *, hides: bool) -> None:
    """Have the graph look at sources again; call it in the transaction that changes them."""
    Unread.objects.bulk_create(Unread(source=key, hides=hides) for key in keys)


def apply_unread() -> int:
    """Bring the graph up to date with what changed; returns how many sources that were.

    Killed at any point, the same changes are made again, and change nothing more.
    """
    rows = list(Unread.objects.order_by("pk").values_list("pk", "source")[:_BATCH])
    if not rows:
        return 0
    keys = list(dict.fromkeys(source for _pk, source in rows))
    try:
        _apply(keys)
    except (ValueError, DataError):
        # One of them cannot be read or written: the others must not wait for it.
        for key in keys:
            _apply_alone(key)
    Unread.objects.filter(pk__in=[pk for pk, _source in rows]).delete()
    return len(keys)


def _apply(keys: Iterable[str]) -> None:
    writing.replace(sources.read(keys))


def _apply_alone(key: str) -> None:
    try:
        _apply([key])
    except (ValueError, DataError):
        logger.exception("source_left_out", extra={"source": key})
        writing.replace({key: []})  # what it said before may not be so any more


def catch_up() -> int:
    """Note everything if the graph is not of today's form, and bring it up to date; how many sources."""
    if not Form.objects.filter(number=_FORM).exists():
        _note_everything()
        Form.objects.update_or_create(pk=1, defaults={"number": _FORM})
    made = 0
    while changed := apply_unread():
        made += changed
    return made


def rebuild() -> int:
    """Make the graph anew from its sources; decisions of people stay. Returns how many sources there are."""
    Form.objects.update_or_create(pk=1, defaults={"number": 0})
    Origin.objects.update(digest="")
    return catch_up()


def _note_everything() -> None:
    """Every source there is, and every one that there was."""
    after = ""
    while True:
        keys, after = sources.all_keys(after, limit=_NOTED_AT_ONCE)
        note(keys, hides=False)
        if not after:
            break
    last = 0
    while rows := list(
        Origin.objects.filter(pk__gt=last).order_by("pk").values_list("pk", "source")[:_NOTED_AT_ONCE]
    ):
        note(dict.fromkeys(source for _pk, source in rows), hides=False)
        last = rows[-1][0]


def keep_up(stopped: threading.Event) -> None:
    """Keep the graph up to date until the event is set; what goes wrong is tried again."""
    while not stopped.is_set():
        try:
            made = catch_up()
        except OperationalError:
            logger.warning("database_busy", exc_info=True)
            stopped.wait(_TRY_AGAIN_S)
        else:
            if not made:
                close_old_connections()
                stopped.wait(_LOOK_EVERY_S)
