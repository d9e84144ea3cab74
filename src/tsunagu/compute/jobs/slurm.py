"""Wrappers as batch jobs of a Slurm cluster, by its own commands. Why not PSI/J: docs/adr/0053-jobs-on-slurm.md.

Slurm is told what to start and asked, now and then and for all jobs at once, what it still knows; that a job is gone
there says nothing about its end. Nothing of the node's environment goes along: neither to sbatch nor with the job.
"""

from __future__ import annotations

import logging
import math
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tsunagu.compute.jobs.errors import ExecutorAwayError, NoExecutorError
from tsunagu.compute.jobs.executors import Executor, Sight, Submission, Wait, wrapper_environment
from tsunagu.compute.jobs.slurm_waits import FORMAT, WAITING, Row, rows_of
from tsunagu.compute.runner import api as runner
from tsunagu.core import clock
from tsunagu.core.settings import Settings

logger = logging.getLogger(__name__)

_WRAPPER_BYTES = 256 << 20  # the wrapper itself, beside what it runs
_AROUND_S = 1800  # fetching inputs and delivering outputs
_WARN_S = 60  # between Slurm's SIGTERM and the end of its time limit
_ASK_S, _SUBMIT_S = 5.0, 20.0
_CANCEL_AGAIN_S = 10.0
_NO_FOLDER = 66
_NOTE = "claimed"  # a folder, so that making it tells the first wrapper from a second one of the same job
_ENDED = frozenset(
    {"BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED",
     "REVOKED", "TIMEOUT"}
)  # fmt: skip
_CODES = {
    "CANCELLED": "scheduler_cancelled",
    "TIMEOUT": "scheduler_time",
    "DEADLINE": "scheduler_time",
    "OUT_OF_MEMORY": "scheduler_memory",
    "PREEMPTED": "scheduler_preempted",
    "NODE_FAIL": "scheduler_node",
    "BOOT_FAIL": "scheduler_node",
}
_SCRIPT = """\
#!/bin/sh
umask 077
shift "${{SLURM_ARRAY_TASK_ID:-0}}"
cd {root}/"$1" || exit {no_folder}
if ! mkdir {note}; then
  [ -d {note} ] && exit 0
  exit {no_folder}
fi
echo "${{SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}}${{SLURM_ARRAY_TASK_ID:+_$SLURM_ARRAY_TASK_ID}}" > {note}/handle
exec >> wrapper.log 2>&1
exec env -i {variables} SLURM_JOB_ID="$SLURM_JOB_ID" {python} {flags} -m tsunagu.compute.runner {root}/"$1"/job.json
"""


class Slurm(Executor):
    """A cluster that shares a folder with this machine and whose computers reach control.

    Args:
        node: The node's settings; those whose names begin with ``slurm_``.
    """

    ends_with_node = False

    def __init__(self, node: Settings) -> None:
        self._node = node
        self.slots = node.slurm_slots
        self._known: dict[str, Row] | None = None
        self._asked_at, self._asked_when = -math.inf, clock.now()
        self._handed_at: dict[str, float] = {}
        self._cancelled_at: dict[str, float] = {}

    @property
    def control(self) -> str:
        """Where the cluster's computers reach control."""
        return str(self._node.slurm_control_url or self._node.control_address)

    def root(self, *, is_sealed: bool) -> Path:
        """The shared folder."""
        if is_sealed and not self._node.slurm_folder_in_memory:
            raise NoExecutorError("The folder shared with Slurm is not in memory, and an input is sealed.")
        return Path(self._node.slurm_folder) / "jobs"

    def booked(self, limits: runner.Limits) -> Mapping[str, Any]:
        """What sbatch asks for: room for the wrapper, and time to fetch and to deliver."""
        return {
            "scheduler": "Slurm",
            "partition": self._node.slurm_partition,
            "cores": limits.cores,
            "memory_bytes": limits.memory_bytes + _WRAPPER_BYTES,
            "duration_s": math.ceil((limits.duration_s + _AROUND_S) / 60) * 60,
        }

    def problem(self) -> str:
        """Whether the shared folder can be written to and the controller answers."""
        if not Path(self._node.slurm_conf).is_file():  # Slurm's commands would look for a minute
            return f"there is no {self._node.slurm_conf}; the setting slurm_conf names it."
        try:
            self.root(is_sealed=False).mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            return f"the folder shared with Slurm cannot be used: {error}"
        try:
            self._ask("scontrol", "ping")
        except (NoExecutorError, ExecutorAwayError) as error:
            return error.message
        return ""

    def prepare(self) -> None:
        """Nothing makes a scheduler quicker."""

    def submit(self, submission: Submission) -> str:
        """Queue one batch job."""
        return self._submit([submission])[0]

    def submit_array(self, submissions: Sequence[Submission]) -> list[str]:
        """Queue one array of batch jobs."""
        return self._submit(submissions)

    def _submit(self, submissions: Sequence[Submission]) -> list[str]:
        limits, runs = submissions[0].limits, [one.run for one in submissions]
        booked, node = self.booked(limits), self._node
        options = [*node.slurm_options]
        options += [f"--partition={node.slurm_partition}"] if node.slurm_partition else []
        options += [f"--account={node.slurm_account}"] if node.slurm_account else []
        options += [f"--array=0-{len(runs) - 1}"] if len(runs) > 1 else []
        # Of two equal options the last one counts: the node's own may add to these and not undo them.
        options += [
            f"--job-name=tsunagu-{runs[0]}",
            # Of the three variables that sbatch itself gets (_ask). With NONE Slurm would first ask a login shell of the user
            # for its environment, for a second or more, and hold the job where that fails; the wrapper would get none of it.
            "--export=ALL",
            "--chdir=/",
            "--input=/dev/null",
            "--output=/dev/null",  # the script writes beside the job; where this cannot be opened Slurm says nothing
            "--open-mode=append",
            "--nodes=1",
            "--ntasks=1",
            f"--cpus-per-task={limits.cores}",
            f"--mem={math.ceil(booked['memory_bytes'] / (1 << 20))}M",
            f"--time={booked['duration_s'] // 60}",
            f"--signal=B:TERM@{_WARN_S}",
            "--no-requeue",  # a second wrapper of the same run would find the first one's traces
        ]
        began = time.monotonic()
        try:
            said = self._ask(
                "sbatch", "--parsable", *options, patience_s=_SUBMIT_S, script=self._script(runs)
            )
        except NoExecutorError as error:
            if why := self.problem():
                raise ExecutorAwayError(why) from error
            raise
        number = said.strip().partition(";")[0]
        if not number.isdigit():
            raise NoExecutorError(f"sbatch answered {said[:200]!r}.")
        handles = [f"{number}_{n}" for n in range(len(runs))] if len(runs) > 1 else [number]
        self._handed_at.update(dict.fromkeys(handles, began))
        return handles

    def _script(self, runs: Sequence[str]) -> str:
        node = self._node
        environment = dict(wrapper_environment())
        if node.slurm_python:  # its own packages, at its own places
            del environment["PYTHONPATH"]
        script = _SCRIPT.format(
            root=shlex.quote(str(self.root(is_sealed=bool(node.slurm_folder_in_memory)))),
            no_folder=_NO_FOLDER,
            note=_NOTE,
            variables=" ".join(f"{name}={shlex.quote(value)}" for name, value in environment.items()),
            python=shlex.quote(node.slurm_python or sys.executable),
            # Nothing is imported from the job's folder. The node's own Python is told where everything lies, and need not
            # look for it.
            flags="-P" if node.slurm_python else "-P -S",
        )
        head, _newline, rest = script.partition("\n")
        return f"{head}\nset -- {' '.join(runs)}\n{rest}"

    def cancel(self, handle: str, folder: Path) -> None:
        """Take it out of the queue, or SIGTERM and, after Slurm's own patience, SIGKILL.

        Without ``--state``, with which scancel of Slurm 22.05 takes all waiting tasks of an array for the one it is given.
        """
        handle = handle or _noted(folder)
        if not handle or time.monotonic() < self._cancelled_at.get(handle, -math.inf) + _CANCEL_AGAIN_S:
            return
        self._cancelled_at[handle] = time.monotonic()
        try:
            self._ask("scancel", handle)
        except (NoExecutorError, ExecutorAwayError) as error:
            logger.warning("scancel_failed", extra={"why": error.message})
        self._asked_at = -math.inf  # what it knows has changed

    def look(self, handle: str, folder: Path) -> Sight:
        """By one listing for all jobs, which is asked for rarely. While Slurm is away nobody is gone."""
        handle = handle or _noted(folder)
        if not handle:
            return "gone"
        if time.monotonic() > self._asked_at + self._node.slurm_poll_s:
            self._list()
        if (
            self._known is None
            or handle in self._known
            or self._handed_at.get(handle, -math.inf) >= self._asked_at
        ):
            return "alive"
        return "gone"

    def waits_for(self, handle: str, folder: Path) -> Wait | None:
        """By the listing that ``look`` asked for."""
        row = (self._known or {}).get(handle or _noted(folder))
        return row.wait(self._asked_when) if row is not None else None

    def _list(self) -> None:
        self._asked_at, self._asked_when = time.monotonic(), clock.now()
        try:
            said = self._ask("squeue", "--me", "--noheader", "--array", "--states=all", f"--format={FORMAT}")
        except (NoExecutorError, ExecutorAwayError) as error:
            logger.warning("squeue_failed", extra={"why": error.message})
            self._known = None
            return
        self._known = {number: row for number, row in rows_of(said).items() if row.state not in _ENDED}
        self._handed_at = {one: at for one, at in self._handed_at.items() if at >= self._asked_at}

    def explain(self, handle: str, folder: Path) -> tuple[str, dict[str, str]]:
        """In which state Slurm has it, from the controller or from its accounts.

        One that Slurm took back into its queue after it had begun is taken out there, so that it is not begun again.
        """
        handle = handle or _noted(folder)
        state = exit_code = told = ""
        for command in (
            ("scontrol", "--oneliner", "show", "job", handle),
            ("sacct", "--noheader", "--parsable2", "--allocations", f"--jobs={handle}", "--format=State,ExitCode"),
        ):  # fmt: skip
            try:
                told = self._ask(*command)
                state, exit_code = _told(told)
            except (NoExecutorError, ExecutorAwayError, OSError):
                continue  # it has forgotten the job, or keeps no accounts
            if state:
                break
        facts = {"place": "Slurm", "said": f"{state}, exit code {exit_code}" if exit_code else state}
        if state in WAITING and (again := re.search(r"\bRestarts=([1-9]\d*)\b", told)):
            self.cancel(handle, folder)
            return "scheduler_requeued", {"place": "Slurm", "said": f"{state}, restarts {again[1]}"}
        if state in _CODES:
            return _CODES[state], facts
        if exit_code.startswith(f"{_NO_FOLDER}:"):
            return "scheduler_folder", facts
        return ("scheduler_failed", facts) if state == "FAILED" else ("lost", {})

    def _ask(self, program: str, *arguments: str, patience_s: float = _ASK_S, script: str = "") -> str:
        """What a command of Slurm prints.

        Raises:
            NoExecutorError: it says no, or is not installed.
            ExecutorAwayError: it takes too long.
        """
        environment = {"PATH": os.defpath, "LANG": "C.UTF-8", "SLURM_CONF": self._node.slurm_conf}
        if program == "squeue":  # it prints times without their zone
            environment["TZ"] = "UTC0"
        try:
            done = subprocess.run(  # noqa: S603
                [program, *arguments],
                env=environment, input=script, capture_output=True, text=True, errors="replace",
                timeout=patience_s, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise ExecutorAwayError(f"Slurm does not answer ({program}).") from None
        except OSError as error:
            raise NoExecutorError(f"{program} cannot be started: {error}") from None
        if done.returncode:
            said = (done.stderr or done.stdout).strip().replace("\n", "; ")
            raise NoExecutorError(f"{program}: {said[-300:]}")
        return done.stdout


def _noted(folder: Path) -> str:
    """The handle that a script left: of a job that was handed over just when the supervisor was killed."""
    try:
        said = (folder / _NOTE / "handle").read_text("utf-8").strip()
    except OSError:
        return ""
    return said if re.fullmatch(r"\d+(_\d+)?", said) else ""


def _told(said: str) -> tuple[str, str]:
    """State and exit code from what scontrol or sacct prints."""
    if found := re.search(r"\bJobState=(\w+).*?\bExitCode=(\d+:\d+)", said):
        return found[1], found[2]
    state, _bar, exit_code = said.strip().partition("\n")[0].partition("|")
    return state.partition(" ")[0], exit_code
