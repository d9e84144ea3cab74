"""The first steps of a wrapper: it asks for its order, and loads the rest of itself while control answers."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tsunagu.compute.runner import marks
from tsunagu.compute.runner.line import Line, Question
from tsunagu.compute.runner.order import JobFile


def main(argv: Sequence[str]) -> int:
    """Do the job of a job file; 0 when control heard the result.

    With ``-`` the path comes as a line of standard input: an executor may keep a wrapper that has loaded everything.
    """
    if argv[0] == "-":
        return _wait()
    job = JobFile.read(Path(argv[0]))
    marks.leave_pid(Path(job.folder))
    with contextlib.closing(Line(job.control, job.run, job.secret, job.bounds)) as line:
        asked = Question(line, "order")
        # Loading takes as long as control takes to answer.
        from tsunagu.compute.runner import walls

        probe = walls.Probe()
        from tsunagu.compute.runner.work import Work

        gc.enable()
        return Work(line, job, probe.problem(), _booked(job), asked).run()


def _wait() -> int:
    """The same for a job that comes later: everything is loaded before."""
    from tsunagu.compute.runner import walls

    probe = walls.Probe()
    from tsunagu.compute.runner.work import Work

    gc.enable()
    why = probe.problem()
    place = sys.stdin.readline().strip()
    if not place:  # whoever kept it ended
        return 0
    job = JobFile.read(Path(place))
    _write_to(Path(job.folder) / "wrapper.log")
    marks.leave_pid(Path(job.folder))
    with contextlib.closing(Line(job.control, job.run, job.secret, job.bounds)) as line:
        return Work(line, job, why, _booked(job)).run()


def _booked(job: JobFile) -> Mapping[str, Any]:
    """What the scheduler was asked for, and the number that it gave the job."""
    number = os.environ.get("SLURM_JOB_ID", "")
    return {**job.booked, "job": number} if job.booked and number else job.booked


def _write_to(path: Path) -> None:
    """What the wrapper itself says goes beside its job."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number in (1, 2):
        os.dup2(descriptor, number)
    os.close(descriptor)
