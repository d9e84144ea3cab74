"""A wrapper on a machine that somebody else runs: what a worker of a cluster is asked to do. Imports nothing else of ours."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_TAKEN = "taken"


def run_wrapper(job_file: str, environment: dict[str, str]) -> int:
    """Start the wrapper of a job file once, and wait for it; its exit code, or -1 when it was started before.

    A cluster that loses a worker asks another one to do the same again. The wrapper lives on without its worker, so a
    second one must not begin; whoever is left without a result is settled by the node.
    """
    folder = Path(job_file).parent
    try:
        (folder / _TAKEN).touch(exist_ok=False)
    except FileExistsError:
        return -1
    command = (sys.executable, "-m", "tsunagu.compute.runner", job_file)
    done = subprocess.run(command, env=environment, start_new_session=True, check=False)  # noqa: S603 - our own module
    return done.returncode
