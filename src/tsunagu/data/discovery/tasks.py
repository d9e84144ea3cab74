"""What the room listens to, and what it does now and then."""

from __future__ import annotations

import datetime as dt

from tsunagu.core import events, jobs
from tsunagu.data.discovery import indexing, saved

_ULID_LENGTH = 26


@events.witness("datasets.created")
@events.witness("datasets.described")
@events.witness("datasets.files_changed")
@events.witness("description.read")
@events.witness("readiness.prepared")
@events.witness("scans.read")
@events.witness("runs.ended_badly")
def note_change(dataset_id: str, **_more: object) -> None:
    """Something is said of a dataset that was not said before; who sees it is the same."""
    indexing.note(dataset_id, hides=False)


@events.witness("datasets.frozen")
@events.witness("datasets.access_changed")
@events.witness("datasets.removed")
@events.witness("datasets.sealing_begun")
@events.witness("datasets.sealed")
@events.witness("datasets.shredded")
def note_rules(dataset_id: str, **_more: object) -> None:
    """Others may see a dataset than before, or less of it."""
    indexing.note(dataset_id, hides=True)


@events.witness("policy.labels_changed")
def note_labels(entity_id: str) -> None:
    """A label of a dataset changed; versions have labels, too, and are no hits of their own."""
    if len(entity_id) == _ULID_LENGTH:
        indexing.note(entity_id, hides=True)


@events.witness("harvesting.changed")
def note_records(ids: list[int]) -> None:
    """Records of another repository came, changed or went."""
    indexing.note_records(ids)


@jobs.every(dt.timedelta(minutes=10))
@jobs.job(priority=-30)
def ask_again() -> None:
    """Ask all saved searches again, and tell people what is new."""
    saved.ask_all_again()
