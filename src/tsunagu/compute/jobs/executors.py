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

    def problem(self) -> str:
        """Whether walls can be built here."""
        return runner.problem()

    def submit(self, submission: Submission) -> str:
        """Start the wrapper in a session of its own, so that it outlives a supervisor that is killed."""
        with (submission.folder / "wrapper.log").open("ab") as said:
            child = subprocess.Popen(  # noqa: S603
                submission.command,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env=wrapper_environment(),
                start_new_session=True,
            )
        self._children[str(child.pid)] = child
        return str(child.pid)

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
