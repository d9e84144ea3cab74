"""Background work of the room."""

from __future__ import annotations

import contextlib

from tsunagu.core import events, jobs
from tsunagu.core.errors import NotFoundError
from tsunagu.data.ai_use import terms


@events.subscribe("datasets.frozen")
@jobs.job(priority=-20)
def remember_terms(dataset_id: str, number: int) -> None:
    """Keep the terms that stood when a version was frozen."""
    with contextlib.suppress(NotFoundError):  # destroyed since
        terms.remember(dataset_id, number)
