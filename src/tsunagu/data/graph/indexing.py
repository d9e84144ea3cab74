"""Keeping the graph up with its sources: one process calls ``keep_up`` until it ends (``config/index.py``)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable

from django.db import InterfaceError, OperationalError, close_old_connections, transaction

from tsunagu.data.graph import claims, sources, writing
from tsunagu.data.graph.models import Form, Origin, Unread
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

logger = logging.getLogger(__name__)

_BATCH = 200
_NOTED_AT_ONCE = 1000
_LOOK_EVERY_S = 0.3
_TRY_AGAIN_S = 2.0
_MOST_PATIENCE_S = 60.0
# The database is away or busy: no source is to blame, and the same is tried again.
_AWAY = (OperationalError, InterfaceError)


def note(keys: Iterable[str], *, hides: bool) -> None:
    """Have the graph look at sources again; call it in the transaction that changes them."""
    Unread.objects.bulk_create(Unread(source=key, hides=hides) for key in keys)


def apply_unread() -> int:
    """Bring the graph up to date with what changed; returns how many sources that were.

    Killed at any point, the same changes are made again, and change nothing more.
    """
    rows = _next()
    if not rows:
        return 0
    keys = list(dict.fromkeys(source for _pk, source in rows))
    try:
        _apply(keys)
    except _AWAY:
        raise
    except Exception:  # noqa: BLE001 - one of them cannot be read or written: the others must not wait for it
        for key in keys:
            _apply_alone(key)
    Unread.objects.filter(pk__in=[pk for pk, _source in rows]).delete()
    return len(keys)


def _next() -> list[tuple[int, str]]:
    """What comes next: first what nobody sees until it is taken up, however much else waits."""
    waiting = Unread.objects.order_by("pk").values_list("pk", "source")
    hidden = list(waiting.filter(hides=True)[:_BATCH])
    return hidden + list(waiting.filter(hides=False)[: _BATCH - len(hidden)])


def _apply(keys: Iterable[str]) -> None:
    writing.replace(sources.read(keys))


def _apply_alone(key: str) -> None:
    """Take up one source. One that cannot be is left out until it changes, or the graph is made anew."""
    try:
        _apply([key])
    except _AWAY:
        raise
    except Exception:
        logger.exception("source_left_out", extra={"source": key})
        _forget(key)


def _forget(key: str) -> None:
    """What a source said before may not be so any more."""
    try:
        writing.replace({key: []})
    except _AWAY:
        raise
    except Exception:
        logger.exception("source_forgotten_in_part", extra={"source": key})
        Origin.objects.filter(source=key).delete()  # nobody sees what no origin says


def catch_up() -> int:
    """Note everything if the graph is not of today's form, and bring it up to date; how many sources."""
    if not Form.objects.filter(number=claims.FORM).exists():
        _note_everything()
        Form.objects.update_or_create(pk=1, defaults={"number": claims.FORM})
    made = 0
    while changed := apply_unread():
        made += changed
    return made


@transaction.atomic
def begin_anew(actor: Actor) -> str:
    """Have the graph made anew from its sources, while it goes on answering; decisions of people stay. The id of the run.

    Raises:
        ActionDeniedError: the actor does not administer the node.
    """
    policy.require(actor, "node.admin", policy.NODE)
    writing.hold()
    Form.objects.update(number=0)
    Origin.objects.update(digest="")
    return runs.record(actor, "decide", parameters={"what": "graph_rebuild"})


def _note_everything() -> None:
    """Every source there is, and every one that there was; begun again after a failure, none is noted twice."""
    after = ""
    while True:
        keys, after = sources.all_keys(after, limit=_NOTED_AT_ONCE)
        _note_new(keys)
        if not after:
            break
    last = 0
    while rows := list(
        Origin.objects.filter(pk__gt=last).order_by("pk").values_list("pk", "source")[:_NOTED_AT_ONCE]
    ):
        _note_new(dict.fromkeys(source for _pk, source in rows))
        last = rows[-1][0]


def _note_new(keys: Iterable[str]) -> None:
    keys = list(keys)
    held = set(Unread.objects.filter(hides=False, source__in=keys).values_list("source", flat=True))
    note([key for key in keys if key not in held], hides=False)


def keep_up(stopped: threading.Event) -> None:
    """Keep the graph up to date until the event is set; what goes wrong is tried again, ever more seldom."""
    pause = _TRY_AGAIN_S
    while not stopped.is_set():
        try:
            made = catch_up()
        except _AWAY:
            logger.warning("database_busy", exc_info=True)
            close_old_connections()  # a connection that the server has ended never works again
            stopped.wait(_TRY_AGAIN_S)
        except Exception:
            logger.exception("graph_failed")
            close_old_connections()
            stopped.wait(pause)
            pause = min(2 * pause, _MOST_PATIENCE_S)
        else:
            pause = _TRY_AGAIN_S
            if not made:
                close_old_connections()
                stopped.wait(_LOOK_EVERY_S)
