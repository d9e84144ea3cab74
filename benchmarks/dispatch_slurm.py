"""From asking for a small job to the first instruction of its command on Slurm, beside bare sbatch."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from tests.servers import slurm

from benchmarks import kit, measure

COUNT = 48
MOST_OVERHEAD_MS = 100
_PATIENCE_S = 60
_TICK_S = 1.0
_SPREAD = 0.618  # of a tick from one round to the next: the golden section leaves no gap and follows no beat


def main(count: int = COUNT) -> None:
    """Ask, wait, ask again; a bare batch job before each, with the same things booked."""
    load = os.getloadavg()[0]
    bare: list[float] = []
    ours: list[float] = []
    settled: list[float] = []
    with (
        slurm.running() as cluster,
        kit.fresh_node(cluster.settings) as node,
        tempfile.TemporaryDirectory() as folder,
    ):
        Path(folder, "a.txt").write_text("a")
        node.run("push", folder, "lab/data")
        node.run("freeze", "lab/data")
        time.sleep(3)
        body = {"inputs": ["lab/data"], "command": ["true"], "output": "lab/out", "executor": "slurm"}
        for number in range(-1, count):  # Slurm's first job of all waits for its node
            moment = number * _SPREAD % _TICK_S
            _wait_for(moment)
            first = _bare(cluster, Path(folder, "moment"))
            _wait_for(moment)
            asked = time.time()
            _status, job = node.api("POST", "/runs", body)
            while job["state"] not in {"succeeded", "failed"}:
                time.sleep(0.1)  # asking all the time would be what is measured
                _status, job = node.api("GET", f"/runs/{job['run']}")
            assert job["state"] == "succeeded", job
            whole = (time.time() - asked) * 1000
            if number >= 0:
                bare.append(first)
                ours.append((job["result"]["started_at_s"] - asked) * 1000)
                settled.append(whole)
    overhead = measure.percentile(ours, 0.95) - measure.percentile(bare, 0.95)
    means = statistics.fmean(ours) - statistics.fmean(bare)
    rows = [
        measure.Row("sbatch until the script starts", "limit", bare, _p95(bare)),
        measure.Row("asked until the command starts", "ours", ours, _p95(ours)),
        measure.Row("asked until settled", "ours", settled, _p95(settled)),
    ]
    goals = [measure.Goal("difference of the p95s (ms)", overhead, MOST_OVERHEAD_MS, is_upper=True)]
    notes = [
        "Both from the moment of asking to the first instruction: of the batch script there, of the command inside its walls here.",
        "Ours holds REST, the queue, the order and the fetching of one small input, and a Python that starts from nothing.",
        "Slurm starts batch jobs at ticks of about a second, for both; neither has it read the user's login environment.",
        "Both are asked for at the same moments of a second, spread evenly, so that neither finds Slurm's ticks at a better moment.",
        f"Difference of the means: {means:.0f} ms.",
    ]
    measure.finish("dispatch_slurm", "Start of a job on Slurm", "ms", rows, goals, notes, load)


def _wait_for(moment: float) -> None:
    """Until this part of a second."""
    time.sleep((moment - time.time()) % _TICK_S)


def _bare(cluster: slurm.Slurm, moment: Path) -> float:
    """Milliseconds from sbatch to the first instruction of a script."""
    moment.unlink(missing_ok=True)
    script = f"#!/bin/sh\ndate +%s.%N > {moment}.part\nmv {moment}.part {moment}\n"
    command = ["sbatch", "--parsable", "--export=ALL", "--chdir=/", "--output=/dev/null", "--ntasks=1",
               "--cpus-per-task=1", "--mem=1280M", "--time=40"]  # fmt: skip
    environment = {"PATH": os.defpath, "SLURM_CONF": str(cluster.conf)}
    asked = time.time()
    subprocess.run(command, input=script, text=True, env=environment, check=True, capture_output=True)
    while not moment.exists():
        assert time.time() < asked + _PATIENCE_S
        time.sleep(0.02)
    return (float(moment.read_text()) - asked) * 1000


def _p95(values: list[float]) -> str:
    return f"p95 {measure.percentile(values, 0.95):.0f}"


if __name__ == "__main__":
    main()
