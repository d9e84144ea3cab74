"""Where jobs run. Every executor starts the same wrapper with the same job file; none is trusted to say how it ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from tsunagu.compute.jobs.errors import BadJobError, NoExecutorError
from tsunagu.compute.runner import api as runner

Sight = Literal["alive", "gone"]


@dataclass(frozen=True, slots=True)
class Submission:
    """A job as an executor gets it: its file, its folder, and what to reserve for it."""

    run: str
    job_file: Path
    folder: Path
    limits: runner.Limits

    @property
    def command(self) -> tuple[str, ...]:
        """What is to be started."""
        return (sys.executable, "-m", "tsunagu.compute.runner", str(self.job_file))


class Executor(Protocol):
    """A place that runs wrappers. It is asked by one process alone, the supervisor.

    Attributes:
        slots: How many jobs may be handed to it at the same time.
    """

    slots: int

    def problem(self) -> str:
        """Why it cannot run anything now; empty when it can."""

    def prepare(self) -> None:
        """Do what makes the next start quick; called now and then when nothing waits."""

    def submit(self, submission: Submission) -> str:
        """Start the wrapper, or queue it; a handle by which the place knows it.

        Raises:
            NoExecutorError: the place refuses.
        """

    def cancel(self, handle: str, folder: Path) -> None:
        """End the wrapper, gently first: it reports what became of the job."""

    def look(self, handle: str, folder: Path) -> Sight:
        """Whether the wrapper waits or runs. ``gone`` says nothing about success: only a signed result does."""


class Sandbox:
    """Wrappers as children of the supervisor on this machine.

    Args:
        slots: How many at the same time.
    """

    def __init__(self, slots: int) -> None:
        self.slots = slots
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
        if self._spare is None or self._spare.poll() is not None:
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


NAMES = ("sandbox",)


def require(name: str) -> None:
    """Go on only with an executor that exists and, where that is known at once, works.

    Raises:
        BadJobError: there is none of that name.
        NoExecutorError: it does not work.
    """
    if name not in NAMES:
        raise BadJobError(
            f"There is no place named {name[:40]!r} to run jobs.", remedy=f"Use one of: {', '.join(NAMES)}."
        )
    if name == "sandbox" and (why := runner.problem()):
        raise NoExecutorError(
            f"This node cannot wall jobs in, so it runs none: {why}",
            remedy="Have its administrator install bubblewrap and allow user namespaces; tsunagu check says more.",
        )
