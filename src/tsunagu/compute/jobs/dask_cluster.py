"""Jobs on a cluster of Dask workers: each is one task that starts the wrapper and waits for it.

The workers see the folder of the node's jobs under the same path (a shared file system) and have this program installed.
Dask is told where to run and nothing else: how a job ended comes from the wrapper, signed, as everywhere.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tsunagu.compute.jobs.errors import ExecutorAwayError, NoExecutorError
from tsunagu.compute.jobs.executors import Executor, Sight, Submission, wrapper_environment
from tsunagu.compute.runner import api as runner
from tsunagu.core import settings

logger = logging.getLogger(__name__)

_CONNECT_S = 5.0
_ASK_AGAIN_S = 10.0
_WAITS = {"released", "waiting", "no-worker", "queued", "processing"}


class DaskCluster(Executor):
    """The cluster of the settings; connected when it is needed, and again when it was lost.

    Args:
        slots: How many jobs may be handed to it at the same time.
    """

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self._client: Any = None
        self._away_until = 0.0

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
            with self._line() as client:
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
            with self._line() as client:
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

        with contextlib.suppress(NoExecutorError), self._line() as client:
            client.cancel([Future(handle, client=client)], force=True)

    def look(self, handle: str, folder: Path) -> Sight:
        """Whether the scheduler has it waiting or running. With an unreachable one only the wrapper's own word counts."""
        if runner.is_alive(folder):  # on this machine, whatever became of its worker
            return "alive"
        try:
            with self._line() as client:
                state = client.run_on_scheduler(_state_of, key=handle)
        except NoExecutorError:
            return "gone"
        return "alive" if state in _WAITS else "gone"

    @contextlib.contextmanager
    def _line(self) -> Iterator[Any]:
        """The client; one that did not answer is not asked again for a while, for each question takes seconds then.

        Raises:
            NoExecutorError: the scheduler does not answer.
        """
        if time.monotonic() < self._away_until:
            raise NoExecutorError("The Dask scheduler does not answer.")
        try:
            yield self._connected()
        except (OSError, TimeoutError) as error:
            self._away_until = time.monotonic() + _ASK_AGAIN_S
            if self._client is not None:
                self._client.close(timeout=0)
                self._client = None
            raise NoExecutorError(f"The Dask scheduler does not answer: {error}") from error

    def _connected(self) -> Any:
        if self._client is not None and self._client.status == "running":
            return self._client
        try:
            import dask
            from distributed import Client
            from distributed.security import Security
        except ModuleNotFoundError as error:
            raise NoExecutorError("Dask is not installed on this node: pip install tsunagu[dask].") from error
        node = settings.current()
        dask.config.set({"distributed.comm.timeouts.connect": _CONNECT_S, "distributed.comm.retry.count": 0})
        security = None
        if node.dask_tls_ca:
            security = Security(  # type: ignore[no-untyped-call]
                tls_ca_file=node.dask_tls_ca,
                tls_client_cert=node.dask_tls_cert,
                tls_client_key=node.dask_tls_key,
                require_encryption=True,
            )
        self._client = Client(  # type: ignore[no-untyped-call]
            node.dask_scheduler, timeout=_CONNECT_S, set_as_default=False, security=security
        )
        return self._client


def _state_of(dask_scheduler: Any, key: str) -> str:
    """Runs in the scheduler."""
    task = dask_scheduler.tasks.get(key)
    return "" if task is None else str(task.state)
