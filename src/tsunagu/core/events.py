"""News from lower rooms to higher ones, written in the transaction that made them.

The job queue lives in the same database, so a job row *is* the outbox row: it appears if and only if the
transaction commits, and a subscriber that fails is tried again without disturbing the room that spoke.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from tsunagu.core import jobs

_subscribers: dict[str, list[jobs.Job]] = defaultdict(list)
_witnesses: dict[str, list[Callable[..., None]]] = defaultdict(list)


def subscribe(event: str) -> Callable[[jobs.Job], jobs.Job]:
    """Make a job that takes the event's payload as keyword arguments a subscriber."""

    def register(job: jobs.Job) -> jobs.Job:
        if job not in _subscribers[event]:
            _subscribers[event].append(job)
        return job

    return register


def witness(event: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Call a function with the event's payload at once, in the transaction that the event describes.

    For what must be known the moment the transaction commits, and before any worker has time: it writes a row or two
    and never fails for a reason of its own, since the transaction would fail with it.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        if function not in _witnesses[event]:
            _witnesses[event].append(function)
        return function

    return register


def record(event: str, **payload: Any) -> None:
    """Tell every subscriber; call it inside the transaction that the event describes. Payload: JSON values."""
    for function in _witnesses[event]:
        function(**payload)
    for job in _subscribers[event]:
        job.enqueue(**payload)
