"""Jobs on a cluster of Dask workers: each is one task that starts the wrapper and waits for it.

The workers see the folder of the node's jobs under the same path (a shared file system) and have this program installed.
Dask is told where to run and nothing else: how a job ended comes from the wrapper, signed, as everywhere.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from tsunagu.compute.jobs.dask_line import DaskLine
from tsunagu.compute.jobs.errors import ExecutorAwayError, NoExecutorError
from tsunagu.compute.jobs.executors import Executor, Sight, Submission, wrapper_environment
from tsunagu.compute.runner import api as runner

_WAITS = {"released", "waiting", "no-worker", "queued", "processing"}


class DaskCluster(Executor):
    """The cluster of the settings; connected when it is needed, and again when it was lost.

    Args:
        slots: How many jobs may be handed to it at the same time.
    """

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self._line = DaskLine()

    def root(self, *, is_sealed: bool) -> Path:
        """The folder of the node's jobs, which the workers share; a folder in this machine's memory they do not see."""
        if is_sealed:
            raise NoExecutorError(
                "The folder shared with Dask's workers is not in memory, and an input is sealed."
            )
        return super().root(is_sealed=False)

    def problem(self) -> str:
        """Why no job can be handed over: no scheduler, or no worker."""
        try:
            with self._line.open() as client:
                return (
                    ""
                    if client.scheduler_info(n_workers=1)["workers"]
                    else "The Dask scheduler has no workers."
                )
        except NoExecutorError as error:
            return error.message

    def prepare(self) -> None:
        """Nothing: workers are warm."""

    def submit(self, submission: Submission) -> str:
        """A task of the cluster; its key is the run."""
        from distributed import fire_and_forget

        environment = dict(wrapper_environment())
        try:
            with self._line.open() as client:
                future = client.submit(
                    runner.run_wrapper,
                    str(submission.job_file),
                    environment,
                    key=submission.run,
                    pure=False,
                    retries=0,
                )
                fire_and_forget(future)  # type: ignore[no-untyped-call]
        except NoExecutorError as error:
            raise ExecutorAwayError(error.message) from error
        return submission.run

    def cancel(self, handle: str, folder: Path) -> None:
        """Take it out of the queue; a wrapper that runs hears of it by its line."""
        del folder
        from distributed import Future

        with contextlib.suppress(NoExecutorError), self._line.open() as client:
            client.cancel([Future(handle, client=client)], force=True)

    def look(self, handle: str, folder: Path) -> Sight:
        """Whether the scheduler has it waiting or running. With an unreachable one only the wrapper's own word counts."""
        if runner.is_alive(folder):  # on this machine, whatever became of its worker
            return "alive"
        try:
            with self._line.open() as client:
                state = client.run_on_scheduler(_state_of, key=handle)
        except NoExecutorError:
            return "gone"
        return "alive" if state in _WAITS else "gone"


def _state_of(dask_scheduler: Any, key: str) -> str:
    """Runs in the scheduler."""
    task = dask_scheduler.tasks.get(key)
    return "" if task is None else str(task.state)
