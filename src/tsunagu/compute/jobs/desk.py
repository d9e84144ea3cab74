"""One place where jobs run: hands it what waits for it, watches what it was handed, settles what vanished there."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.db import OperationalError, close_old_connections, connections, transaction
from django.db.models import Max, Min

from tsunagu.compute.environments import api as environments
from tsunagu.compute.jobs import hearing
from tsunagu.compute.jobs.errors import ExecutorAwayError, NoExecutorError
from tsunagu.compute.jobs.executors import Executor, Sight, Submission, TakesArrays, TellsWaits, Wait
from tsunagu.compute.jobs.models import Job
from tsunagu.compute.jobs.settling import close
from tsunagu.compute.jobs.types import State
from tsunagu.compute.runner import api as runner
from tsunagu.core import clock, settings
from tsunagu.core.errors import TsunaguError

logger = logging.getLogger(__name__)

_CLAIM_AGAIN_S = 0.25
_WATCH_EVERY_S = 0.5
_ASK_AGAIN_S = 10.0  # an executor that had a problem
_KILL_AFTER_S = 15.0
_SILENT_S = 10.0  # of a wrapper that beats every two
_MOST_TOGETHER = 500
_EXPLAIN_EVERY_S, _EXPLAIN_FOR_S, _MOST_EXPLAINED = 5.0, 120.0, 20
# What a place may know of a wrapper that was told to stop. That its batch job failed is no news then.
_WHO_STOPPED = frozenset(
    {"scheduler_cancelled", "scheduler_node", "scheduler_preempted", "scheduler_requeued", "scheduler_time"}
)


class Desk:
    """Everything that it knows is in the database and in the jobs' folders, so it may be killed at any moment.

    Args:
        name: Of the place.
        executor: What runs jobs there; asked by one thread alone.

    Attributes:
        failure: What ended ``serve``, where that was a mistake.
        rung: Set when there may be something to hand over.
    """

    def __init__(self, name: str, executor: Executor) -> None:
        self.name, self.executor = name, executor
        self.rung = threading.Event()
        self.failure: BaseException | None = None
        self._asked_at, self._said = 0.0, "?"
        self._cancelled_at: dict[str, float] = {}
        self._next_watch = self._next_claim = self._next_explain = 0.0
        self._watched: set[str] = set()
        self._stopped: dict[str, float] = {}

    def serve(self, stop: threading.Event) -> None:
        """Turn after turn, in a thread of its own."""
        try:
            while not stop.is_set():
                try:
                    self.turn()
                except OperationalError:
                    logger.warning("database_busy", exc_info=True)
                    close_old_connections()
                if self.rung.wait(_WATCH_EVERY_S):
                    self.rung.clear()
                    self.hurry()
        except BaseException as error:  # noqa: BLE001 - the loop that started this raises it
            self.failure = error
        finally:
            connections.close_all()

    def hurry(self) -> None:
        """Something may be there to hand over: look at the next turn."""
        self._next_claim = 0.0

    def turn(self) -> None:
        """Hand over and watch, each when it is time; somebody waits for the first."""
        waiting = Job.objects.filter(state=State.QUEUED, executor=self.name)
        if time.monotonic() >= self._next_claim and waiting.exists():
            # What waits for a place or an environment need not be asked after ten times a second.
            self._next_claim = 0.0 if self.claim() else time.monotonic() + _CLAIM_AGAIN_S
        if time.monotonic() >= self._next_watch:
            self.watch()
            if not Job.objects.filter(state=State.QUEUED).exists() and not self._problem():
                self.executor.prepare()
            self._next_watch = time.monotonic() + _WATCH_EVERY_S

    # Handing over

    def claim(self) -> int:
        """Start what can be started; how many."""
        if self._problem():
            return 0
        started = 0
        handed = (State.SUBMITTED, State.RUNNING)
        room = self.executor.slots - Job.objects.filter(state__in=handed, executor=self.name).count()
        while room > 0 and not self._said and (job := self._next()) is not None:
            together = self._together(self.executor, job, room)
            room -= len(together)
            started += self._start(together)
        return started

    @staticmethod
    def _together(executor: Executor, job: Job, room: int) -> list[Job]:
        """A job, and what else of its array can be handed over with it."""
        if not job.array_id or not isinstance(executor, TakesArrays):
            return [job]
        waiting = Job.objects.filter(state=State.QUEUED, array_id=job.array_id)
        return list(waiting.order_by("pk")[: min(room, _MOST_TOGETHER)])

    def _next(self) -> Job | None:
        """The oldest job of the project that was served longest ago: nobody's hundred jobs keep another's one away."""
        waiting = Job.objects.filter(state=State.QUEUED, executor=self.name)
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
        if not job.environment_hash or not self.executor.is_here:
            return True
        state, why = environments.state_of(job.environment_hash)
        if state == "failed":
            with transaction.atomic():
                held = Job.objects.select_for_update().get(pk=job.pk)
                if held.state == State.QUEUED:
                    close(held, State.FAILED, "no_environment", {"why": why})
        return state == "ready"

    def _start(self, jobs: Sequence[Job]) -> int:
        """Hand jobs of one array, or one job, to where they shall run; how many were."""
        submissions = [made for job in jobs if (made := self._claimed(job)) is not None]
        if not submissions:
            return 0
        try:
            if len(submissions) > 1 and isinstance(self.executor, TakesArrays):
                handles = self.executor.submit_array(submissions)
            else:
                handles = [self.executor.submit(one) for one in submissions]
        except ExecutorAwayError as error:
            logger.warning("executor_away", extra={"why": str(error)})
            self._asked_at, self._said = time.monotonic(), error.message
            for one in submissions:
                self._put_back(one.run)
            return 0
        except (NoExecutorError, OSError) as error:
            logger.exception("job_not_started", extra={"run": submissions[0].run})
            for one in submissions:
                close_open(one.run, State.FAILED, "machine_failed", {"why": str(error)})
            return 0
        for one, handle in zip(submissions, handles, strict=True):
            Job.objects.filter(pk=one.run).update(handle=handle)
        return len(submissions)

    def _claimed(self, job: Job) -> Submission | None:
        """Take a job out of the queue and write its files; None when it is not there any more."""
        now = clock.now()
        claimed = Job.objects.filter(pk=job.pk, state=State.QUEUED)
        if not claimed.update(state=State.SUBMITTED, handed_at=now, heard_at=now):
            return None
        limits = runner.Order.of(job.order).limits
        if job.environment_hash:
            environments.used(job.environment_hash)
        try:
            folder = self.executor.root(is_sealed=job.is_sealed) / job.run_id
            runner.remove(folder)
            job_file = runner.JobFile(
                control=self.executor.control,
                run=job.run_id,
                secret=hearing.secret_of(job.run_id),
                folder=str(folder),
                environment=str(environments.folder_of(job.environment_hash)) if job.environment_hash else "",
                booked=self.executor.booked(limits),
            ).write()
        except (NoExecutorError, OSError) as error:
            logger.exception("job_not_started", extra={"run": job.run_id})
            close_open(job.run_id, State.FAILED, "machine_failed", {"why": str(error)})
            return None
        is_built_there = job.environment_hash and not self.executor.is_here
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
                held.state, held.handed_at, held.waiting = State.QUEUED, None, {}
                held.save(update_fields=["state", "handed_at", "waiting"])

    def _problem(self) -> str:
        # Asking costs a process: once is enough while it works, and now and then while it does not.
        if self._said == "" or time.monotonic() < self._asked_at + _ASK_AGAIN_S:
            return self._said
        said = self.executor.problem()
        self._asked_at, self._said = time.monotonic(), said
        return said

    # Watching

    def watch(self) -> None:
        """Look at every job that was handed over: cancel, notice the dead, settle what they left."""
        handed = Job.objects.filter(
            executor=self.name, state__in=(State.SUBMITTED, State.RUNNING, State.UNCERTAIN)
        )
        present = set()
        for job in handed:
            present.add(job.run_id)
            folder = self._folder(job)
            seen = self._look(job, folder)
            if seen == "alive":
                self._watch_alive(job, folder)
            elif seen == "unknown":
                self._doubt_silence(job, folder)
            elif not self._settle_left(job, folder) and not self._rescue(job, folder):
                if (ending := self.executor.ending(job.handle, folder)) is not None:
                    close_open(job.run_id, ending.state, ending.code, dict(ending.facts))
                else:
                    self._doubt(job, folder)
        self._cancelled_at = {run: at for run, at in self._cancelled_at.items() if run in present}
        if not self.executor.ends_with_node and self.executor.is_here:
            self._explain_stops(self._watched - present)
        self._watched = present

    def _look(self, job: Job, folder: Path) -> Sight:
        """What the place sees; what began once and waits there again, as after a preemption, is gone all the same."""
        seen = self.executor.look(job.handle, folder)
        if seen != "alive" or not isinstance(self.executor, TellsWaits):
            return seen
        wait = self.executor.waits_for(job.handle, folder)
        if job.started_at is None:
            self._note(job, wait)
            return seen
        # The answer of a place that was asked before the wrapper spoke is only old.
        return "gone" if wait is not None and wait.asked_at > job.started_at else seen

    @staticmethod
    def _note(job: Job, wait: Wait | None) -> None:
        """Keep why a job waits: those who show it are other processes."""
        waiting: dict[str, Any] = {}
        if wait is not None:
            begins_at = clock.isoformat(wait.begins_at) if wait.begins_at else None
            waiting = {"code": wait.code, "facts": dict(wait.facts), "begins_at": begins_at}
        if waiting != job.waiting:
            Job.objects.filter(pk=job.pk, state=State.SUBMITTED).update(waiting=waiting)

    def stop(self) -> None:
        """The node stops: tell the wrappers that end with it."""
        if not self.executor.ends_with_node:
            return
        for job in Job.objects.filter(executor=self.name, state__in=(State.SUBMITTED, State.RUNNING)):
            self.executor.cancel(job.handle, self._folder(job))

    def _watch_alive(self, job: Job, folder: Path) -> None:
        if not self.executor.is_here:  # the other node watches over its own machines
            if job.state == State.UNCERTAIN:  # it is heard again
                now = State.RUNNING if job.number else State.SUBMITTED
                Job.objects.filter(pk=job.pk, state=State.UNCERTAIN).update(state=now)
            if job.is_cancelled:
                self.executor.cancel(job.handle, folder)
            return
        limits = runner.Order.of(job.order).limits
        overdue = (clock.now() - (job.started_at or clock.now())).total_seconds() - limits.duration_s
        if not job.is_cancelled and overdue < settings.current().compute_lost_s + limits.duration_s:
            return
        self._cancelled_at.setdefault(job.run_id, time.monotonic())
        # It hears of it by itself; here the ones that have not begun or hear nothing any more are ended.
        is_deaf = time.monotonic() - self._cancelled_at[job.run_id] > _KILL_AFTER_S
        if is_deaf or job.state == State.SUBMITTED:
            self.executor.cancel(job.handle, folder)

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

    def _rescue(self, job: Job, folder: Path) -> bool:
        """Have a new wrapper deliver, once, what people wrote to a server whose wrapper died with its machine."""
        order = runner.Order.of(job.order)
        if not order.serves or job.is_cancelled or not (folder / runner.OUT_FOLDER).is_dir():
            return False
        try:
            (folder / "rescued").touch(exist_ok=False)
        except FileExistsError:
            return False
        submission = Submission(job.run_id, folder / "job.json", folder, order.limits, job.actor_name)
        Job.objects.filter(pk=job.pk).update(handle=self.executor.submit(submission), heard_at=clock.now())
        return True

    def _doubt_silence(self, job: Job, folder: Path) -> None:
        """Another node does not answer: that says nothing about the job, whose wrapper may speak all the while."""
        silent_s = (clock.now() - (job.heard_at or job.asked_at)).total_seconds()
        node = settings.current()
        if job.is_cancelled:
            self.executor.cancel(job.handle, folder)
        if job.state != State.UNCERTAIN:
            if silent_s > _SILENT_S:
                same = Job.objects.filter(pk=job.pk, state=job.state, number=job.number)
                same.update(state=State.UNCERTAIN)
        elif silent_s > (node.compute_lost_s if job.is_cancelled else node.compute_site_lost_s):
            close_open(job.run_id, State.CANCELLED if job.is_cancelled else State.FAILED, "lost")

    def _doubt(self, job: Job, folder: Path) -> None:
        silent_s = (clock.now() - (job.heard_at or job.asked_at)).total_seconds()
        # The row that was read may be older than the wrapper's last word.
        same = Job.objects.filter(pk=job.pk, state=job.state, number=job.number)
        if job.is_cancelled and job.number == 0:
            with transaction.atomic():
                held = same.select_for_update().first()
                if held is not None:  # it never began
                    close(held, State.CANCELLED, "cancelled")
        elif job.state != State.UNCERTAIN:
            code, facts = self.executor.explain(job.handle, folder)
            same.update(state=State.UNCERTAIN, code="" if code == "lost" else code, facts=facts)
            logger.warning("job_vanished", extra={"run": job.run_id, "code": code})
        elif silent_s > settings.current().compute_lost_s:
            state = State.CANCELLED if job.is_cancelled else State.FAILED
            close_open(job.run_id, state, job.code or "lost", job.facts)

    def _explain_stops(self, ended: set[str]) -> None:
        """Say who stopped a run: its wrapper only heard SIGTERM, its place knows that it was preempted, for example.

        The place may know it only after it has cleaned up. The record of the run keeps what the wrapper signed.
        """
        now = time.monotonic()
        self._stopped.update(dict.fromkeys(ended, now + _EXPLAIN_FOR_S))
        if not self._stopped or now < self._next_explain:
            return
        self._next_explain = now + _EXPLAIN_EVERY_S
        self._stopped = {run: until for run, until in self._stopped.items() if until > now}
        stopped = list(Job.objects.filter(pk__in=self._stopped, state=State.FAILED, code="stopped"))
        self._stopped = {job.pk: self._stopped[job.pk] for job in stopped}
        for job in stopped[:_MOST_EXPLAINED]:
            code, facts = self.executor.explain(job.handle, self._folder(job))
            if code in _WHO_STOPPED:
                Job.objects.filter(pk=job.pk, code="stopped").update(code=code, facts=facts)
                del self._stopped[job.pk]

    def _folder(self, job: Job) -> Path:
        return self.executor.root(is_sealed=job.is_sealed) / job.run_id


def close_open(run_id: str, state: State, code: str, facts: dict[str, str] | None = None) -> None:
    """End a job that has not ended."""
    with transaction.atomic():
        held = Job.objects.select_for_update().get(pk=run_id)
        if not State(held.state).is_over:
            close(held, state, code, facts)
