"""Background work that needs control's records and the byte server's spool at once."""

from __future__ import annotations

import datetime as dt

from tsunagu.core import events, jobs, removal, settings
from tsunagu.dataplane.sweep import find_garbage
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.ledger import api as ledger
from tsunagu.foundation.storage import api as storage


def sweep_now() -> int:
    """Remove objects that neither a row nor an upload in progress owns; returns how many."""
    node = settings.current()
    with removal.attempted(node.home) as may:
        if not may:
            return 0  # a backup reads them
        garbage = find_garbage(storage.store(), node.spool, storage.named, min_age_s=node.sweep_age_s)
        return storage.drop_unnamed([item.key for item in garbage])


@jobs.every(dt.timedelta(minutes=5))
@jobs.job(priority=-20)
def close_guests() -> None:
    """Close the accounts of guests whose stay is over, and record the end of stand-ins."""
    identity.end_stays()
    identity.end_over_stand_ins()


@jobs.every(dt.timedelta(hours=6))
@jobs.job(priority=-50)
def sweep() -> None:
    """Sweep the store, and forget finished jobs of last week."""
    storage.forget_waiting()
    sweep_now()
    storage.forget_dead()
    identity.forget_program_secrets()
    identity.withdraw_unused()
    jobs.forget_finished()


@jobs.every(dt.timedelta(seconds=50))
@jobs.job(priority=-5)
def sign_ledger() -> None:
    """Sign the head of the ledger when it grew, and ask authority and witnesses."""
    ledger.sign_head()
    ledger.stamp_waiting()
    ledger.ask_witnesses()


@events.subscribe("datasets.frozen")
@jobs.job(priority=-5)
def sign_after_freeze(dataset_id: str, number: int) -> None:
    """Put a signed and stamped head over a new version soon; many freezes in a row share one."""
    del dataset_id, number
    ledger.sign_head()
    ledger.stamp_waiting()
    ledger.ask_witnesses()
