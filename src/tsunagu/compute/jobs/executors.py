"""Where jobs run. Every executor starts the same wrapper with the same job file; none is trusted to say how it ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from tsunagu.compute.jobs import folders
from tsunagu.compute.jobs.errors import NoExecutorError
from tsunagu.compute.jobs.types import State
from tsunagu.compute.runner import api as runner
from tsunagu.core import settings

Sight = Literal["alive", "gone", "unknown"]


@dataclass(frozen=True, slots=True)
class Ending:
    """That a job ended without a result, in the word of the place itself; never a success."""

    state: State
    code: str
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wait:
    """Why a place has not begun a job.

    Attributes:
        code: Of ``reasons.WAITS``; ``facts`` fill its sentence, ``said`` among them is the place's own word.
        begins_at: When the place expects to begin it, as far as it says.
        asked_at: When the place was asked.
    """

    code: str
    facts: Mapping[str, str]
    begins_at: datetime | None
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Submission:
    """A job as an executor gets it: its file, its folder, and what to reserve for it."""

    run: str
    job_file: Path
    folder: Path
    limits: runner.Limits
    asker: str = ""
    lock: str = ""


class Executor(Protocol):
    """A place that runs wrappers. It is asked by one thread alone, of the supervisor.

    Attributes:
        slots: How many jobs may be handed to it at the same time.
        ends_with_node: Whether its wrappers are told to end when the node stops.
        is_here: Whether this node watches over its machines and builds its environments.
        answers_at_once: Whether asking it never waits for another machine.
    """

    slots: int
    ends_with_node: bool = True
    is_here: bool = True
    answers_at_once: bool = False

    @property
    def control(self) -> str:
        """Where its wrappers reach control."""
        node = settings.current()
        return f"http://{node.host}:{node.port}"

    def root(self, *, is_sealed: bool) -> Path:
        """The folder in which jobs get theirs; what is sealed must not lie plain on a disk there.

        Raises:
            NoExecutorError: there is no such folder.
        """
        try:
            return folders.made_in_memory() if is_sealed else folders.on_disk()
        except OSError as error:
            raise NoExecutorError(f"There is no folder in memory for what is sealed: {error}") from None

    def booked(self, limits: runner.Limits) -> Mapping[str, Any]:
        """What a scheduler is asked to keep free; empty where there is none."""
        del limits
        return {}

    def problem(self) -> str:
        """Why it cannot run anything now; empty when it can."""

    def prepare(self) -> None:
        """Do what makes the next start quick; called now and then when nothing waits."""

    def submit(self, submission: Submission) -> str:
        """Start the wrapper, or queue it; a handle by which the place knows it.

        Raises:
            NoExecutorError: the place refuses.
            ExecutorAwayError: it does not answer; the job waits.
        """

    def explain(self, handle: str, folder: Path) -> tuple[str, dict[str, str]]:
        """What the place says about a wrapper that is gone: a code of reasons.py and its facts."""
        del handle, folder
        return "lost", {}

    def cancel(self, handle: str, folder: Path) -> None:
        """End the wrapper, gently first: it reports what became of the job."""

    def look(self, handle: str, folder: Path) -> Sight:
        """Whether the wrapper waits or runs. ``gone`` says nothing about success: only a signed result does."""

    def ending(self, handle: str, folder: Path) -> Ending | None:
        """What the place says of a job that is gone and will never have a result; None where it says nothing."""
        del handle, folder
        return None


@runtime_checkable
class TakesArrays(Protocol):
    """A place that takes many jobs of one array at once."""

    def submit_array(self, submissions: Sequence[Submission]) -> list[str]:
        """Queue wrappers with equal limits; a handle for each.

        Raises:
            NoExecutorError, ExecutorAwayError: as for ``submit``.
        """


@runtime_checkable
class TellsWaits(Protocol):
    """A place that says why a job waits there."""

    def waits_for(self, handle: str, folder: Path) -> Wait | None:
        """What it knew when it was last looked at, without asking again; None: the job does not wait, or nothing is known."""


class Sandbox(Executor):
    """Wrappers as children of the supervisor on this machine.

    Args:
        slots: How many at the same time.
        keeps_spare: Whether one waits loaded for the next job.
    """

    answers_at_once = True

    def __init__(self, slots: int, *, keeps_spare: bool = True) -> None:
        self.slots, self._keeps_spare = slots, keeps_spare
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        # Loaded and waiting for a job: a start from nothing costs more than all the rest of a small job.
        self._spare: subprocess.Popen[bytes] | None = None

    def problem(self) -> str:
        """Whether walls can be built here."""
        return runner.problem()

    def submit(self, submission: Submission) -> str:
        """Give the job to the waiting wrapper, or to a new one, and have the next one wait."""
        kept, self._spare = self._spare, None
        for child in (kept, None):
            chosen = child or self._started()
            assert chosen.stdin is not None
            with contextlib.suppress(BrokenPipeError), chosen.stdin as line:  # the kept one may have died
                line.write(f"{submission.job_file}\n".encode())
                line.flush()
                self._children[str(chosen.pid)] = chosen
                return str(chosen.pid)
        raise NoExecutorError("No wrapper could be started.")

    def prepare(self) -> None:
        """Have a wrapper wait for the next job."""
        if self._keeps_spare and (self._spare is None or self._spare.poll() is not None):
            self._spare = self._started()

    @staticmethod
    def _started() -> subprocess.Popen[bytes]:
        """A wrapper in a session of its own, so that it outlives a supervisor that is killed in the middle of a job."""
        return subprocess.Popen(
            (sys.executable, "-m", "tsunagu.compute.runner", "-"),
            stdin=subprocess.PIPE,
            env=wrapper_environment(),
            start_new_session=True,
        )

    def cancel(self, handle: str, folder: Path) -> None:
        """SIGTERM to the wrapper, whose sandbox dies with it."""
        if self.look(handle, folder) == "alive":
            with contextlib.suppress(ProcessLookupError, ValueError):
                os.kill(int(handle), signal.SIGTERM)

    def look(self, handle: str, folder: Path) -> Sight:
        """By the process number and the start that the wrapper wrote down, so also after a new start of the node."""
        child = self._children.get(handle)
        if child is not None:
            if child.poll() is None:
                return "alive"
            del self._children[handle]
        return "alive" if runner.is_alive(folder) else "gone"


def wrapper_environment() -> Mapping[str, str]:
    """Nothing of the node's environment, which may hold secrets, but where Python finds this program."""
    return {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "HOME": "/nonexistent",
        "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
    }
