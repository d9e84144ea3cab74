"""The computers of another node as a place for jobs: asked by signed messages, in a thread of its own.

What is known lies in the job's folder, so the supervisor may be killed at any moment: ``asked.json`` is what the other
node is asked to run, ``taken.json`` that it said yes, ``result.json`` the wrapper's signed result that it kept.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tsunagu.compute.jobs.executors import Ending, Executor, Sight, Submission
from tsunagu.compute.jobs.reasons import SENTENCES
from tsunagu.compute.jobs.types import State
from tsunagu.compute.partners import api as partners
from tsunagu.compute.runner import api as runner

logger = logging.getLogger(__name__)

_ASKED, _TAKEN = "asked.json", "taken.json"
_ASK_EVERY_S, _ASK_SLOWLY_S = 1.0, 5.0
_SILENT_AFTER_S = 20.0
_MOST_AT_ONCE = 200


@dataclass(slots=True)
class _Job:
    """What is known of one job."""

    folder: Path
    seen: Sight = "unknown"
    ending: Ending | None = None
    is_cancelled: bool = False
    is_told: bool = False
    heard_at: float = 0.0

    @property
    def is_taken(self) -> bool:
        return (self.folder / _TAKEN).exists()


class Elsewhere(Executor):
    """The executor of a site; the supervisor calls it and never waits for the other node.

    Args:
        site: The other node.
    """

    slots = _MOST_AT_ONCE
    is_here = False
    answers_at_once = True
    ends_with_node = False

    def __init__(self, site: partners.SiteCard) -> None:
        self.site = site
        self._jobs: dict[str, _Job] = {}
        self._guard = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def problem(self) -> str:
        """Whether runs may go there; one that does not answer is waited for."""
        return ""

    def prepare(self) -> None:
        """Nothing makes the next start quicker."""

    def submit(self, submission: Submission) -> str:
        """Write down what is asked; the thread asks."""
        asked = {"limits": asdict(submission.limits), "asker": submission.asker, "lock": submission.lock}
        _write(submission.folder / _ASKED, asked)
        self._follow(submission.run, submission.folder)
        return submission.run

    def cancel(self, handle: str, folder: Path) -> None:
        """Have the other node told."""
        job = self._follow(handle, folder)
        if not job.is_cancelled:
            job.is_cancelled = True
            self._wake.set()

    def look(self, handle: str, folder: Path) -> Sight:
        """What the other node said last; ``unknown`` when it has not answered for a while."""
        job = self._follow(handle, folder)
        is_silent = job.seen == "alive" and time.monotonic() - job.heard_at > _SILENT_AFTER_S
        return "unknown" if is_silent else job.seen

    def ending(self, handle: str, folder: Path) -> Ending | None:
        """What the other node says of a job that will never have a result."""
        return self._follow(handle, folder).ending

    # The thread

    def _follow(self, run: str, folder: Path) -> _Job:
        with self._guard:
            job = self._jobs.setdefault(run, _Job(folder))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=f"site-{self.site.name}", daemon=True)
                self._thread.start()
        return job

    def _run(self) -> None:
        while True:
            with self._guard:
                # The supervisor removes the folders of jobs that are over.
                self._jobs = {run: job for run, job in self._jobs.items() if job.folder.exists()}
                jobs = dict(self._jobs)
                if not jobs:
                    self._thread = None
                    return
            wait_s = _ASK_EVERY_S
            try:
                self._ask(jobs)
            except partners.SiteSilentError as error:
                logger.warning("site_silent", extra={"site": self.site.name, "why": error.message})
                wait_s = _ASK_SLOWLY_S
            except Exception:
                logger.exception("site_not_asked", extra={"site": self.site.name})
                wait_s = _ASK_SLOWLY_S
            self._wake.wait(wait_s)
            self._wake.clear()

    def _ask(self, jobs: dict[str, _Job]) -> None:
        for run, job in jobs.items():
            if job.seen != "gone" and not job.is_taken:
                self._hand_over(run, job)
        taken = {run: job for run, job in jobs.items() if job.is_taken and job.seen != "gone"}
        for run, job in taken.items():
            if job.is_cancelled and not job.is_told:
                partners.ask(self.site, "cancel", run=run)
                job.is_told = True
        if taken:
            said = partners.ask(self.site, "look", runs=sorted(taken)).get("runs", {})
            for run, job in taken.items():
                _note(job, said.get(run))

    def _hand_over(self, run: str, job: _Job) -> None:
        if job.is_cancelled:
            job.ending, job.seen = Ending(State.CANCELLED, "cancelled"), "gone"
            return
        if not self.site.is_open:
            job.ending = Ending(State.FAILED, "not_accepted", {"why": "the agreement with it has ended"})
            job.seen = "gone"
            return
        asked = json.loads((job.folder / _ASKED).read_text("utf-8"))
        secret = runner.JobFile.read(job.folder / "job.json").secret
        try:
            # Asking twice changes nothing there, so a lost answer is no harm.
            answer = partners.ask(self.site, "run", run=run, secret=secret, **asked)
        except partners.NotOfferedError as error:
            why = " ".join(filter(None, (error.message, error.remedy)))
            job.ending, job.seen = Ending(State.FAILED, "not_accepted", {"why": why}), "gone"
            return
        _write(job.folder / _TAKEN, answer)
        job.seen, job.heard_at = "alive", time.monotonic()


def _note(job: _Job, said: Any) -> None:
    """Take down what the other node says of a job. Whatever it says, only a result with the run's secret is a success."""
    if not isinstance(said, dict):
        job.ending, job.seen = Ending(State.FAILED, "lost"), "gone"
        return
    job.heard_at = time.monotonic()
    if not said.get("is_over"):
        job.seen = "unknown" if said.get("state") == State.UNCERTAIN else "alive"
        return
    left = said.get("left")
    if isinstance(left, dict):
        _write(job.folder / runner.RESULT_FILE, left)
    else:
        code = str(said.get("code"))
        state = State.CANCELLED if code == "cancelled" else State.FAILED
        known = code if code in SENTENCES and code != "ok" else "lost"
        job.ending = Ending(state, known, {"why": str(said.get("why", ""))[:500]})
    job.seen = "gone"


def _write(path: Path, content: Any) -> None:
    """At once, or not at all."""
    fresh = path.with_name(f".{path.name}")
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(content), "utf-8")
    fresh.rename(path)
