"""One process per node that hands queued jobs to their executors, watches them, and settles those that vanished."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from django.db import OperationalError, close_old_connections

from tsunagu.compute.environments import api as environments
from tsunagu.compute.jobs import folders, places
from tsunagu.compute.jobs.bell import Bell
from tsunagu.compute.jobs.desk import Desk, close_open
from tsunagu.compute.jobs.elsewhere import Elsewhere
from tsunagu.compute.jobs.executors import Executor
from tsunagu.compute.jobs.models import Job
from tsunagu.compute.jobs.types import State
from tsunagu.compute.partners import api as partners
from tsunagu.compute.runner import api as runner
from tsunagu.core import clock, settings

logger = logging.getLogger(__name__)

_CLAIM_EVERY_S = 0.5  # who queues something rings
_LOOK_EVERY_S = 0.5
_PATIENCE_S = 5.0  # with a place that is being asked something when the node stops


class Attendant(Protocol):
    """Something that is done by the supervisor's process beside its own jobs."""

    def attend(self) -> None:
        """Do what is to be done now; called twice a second."""

    def stop(self) -> None:
        """The supervisor ends."""


@dataclass(slots=True)
class Supervisor:
    """The loop, and a desk for each place. A place that may take its time to answer has a thread of its own.

    Attributes:
        executors: Place -> what runs jobs there.
        others: What else is to be done on this machine between two looks.
    """

    executors: Mapping[str, Executor] = field(default_factory=places.configured)
    others: Sequence[Attendant] = ()
    _sites: dict[str, Elsewhere] = field(default_factory=dict)
    _desks: dict[str, Desk] = field(default_factory=dict)
    _threads: dict[str, threading.Thread] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _building: threading.Thread | None = None

    def __post_init__(self) -> None:
        self._desks.update({name: Desk(name, one) for name, one in self.executors.items()})

    def stop(self, *_: object) -> None:
        """Go no further; a signal handler."""
        self._stop.set()

    def run(self) -> None:
        """Until told to stop; then the wrappers are ended, and report that."""
        next_look = 0.0
        with contextlib.closing(Bell()) as bell:
            while not self._stop.is_set():
                try:
                    if time.monotonic() >= next_look:
                        self._look_around()
                        next_look = time.monotonic() + _LOOK_EVERY_S
                    for desk in self._desks.values():
                        if desk.executor.answers_at_once:
                            desk.turn()
                except OperationalError:
                    logger.warning("database_busy", exc_info=True)
                    close_old_connections()
                if bell.wait(_CLAIM_EVERY_S):
                    self._hurry()
        self._end()

    def _hurry(self) -> None:
        for desk in self._desks.values():
            if desk.executor.answers_at_once:
                desk.hurry()
            else:
                desk.rung.set()

    def _look_around(self) -> None:
        self._learn_sites()
        self._settle_strangers()
        self._clean()
        for other in self.others:
            other.attend()
        self._build()
        for name, desk in self._desks.items():
            if desk.failure is not None:
                raise desk.failure
            if not desk.executor.answers_at_once and name not in self._threads:
                self._threads[name] = threading.Thread(
                    target=desk.serve, args=(self._stop,), name=f"desk-{name}", daemon=True
                )
                self._threads[name].start()

    def _end(self) -> None:
        for other in self.others:
            other.stop()
        for desk in self._desks.values():
            desk.rung.set()
        for name, desk in self._desks.items():
            if name in self._threads:
                self._threads[name].join(_PATIENCE_S)
                if self._threads[name].is_alive():
                    continue  # it waits for its place, and would be spoken over
            desk.stop()

    def claim(self) -> int:
        """Start what can be started, at all places; how many."""
        return sum(desk.claim() for desk in self._desks.values())

    def watch(self) -> None:
        """Look at every job that was handed over, wherever it is."""
        self._learn_sites()
        for desk in self._desks.values():
            desk.watch()
        self._settle_strangers()
        self._clean()

    def _settle_strangers(self) -> None:
        """Close what silently waits for a place that stands in the settings no more."""
        silent_since = clock.now() - timedelta(seconds=settings.current().compute_lost_s)
        handed = Job.objects.filter(state__in=(State.SUBMITTED, State.RUNNING, State.UNCERTAIN))
        for job in handed.filter(heard_at__lt=silent_since).exclude(executor__in=self._desks):
            close_open(job.run_id, State.FAILED, "lost")

    def _learn_sites(self) -> None:
        """Other nodes come and go while this one runs."""
        for site in partners.known_sites():
            if site.name in self._sites:
                self._sites[site.name].site = site
            else:
                self._sites[site.name] = Elsewhere(site)
                self._desks[site.name] = Desk(site.name, self._sites[site.name])

    def _clean(self) -> None:
        """Remove the folders of jobs that are over."""
        for root in self._roots():
            names = [place.name for place in root.iterdir()] if root.is_dir() else []
            open_ones = set(Job.objects.filter(pk__in=names, ended_at=None).values_list("pk", flat=True))
            for name in names:
                if name not in open_ones and not runner.is_alive(root / name):
                    runner.remove(root / name)
        with contextlib.suppress(OSError):  # not empty, or not there
            folders.in_memory().rmdir()

    def _roots(self) -> set[Path]:
        found = {executor.root(is_sealed=False) for executor in self.executors.values()}
        with contextlib.suppress(OSError):
            if folders.in_memory().exists():
                found.add(folders.made_in_memory())  # checked to be ours before anything in it is removed
        return found

    def _build(self) -> None:
        """Build one waiting environment at a time, beside the loop."""
        if self._building is not None and self._building.is_alive():
            return
        if lock_hash := environments.next_waiting():
            self._building = threading.Thread(
                target=_build, args=(lock_hash,), name="environment", daemon=True
            )
            self._building.start()


def serving_folder(run_id: str) -> Path | None:
    """Where the files of a server lie that runs on this machine; None: it does not run."""
    job = Job.objects.filter(pk=run_id, state=State.RUNNING, executor=places.SERVING).first()
    if job is None:
        return None
    return places.configured()[places.SERVING].root(is_sealed=job.is_sealed) / run_id


def _build(lock_hash: str) -> None:
    try:
        environments.build(lock_hash)
    except Exception:
        logger.exception("environment_not_built", extra={"lock": lock_hash})
    finally:
        close_old_connections()
