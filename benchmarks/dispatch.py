"""From asking for a small job to the start of its command, beside bare bubblewrap."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks import kit, measure

COUNT = 40
MOST_OVERHEAD_MS = 100
_FLAGS = ("--unshare-all", "--die-with-parent", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev")


def main(count: int = COUNT) -> None:
    """Ask, wait, ask again; a bare sandbox before each."""
    load = os.getloadavg()[0]
    dispatched: list[float] = []
    whole: list[float] = []
    bare: list[float] = []
    with kit.fresh_node() as node, tempfile.TemporaryDirectory() as folder:
        Path(folder, "a.txt").write_text("a")
        node.run("push", folder, "lab/data")
        node.run("freeze", "lab/data")
        time.sleep(3)
        body = {"inputs": ["lab/data"], "command": ["true"], "output": "lab/out"}
        for _ in range(count):
            began = time.perf_counter()
            subprocess.run(["bwrap", *_FLAGS, "true"], check=True)
            bare.append((time.perf_counter() - began) * 1000)
            asked, began = time.time(), time.perf_counter()
            _status, job = node.api("POST", "/runs", body)
            while job["state"] not in {"succeeded", "failed"}:
                time.sleep(0.1)  # asking all the time would be what is measured
                _status, job = node.api("GET", f"/runs/{job['run']}")
            assert job["state"] == "succeeded", job
            whole.append((time.perf_counter() - began) * 1000)
            dispatched.append((job["result"]["started_at_s"] - asked) * 1000)
            time.sleep(0.8)  # the next wrapper loads
    rows = [
        measure.Row("start of a sandbox", "limit", bare, f"p95 {measure.percentile(bare, 0.95):.0f}"),
        measure.Row(
            "asked until the command starts",
            "ours",
            dispatched,
            f"p95 {measure.percentile(dispatched, 0.95):.0f}",
        ),
        measure.Row("asked until settled", "ours", whole, f"p95 {measure.percentile(whole, 0.95):.0f}"),
    ]
    p95 = measure.percentile(dispatched, 0.95)
    goals = [measure.Goal("overhead before the start, p95 (ms)", p95, MOST_OVERHEAD_MS, is_upper=True)]
    notes = [
        "One small input, one job at a time; the REST call, the queue, the order and the fetching of the input included.",
        "bwrap's own start comes after that moment and is not in it; the bare one runs `true` to its end.",
    ]
    measure.finish("dispatch", "Start of a job in the sandbox", "ms", rows, goals, notes, load)


if __name__ == "__main__":
    main()
