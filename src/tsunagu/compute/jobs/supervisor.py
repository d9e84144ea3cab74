"""One process per node that hands queued jobs to their executors, watches them, and settles those that vanished."""

from __future__ import annotations

import contextlib
import json
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from django.db import OperationalError, close_old_connections, transaction
from django.db.models import Max, Min

from tsunagu.compute.environments import api as environments
from tsunagu.compute.jobs import folders, hearing, places
from tsunagu.compute.jobs.bell import Bell
from tsunagu.compute.jobs.elsewhere import Elsewhere
from tsunagu.compute.jobs.errors import ExecutorAwayError, NoExecutorError
from tsunagu.compute.jobs.executors import Executor, Submission, TakesArrays
from tsunagu.compute.jobs.models import Job
from tsunagu.compute.jobs.settling import close
from tsunagu.compute.jobs.types import State
from tsunagu.compute.partners import api as partners
from tsunagu.compute.runner import api as runner
from tsunagu.core import clock, settings
from tsunagu.core.errors import TsunaguError

logger = logging.getLogger(__name__)

_CLAIM_EVERY_S = 0.1  # control rings for what is new
_CLAIM_AGAIN_S = 0.25
_WATCH_EVERY_S = 0.5
_ASK_AGAIN_S = 10.0  # an executor that had a problem
_KILL_AFTER_S = 15.0
_SILENT_S = 10.0  # of a wrapper that beats every two
_MOST_TOGETHER = 500


class Attendant(Protocol):
    """Something that is done by the supervisor's process beside its own jobs."""

    def attend(self) -> None:
        """Do what is to be done now; called twice a second."""

    def stop(self) -> None:
        """The supervisor ends."""


@dataclass(slots=True)
class Supervisor:
    """The loop. Everything it knows is in the database and in the jobs' folders, so it may be killed at any moment.

    Attributes:
        executors: Place -> what runs jobs there.
        others: What else is to be done on this machine between two looks.
    """

    executors: Mapping[str, Executor] = field(default_factory=places.configured)
    others: Sequence[Attendant] = ()
    _sites: dict[str, Elsewhere] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _problems: dict[str, tuple[float, str]] = field(default_factory=dict)
    _cancelled_at: dict[str, float] = field(default_factory=dict)
    _building: threading.Thread | None = None

    def stop(self, *_: object) -> None:
        """Go no further; a signal handler."""
        self._stop.set()

    def run(self) -> None:
        """Until told to stop; then the wrappers are ended, and report that."""
        next_watch = next_claim = 0.0
        bell = Bell()
        while not self._stop.is_set():
            try:
                if time.monotonic() >= next_watch:
                    self.watch()
                    for other in self.others:
                        other.attend()
                    self._build()
                    self._prepare()
                    next_watch = time.monotonic() + _WATCH_EVERY_S
                if time.monotonic() >= next_claim and Job.objects.filter(state=State.QUEUED).exists():
                    # What waits for a place or an environment need not be asked after thirty times a second.
                    next_claim = 0.0 if self.claim() else time.monotonic() + _CLAIM_AGAIN_S
            except OperationalError:
                logger.warning("database_busy", exc_info=True)
                close_old_connections()
            if bell.wait(_CLAIM_EVERY_S):
                next_claim = 0.0
        bell.close()
        for other in self.others:
            other.stop()
        handed = Job.objects.filter(state__in=(State.SUBMITTED, State.RUNNING))
        for job in handed.filter(executor__in=self._all):
            if self._executor(job).ends_with_node:
                self._executor(job).cancel(job.handle, self._folder(job))

    def _prepare(self) -> None:
        if not Job.objects.filter(state=State.QUEUED).exists():
            for name, executor in self.executors.items():
                if not self._problem(name, executor):
                    executor.prepare()

    # Queue

    def claim(self) -> int:
        """Start what can be started; how many."""
        started = 0
        for name, executor in self._all.items():
            if self._problem(name, executor):
                continue
            handed = (State.SUBMITTED, State.RUNNING)
            room = executor.slots - Job.objects.filter(state__in=handed, executor=name).count()
            while room > 0 and (job := self._next(name)) is not None:
                together = self._together(executor, job, room)
                room -= len(together)
                started += self._start(executor, together)
                if self._problems[name][1]:
                    break
        return started

    @staticmethod
    def _together(executor: Executor, job: Job, room: int) -> list[Job]:
        """A job, and what else of its array can be handed over with it."""
        if not job.array_id or not isinstance(executor, TakesArrays):
            return [job]
        waiting = Job.objects.filter(state=State.QUEUED, array_id=job.array_id)
        return list(waiting.order_by("pk")[: min(room, _MOST_TOGETHER)])

    def _next(self, executor: str) -> Job | None:
        """The oldest job of the project that was served longest ago: nobody's hundred jobs keep another's one away."""
        waiting = Job.objects.filter(state=State.QUEUED, executor=executor)
        projects = waiting.values("project_id").annotate(oldest=Min("asked_at"))
        served = dict(
            Job.objects.filter(project_id__in=[row["project_id"] for row in projects])
            .values_list("project_id")
            .annotate(last=Max("handed_at"))
        )
        never = clock.now().replace(year=1970)
        order = sorted(projects, key=lambda row: (served.get(row["project_id"]) or never, row["oldest"]))
        for row in order:
            for job in waiting.filter(project_id=row["project_id"]).order_by("asked_at", "pk")[:50]:
                if self._has_environment(job):
                    return job
        return None

    def _has_environment(self, job: Job) -> bool:
        if not job.environment_hash or not self._executor(job).is_here:
            return True
        state, why = environments.state_of(job.environment_hash)
        if state == "failed":
            with transaction.atomic():
                held = Job.objects.select_for_update().get(pk=job.pk)
                if held.state == State.QUEUED:
                    close(held, State.FAILED, "no_environment", {"why": why})
        return state == "ready"

    def _start(self, executor: Executor, jobs: Sequence[Job]) -> int:
        """Hand jobs of one array, or one job, to where they shall run; how many were."""
        submissions = [made for job in jobs if (made := self._claimed(executor, job)) is not None]
        if not submissions:
            return 0
        try:
            if len(submissions) > 1 and isinstance(executor, TakesArrays):
                handles = executor.submit_array(submissions)
            else:
                handles = [executor.submit(one) for one in submissions]
        except ExecutorAwayError as error:
            logger.warning("executor_away", extra={"why": str(error)})
            self._problems[jobs[0].executor] = (time.monotonic(), error.message)
            for one in submissions:
                self._put_back(one.run)
            return 0
        except (NoExecutorError, OSError) as error:
            logger.exception("job_not_started", extra={"run": submissions[0].run})
            for one in submissions:
                self._close(one.run, State.FAILED, "machine_failed", {"why": str(error)})
            return 0
        for one, handle in zip(submissions, handles, strict=True):
            Job.objects.filter(pk=one.run).update(handle=handle)
        return len(submissions)

    def _claimed(self, executor: Executor, job: Job) -> Submission | None:
        """Take a job out of the queue and write its files; None when it is not there any more."""
        now = clock.now()
        claimed = Job.objects.filter(pk=job.pk, state=State.QUEUED)
        if not claimed.update(state=State.SUBMITTED, handed_at=now, heard_at=now):
            return None
        limits = runner.Order.of(job.order).limits
        try:
            folder = executor.root(is_sealed=job.is_sealed) / job.run_id
            runner.remove(folder)
            job_file = runner.JobFile(
                control=executor.control,
                run=job.run_id,
                secret=hearing.secret_of(job.run_id),
                folder=str(folder),
                environment=str(environments.folder_of(job.environment_hash)) if job.environment_hash else "",
                booked=executor.booked(limits),
            ).write()
        except (NoExecutorError, OSError) as error:
            logger.exception("job_not_started", extra={"run": job.run_id})
            self._close(job.run_id, State.FAILED, "machine_failed", {"why": str(error)})
            return None
        is_built_there = job.environment_hash and not executor.is_here
        lock = environments.lock_of(job.environment_hash) if is_built_there else ""
        return Submission(job.run_id, job_file, folder, limits, job.actor_name, lock)

    @staticmethod
    def _put_back(run_id: str) -> None:
        """The place went away between two questions: the job waits until it is back."""
        with transaction.atomic():
            held = Job.objects.select_for_update().get(pk=run_id)
            if held.state == State.SUBMITTED and held.is_cancelled:
                close(held, State.CANCELLED, "cancelled")
            elif held.state == State.SUBMITTED:
                held.state, held.handed_at = State.QUEUED, None
                held.save(update_fields=["state", "handed_at"])

    def _problem(self, name: str, executor: Executor) -> str:
        asked_at, said = self._problems.get(name, (0.0, "?"))
        # Asking costs a process: once is enough while it works, and now and then while it does not.
        if said == "" or time.monotonic() < asked_at + _ASK_AGAIN_S:
            return said
        said = executor.problem()
        self._problems[name] = (time.monotonic(), said)
        return said

    # Watching

    def watch(self) -> None:
        """Look at every job that was handed over: cancel, notice the dead, settle what they left."""
        handed = Job.objects.filter(state__in=(State.SUBMITTED, State.RUNNING, State.UNCERTAIN))
        self._learn_sites()
        for job in handed.filter(executor__in=self._all):
            folder, executor = self._folder(job), self._executor(job)
            seen = executor.look(job.handle, folder)
            if seen == "alive":
                self._watch_alive(executor, job, folder)
            elif seen == "unknown":
                self._doubt_silence(executor, job, folder)
            elif not self._settle_left(job, folder) and not self._rescue(executor, job, folder):
                if (ending := executor.ending(job.handle, folder)) is not None:
                    self._close(job.run_id, ending.state, ending.code, dict(ending.facts))
                else:
                    self._doubt(executor, job, folder)
        silent_since = clock.now() - timedelta(seconds=settings.current().compute_lost_s)
        for job in handed.filter(heard_at__lt=silent_since).exclude(executor__in=self._all):
            self._close(job.run_id, State.FAILED, "lost")  # its place stands in the settings no more
        self._clean()

    @property
    def _all(self) -> dict[str, Executor]:
        return {**self.executors, **self._sites}

    def _learn_sites(self) -> None:
        """Other nodes come and go while this one runs."""
        for site in partners.known_sites():
            if site.name in self._sites:
                self._sites[site.name].site = site
            else:
                self._sites[site.name] = Elsewhere(site)

    def _watch_alive(self, executor: Executor, job: Job, folder: Path) -> None:
        if not executor.is_here:  # the other node watches over its own machines
            if job.state == State.UNCERTAIN:  # it is heard again
                now = State.RUNNING if job.number else State.SUBMITTED
                Job.objects.filter(pk=job.pk, state=State.UNCERTAIN).update(state=now)
            if job.is_cancelled:
                executor.cancel(job.handle, folder)
            return
        limits = runner.Order.of(job.order).limits
        overdue = (clock.now() - (job.started_at or clock.now())).total_seconds() - limits.duration_s
        if not job.is_cancelled and overdue < settings.current().compute_lost_s + limits.duration_s:
            return
        self._cancelled_at.setdefault(job.run_id, time.monotonic())
        # It hears of it by itself; here the ones that have not begun or hear nothing any more are ended.
        is_deaf = time.monotonic() - self._cancelled_at[job.run_id] > _KILL_AFTER_S
        if is_deaf or job.state == State.SUBMITTED:
            executor.cancel(job.handle, folder)

    def _settle_left(self, job: Job, folder: Path) -> bool:
        """Hear the signed result that a wrapper left because control did not answer it."""
        try:
            left = json.loads((folder / runner.RESULT_FILE).read_text("utf-8"))
            heard = hearing.hear(job.run_id, left["body"].encode(), left["signature"])
            hearing.answer(heard)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return False
        except TsunaguError as error:
            logger.warning("result_refused", extra={"run": job.run_id, "code": error.code})
            return False
        return True

    @staticmethod
    def _rescue(executor: Executor, job: Job, folder: Path) -> bool:
        """Have a new wrapper deliver, once, what people wrote to a server whose wrapper died with its machine."""
        order = runner.Order.of(job.order)
        if not order.serves or job.is_cancelled or not (folder / runner.OUT_FOLDER).is_dir():
            return False
        try:
            (folder / "rescued").touch(exist_ok=False)
        except FileExistsError:
            return False
        submission = Submission(job.run_id, folder / "job.json", folder, order.limits, job.actor_name)
        Job.objects.filter(pk=job.pk).update(handle=executor.submit(submission), heard_at=clock.now())
        return True

    def _doubt_silence(self, executor: Executor, job: Job, folder: Path) -> None:
        """Another node does not answer: that says nothing about the job, whose wrapper may speak all the while."""
        silent_s = (clock.now() - (job.heard_at or job.asked_at)).total_seconds()
        node = settings.current()
        if job.is_cancelled:
            executor.cancel(job.handle, folder)
        if job.state != State.UNCERTAIN:
            if silent_s > _SILENT_S:
                same = Job.objects.filter(pk=job.pk, state=job.state, number=job.number)
                same.update(state=State.UNCERTAIN)
        elif silent_s > (node.compute_lost_s if job.is_cancelled else node.compute_site_lost_s):
            self._close(job.run_id, State.CANCELLED if job.is_cancelled else State.FAILED, "lost")

    def _doubt(self, executor: Executor, job: Job, folder: Path) -> None:
        silent_s = (clock.now() - (job.heard_at or job.asked_at)).total_seconds()
        # The row that was read may be older than the wrapper's last word.
        same = Job.objects.filter(pk=job.pk, state=job.state, number=job.number)
        if job.is_cancelled and job.number == 0:
            with transaction.atomic():
                held = same.select_for_update().first()
                if held is not None:  # it never began
                    close(held, State.CANCELLED, "cancelled")
        elif job.state != State.UNCERTAIN:
            code, facts = executor.explain(job.handle, folder)
            same.update(state=State.UNCERTAIN, code="" if code == "lost" else code, facts=facts)
            logger.warning("job_vanished", extra={"run": job.run_id, "code": code})
        elif silent_s > settings.current().compute_lost_s:
            state = State.CANCELLED if job.is_cancelled else State.FAILED
            self._close(job.run_id, state, job.code or "lost", job.facts)

    def _close(self, run_id: str, state: State, code: str, facts: dict[str, str] | None = None) -> None:
        with transaction.atomic():
            held = Job.objects.select_for_update().get(pk=run_id)
            if not State(held.state).is_over:
                close(held, state, code, facts)

    def _executor(self, job: Job) -> Executor:
        return self._all[job.executor]

    def _folder(self, job: Job) -> Path:
        return self._executor(job).root(is_sealed=job.is_sealed) / job.run_id

    def _clean(self) -> None:
        """Remove the folders of jobs that are over."""
        for root in self._roots():
            names = [place.name for place in root.iterdir()] if root.is_dir() else []
            open_ones = set(Job.objects.filter(pk__in=names, ended_at=None).values_list("pk", flat=True))
            for name in names:
                if name not in open_ones and not runner.is_alive(root / name):
                    runner.remove(root / name)
                    self._cancelled_at.pop(name, None)
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
