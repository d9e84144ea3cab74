"""Making ten tables AI-ready with two Dask workers instead of one, each worker with one core."""

from __future__ import annotations

import multiprocessing
import os
import random
import time
from collections.abc import Callable
from pathlib import Path

from tests.node import Node
from tests.servers.dask import Cluster

from benchmarks import kit, measure
from benchmarks.ready import make_here
from tsunagu.formats import api as formats
from tsunagu.formats.tests.making import planned

TABLES = 10
ROWS = 3_450_000  # ten times the 131 MB that one CSV has in `ready`
ROUNDS = 3
TARGET = 1.6


def main() -> None:
    """The same version, again and again, with one worker and with two; beside them the bare converter on one core and two."""
    load = os.getloadavg()[0]
    folder = _written()
    size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    cluster = Cluster(kit.scratch("dask"))
    try:
        with kit.fresh_node({**cluster.settings, "TSUNAGU_DASK_CONVERTS": "yes"}) as node:
            contestants: dict[str, Callable[[int], float]] = {
                "tsunagu, 1 worker": lambda number: (
                    size / _prepared(node, cluster, folder, f"one{number}", [0])
                ),
                "tsunagu, 2 workers": lambda number: (
                    size / _prepared(node, cluster, folder, f"two{number}", [0, 1])
                ),
                "bare converter, 1 core": lambda _: size / _bare(folder, [0]),
                "bare converter, 2 cores": lambda _: size / _bare(folder, [0, 1]),
            }
            values = measure.alternate(contestants, rounds=ROUNDS, warm_up=False)
    finally:
        cluster.stop()
    kinds = ("ours", "ours", "limit", "limit")
    rows = [measure.Row(one, kind, values[one]) for one, kind in zip(contestants, kinds, strict=True)]
    one, two, bare_one, bare_two = (row.median for row in rows)
    goals = [
        measure.Goal("2 workers / 1 worker", two / one, TARGET),
        measure.Goal("the same of the bare converter (the machine's own limit)", bare_two / bare_one, TARGET),
    ]
    notes = [
        f"{TABLES} CSV files of {ROWS:,} rows whose columns have nothing in common, so {TABLES} tables; from asking to frozen.",
        "A worker has one core to itself but for the node, its byte server and the scheduler, which share the same two cores.",
        "Bare: the same tables behind the same walls from local files, nothing stored, nothing frozen.",
    ]
    title = f"{TABLES} tables, {size:,.0f} MB of CSV, made AI-ready on a Dask cluster"
    measure.finish("ready_dask", title, "MB/s", rows, goals, notes, load)


def _written() -> Path:
    folder, rng = kit.scratch("tables"), random.Random(7)
    lines = (
        f"{n * 0.01:.2f},{n % 977},{rng.random() * 40:.5f},{rng.gauss(0, 1):.6f},state {n % 7}"
        for n in range(ROWS)
    )
    body = "\n".join(lines) + "\n"
    for number in range(TABLES):
        names = [f"{chr(97 + number)}{one}" for one in ("time", "count", "volt", "amp", "state")]
        (folder / f"table{number}.csv").write_text(f"{','.join(names)}\n{body}")
    return folder


def _prepared(node: Node, cluster: Cluster, folder: Path, name: str, cores: list[int]) -> float:
    """Seconds from asking to a frozen version, with fresh workers that have made a table before."""
    for worker in cluster.workers:
        worker.terminate()
        worker.wait(30)
    cluster.workers.clear()
    for core in cores:
        cluster.add_worker(core=core)
    # One small table for each, so that both have loaded what they need.
    warm = kit.scratch("warm")
    for number in range(2 * len(cores)):
        (warm / f"w{number}.csv").write_text(f"x{number},y{number}\n" + "1,2\n" * 1000)
    time.sleep(5)
    _asked(node, warm, f"lab/warm-{name}")
    return _asked(node, folder, f"lab/{name}")


def _asked(node: Node, folder: Path, name: str) -> float:
    node.run("push", str(folder), name)
    node.wait_for_readings(name)
    node.run("freeze", name)
    measure.settle_memory()
    began = time.monotonic()
    card = node.json("ready", name)
    took = time.monotonic() - began
    assert card["preparation"]["state"] == "done", card
    assert len(card["profile"]["tables"]) == len(list(folder.iterdir()))
    _status, found = node.api("GET", f"/datasets/{name}-ready/runs")
    (run, *_) = [one for one in found["runs"] if one["kind"] == "derive"]
    assert run["parameters"]["made_on"] == "dask", run
    return took


def _bare(folder: Path, cores: list[int]) -> float:
    """Seconds for all tables by as many processes as there are cores, each with its own."""
    context = multiprocessing.get_context("spawn")
    ready, go = context.Barrier(len(cores) + 1), context.Barrier(len(cores) + 1)
    names = context.Queue()
    for path in sorted(folder.iterdir()):
        names.put(path.name)
    workers = [context.Process(target=_converts, args=(core, folder, names, ready, go)) for core in cores]
    for worker in workers:
        worker.start()
    ready.wait()
    began = time.monotonic()
    go.wait()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    return time.monotonic() - began


def _converts(core: int, folder: Path, names: object, ready: object, go: object) -> None:
    os.sched_setaffinity(0, {core})
    plans = {plan.sources[0].path: plan for plan in planned(folder, scanned_bytes=1 << 22).tables}
    out = kit.SCRATCH / f"bare-{core}.parquet"
    with formats.Converter() as pool:
        make_here(pool, folder, next(iter(plans.values())), out)
        ready.wait()  # type: ignore[attr-defined]
        go.wait()  # type: ignore[attr-defined]
        while not names.empty():  # type: ignore[attr-defined]
            make_here(pool, folder, plans[names.get()], out)  # type: ignore[attr-defined]
