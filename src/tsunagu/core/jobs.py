"""Background work: Django's task interface with the database backend, plus what it leaves out.

The backend (django-tasks-db 0.13) leaves the row of a killed worker RUNNING for ever. Here every worker gives
signs of life, and any worker puts the job of a silent one back, a bounded number of times. Jobs are idempotent.
This is the only module that knows which task library is in use (Django 6 has the interface built in).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from django.db import OperationalError, close_old_connections, connection, models, transaction
from django_tasks import task
from django_tasks.signals import task_enqueued
from django_tasks_db.management.commands.db_worker import Worker
from django_tasks_db.models import DBTaskResult

from tsunagu.core import clock, settings
from tsunagu.core.models import WorkerBeat

logger = logging.getLogger(__name__)

_IDLE_LONGEST_S = 0.5
_LISTEN_EVERY_S = 0.02
_BEAT_EVERY_S = 3.0
_SCHEDULE_EVERY_S = 60.0


class Job(Protocol):
    """A function that can be put into the queue."""

    def enqueue(self, *args: Any, **kwargs: Any) -> Any:
        """Put it into the queue; inside a transaction it appears when that commits. Arguments: JSON values."""

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Run it here and now."""


def job(*, priority: int = 0, queue: str = "default") -> Callable[[Callable[..., Any]], Job]:
    """Declare a module-level function as a background job. Higher priority (-100..100) goes first."""

    def declare(function: Callable[..., Any]) -> Job:
        declared: Job = task(priority=priority, queue_name=queue)(function)
        return declared

    return declare


_periodic: list[tuple[Job, dt.timedelta]] = []


def every(interval: dt.timedelta) -> Callable[[Job], Job]:
    """Have a job without arguments run again and again, once for all workers together."""

    def register(declared: Job) -> Job:
        _periodic.append((declared, interval))
        return declared

    return register


def enqueue_once(declared: Job, **kwargs: Any) -> None:
    """Put a job into the queue unless the same one with the same arguments already waits there."""
    path = declared.module_path  # type: ignore[attr-defined]
    wanted = {"args": [], "kwargs": kwargs}
    waiting = DBTaskResult.objects.filter(status="READY", task_path=path).values_list(
        "args_kwargs", flat=True
    )
    if wanted not in waiting:
        declared.enqueue(**kwargs)


def enqueue_later(declared: Job, wait: dt.timedelta, **kwargs: Any) -> None:
    """Put a job into the queue that no worker takes before a while has passed."""
    task = declared.using(run_after=clock.now() + wait)  # type: ignore[attr-defined]
    task.enqueue(**kwargs)


def waiting(declared: Job, **arguments: Any) -> list[dict[str, Any]]:
    """Arguments of the jobs of one kind that wait or run and have these arguments among theirs."""
    path = declared.module_path  # type: ignore[attr-defined]
    wanted = {f"args_kwargs__kwargs__{name}": value for name, value in arguments.items()}
    rows = DBTaskResult.objects.filter(status__in=("READY", "RUNNING"), task_path=path, **wanted)
    return [dict(row["kwargs"]) for row in rows.values_list("args_kwargs", flat=True)[:10_000]]


def enqueue_due() -> None:
    """Put periodic jobs that are due into the queue."""
    for declared, interval in _periodic:
        path = declared.module_path  # type: ignore[attr-defined]
        recent = DBTaskResult.objects.filter(task_path=path).filter(
            models.Q(status__in=("READY", "RUNNING")) | models.Q(enqueued_at__gt=clock.now() - interval)
        )
        if not recent.exists():
            declared.enqueue()


def _ring(**_signal: object) -> None:
    transaction.on_commit(_touch)


def _touch() -> None:
    """Wake the workers of this machine. One that does not notice looks soon by itself, so nothing depends on this."""
    with contextlib.suppress(OSError):
        _bell().touch()


def _bell() -> Path:
    """A file whose time says when something was queued last: to look at it costs a thousandth of asking the database."""
    return settings.current().home / "run" / "jobs.bell"


task_enqueued.connect(_ring, dispatch_uid="tsunagu.core.jobs")


def waiting_count() -> int:
    """How many jobs wait or run."""
    return DBTaskResult.objects.filter(status__in=("READY", "RUNNING")).count()


def failed_count() -> int:
    """How many jobs failed for good."""
    return DBTaskResult.objects.filter(status="FAILED").count()


def reclaim() -> int:
    """Put the jobs of silent workers back into the queue; after too many attempts mark them failed.

    Returns:
        How many jobs were put back.
    """
    limits = settings.current()
    oldest = clock.now() - dt.timedelta(seconds=limits.job_lease_s)
    alive = set(WorkerBeat.objects.filter(beat_at__gte=oldest).values_list("worker_id", flat=True))
    count = 0
    for row in DBTaskResult.objects.filter(status="RUNNING", started_at__lt=oldest):
        if row.worker_ids and row.worker_ids[-1] in alive:
            continue
        if len(row.worker_ids) >= limits.job_attempts:
            changed = DBTaskResult.objects.filter(
                pk=row.pk, status="RUNNING", worker_ids=row.worker_ids
            ).update(
                status="FAILED", finished_at=clock.now(), exception_class_path="tsunagu.core.jobs.WorkerLost"
            )
        else:
            changed = DBTaskResult.objects.filter(
                pk=row.pk, status="RUNNING", worker_ids=row.worker_ids
            ).update(status="READY")
            count += changed
        if changed:
            logger.warning(
                "job_of_lost_worker", extra={"task": row.task_path, "attempts": len(row.worker_ids)}
            )
    return count


def forget_finished(*, older_than: dt.timedelta = dt.timedelta(days=7)) -> None:
    """Remove finished jobs and dead workers' signs of life."""
    limit = clock.now() - older_than
    DBTaskResult.objects.filter(status__in=("SUCCESSFUL", "FAILED"), finished_at__lt=limit).delete()
    WorkerBeat.objects.filter(beat_at__lt=limit).delete()


class NodeWorker(Worker):
    """A worker that looks before it locks, gives signs of life and takes up the jobs of the dead."""

    def __init__(self, worker_id: str, *, batch: bool = False) -> None:
        super().__init__(
            queue_names=["*"],
            interval=0.05,
            batch=batch,
            backend_name="default",
            startup_delay=False,
            max_tasks=None,
            worker_id=worker_id,
            excluded_queue_names=[],
        )
        self._stop = threading.Event()
        self._bell = _bell()

    def run(self) -> None:
        """Work until told to stop."""
        self._beat_once()  # before the first claim: a worker without a sign of life counts as dead
        threading.Thread(target=self._beat, name="beat", daemon=True).start()
        next_look, next_schedule, idle_s = 0.0, 0.0, self.interval
        while self.running:
            rung_at = self._rung_at()
            try:
                if time.monotonic() >= next_look:
                    reclaim()
                    next_look = time.monotonic() + _BEAT_EVERY_S
                if time.monotonic() >= next_schedule and not self.batch:
                    enqueue_due()
                    next_schedule = time.monotonic() + _SCHEDULE_EVERY_S
                row = self._claim()
            except OperationalError:
                logger.warning("database_busy", exc_info=True)
                row = None
                time.sleep(self.interval)
            if row is not None:
                idle_s = self.interval
                self.run_task(row)
                continue
            if self.batch:
                break
            close_old_connections()
            was_rung = self._wait(idle_s, rung_at)
            idle_s = self.interval if was_rung else min(idle_s * 1.5, _IDLE_LONGEST_S)
        self._stop.set()

    def _wait(self, within_s: float, rung_at: int) -> bool:
        """Until something is queued, at most so long; whether that was it."""
        until = time.monotonic() + within_s
        while self.running and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _LISTEN_EVERY_S))
            if self._rung_at() != rung_at:
                return True
        return False

    def _rung_at(self) -> int:
        try:
            return self._bell.stat().st_mtime_ns
        except OSError:
            return 0

    def _claim(self) -> DBTaskResult[..., Any] | None:
        # An exclusive transaction twenty times a second would hold up every writer on SQLite: look first.
        ready = DBTaskResult.objects.ready()
        if not ready.exists():
            return None
        with transaction.atomic():
            row: DBTaskResult[..., Any] | None = ready.select_for_update(skip_locked=True).first()
            if row is not None:
                row.claim(self.worker_id)
        return row

    def _beat(self) -> None:
        try:
            while not self._stop.is_set():
                self._beat_once()
                self._stop.wait(_BEAT_EVERY_S)
        finally:
            connection.close()

    def _beat_once(self) -> None:
        try:
            WorkerBeat.objects.update_or_create(worker_id=self.worker_id, defaults={"beat_at": clock.now()})
        except OperationalError:
            logger.warning("beat_missed")
