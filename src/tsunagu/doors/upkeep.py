"""Background work that needs control's records and the byte server's spool at once."""

from __future__ import annotations

import datetime as dt

from tsunagu.core import jobs, settings
from tsunagu.dataplane.sweep import find_garbage
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.storage import api as storage


def sweep_now() -> int:
    """Remove objects that neither a row nor an upload in progress owns; returns how many."""
    node = settings.current()
    garbage = find_garbage(storage.store(), node.spool, storage.named, min_age_s=node.sweep_age_s)
    return storage.drop_unnamed([item.key for item in garbage])


@jobs.every(dt.timedelta(minutes=5))
@jobs.job(priority=-20)
def close_guests() -> None:
    """Close the accounts of guests whose stay is over."""
    identity.end_stays()


@jobs.every(dt.timedelta(hours=6))
@jobs.job(priority=-50)
def sweep() -> None:
    """Sweep the store, and forget finished jobs of last week."""
    sweep_now()
    storage.forget_dead()
    jobs.forget_finished()
