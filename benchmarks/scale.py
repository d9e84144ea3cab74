"""Add 10 files to a dataset of 1,000,000 and freeze; pages of it; a list of 50 among 1,000,000 datasets."""

from __future__ import annotations

import contextlib
import json
import os
import random
import sqlite3
import statistics
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.servers import postgresql

from benchmarks import kit, measure

LARGE, SMALL = 1_000_000, 100
SEED = Path(__file__).with_name("seed.py")


@contextlib.contextmanager
def engine(name: str) -> Iterator[dict[str, str]]:
    """Settings of a node on SQLite or on a durable PostgreSQL of its own."""
    if name == "SQLite":
        yield {}
        return
    with postgresql.running(is_durable=True) as server:
        yield {"TSUNAGU_DATABASE_URL": server.new_database()}


def main() -> None:
    """Run it on both engines."""
    load = os.getloadavg()[0]
    freeze_rows: list[measure.Row] = []
    freeze_goals: list[measure.Goal] = []
    list_rows: list[measure.Row] = []
    list_goals: list[measure.Goal] = []
    for name in ("SQLite", "PostgreSQL"):
        with engine(name) as settings, kit.fresh_node({**settings, "TSUNAGU_WORKERS": "0"}) as node:
            seed(node, "files", SMALL, LARGE)
            measure_freezes(node, name, freeze_rows, freeze_goals)
            measure_pages(node, name, freeze_rows, freeze_goals)
            seed(node, "datasets", LARGE)
            measure_lists(node, name, list_rows, list_goals)
    notes = [
        (
            "Through HTTP with the Python client: open, plan, one bundle of 10 files of 4 KiB, finish, freeze. Files go to"
            " folders drawn at random over the whole dataset. Small and large alternate."
        ),
        (
            "Pages are REST pages of 100 files with status, at random places; across the gap means right before 500,000"
            " files that were removed in a later version and still stand in version 1."
        ),
        "The rows of the large dataset were written by the node's own services, not through HTTP.",
    ]
    title = f"Add 10 files and freeze, {LARGE:,} files against {SMALL}"
    measure.finish("freeze_scale", title, "ms", freeze_rows, freeze_goals, notes, load)
    notes = [
        (
            "REST list of 50 datasets with the access filter, for a person with 20 projects of 1,000 and open ones; 200 pages"
            " deep. Raw SQL: the same 50 rows by the driver, without filter, HTTP and JSON."
        ),
    ]
    measure.finish("list_scale", f"List 50 of {LARGE:,} datasets", "ms", list_rows, list_goals, notes, load)


def seed(node: kit.Node, what: str, *counts: int) -> None:
    """Write many rows by the node's own services, in a process with the node's settings."""
    environment = {**node.environment, "TSUNAGU_HOME": str(node.home), "PYTHONPATH": str(kit.ROOT)}
    command = [kit.PYTHON, str(SEED), what, *map(str, counts)]
    subprocess.run(command, env=environment, check=True, cwd=kit.ROOT)


def measure_freezes(node: kit.Node, name: str, rows: list[measure.Row], goals: list[measure.Goal]) -> None:
    """Ten files and a freeze, on both datasets in turn."""
    from tsunagu.client import connect

    chosen = random.Random(7)
    os.environ["TSUNAGU_CACHE"] = str(kit.scratch("cache"))
    with connect(node.url, node.token) as client:

        def once(dataset: str, folders: int, number: int) -> float:
            folder = kit.scratch("ten")
            for index in range(10):
                path = folder / f"d{chosen.randrange(folders):04d}"
                path.mkdir(exist_ok=True)
                (path / f"new{number}-{index}.dat").write_bytes(chosen.randbytes(4096))
            target = client.dataset(dataset)

            def act() -> None:
                assert target.push(str(folder)).sent == 10
                target.freeze()

            return measure.timed(act) * 1000

        small, large = f"{name}, {SMALL} files", f"{name}, {LARGE:,} files"
        values = measure.alternate(
            {small: lambda n: once("lab/small", 1, n), large: lambda n: once("lab/large", 1000, n)}, rounds=21
        )
    rows += [measure.Row(small, "ours", values[small]), measure.Row(large, "ours", values[large])]
    ratio = statistics.median(values[large]) / statistics.median(values[small])
    goals.append(measure.Goal(f"{name}: times the time of the small one", ratio, 2, is_upper=True))


def measure_pages(node: kit.Node, name: str, rows: list[measure.Row], goals: list[measure.Goal]) -> None:
    """Pages at random places, then across a gap of 500,000 removed files."""
    chosen = random.Random(11)

    def page(after: str, version: int | None) -> float:
        query = urllib.parse.urlencode(
            {"limit": 100, "after": after, **({"version": version} if version else {})}
        )
        began = time.perf_counter()
        status, body = node.api("GET", f"/datasets/lab/large/files?{query}")
        assert status == 200
        assert len(body["files"]) == 100
        return (time.perf_counter() - began) * 1000

    page("", None)
    anywhere = [page(f"d{chosen.randrange(1000):04d}/f{chosen.randrange(1000):06d}", None) for _ in range(50)]
    node.api(
        "DELETE", "/datasets/lab/large/files", {"paths": [f"d{number:04d}/" for number in range(250, 750)]}
    )
    node.api("POST", "/datasets/lab/large/freeze", {})
    across = [page("d0249/f000999", None) for _ in range(50)]
    rows.append(measure.Row(f"{name}, page of 100 anywhere", "ours", anywhere))
    rows.append(measure.Row(f"{name}, page across 500,000 removed files", "ours", across))
    goals.append(measure.Goal(f"{name}: slowest page anywhere (ms)", max(anywhere), 50, is_upper=True))
    goals.append(measure.Goal(f"{name}: slowest page across the gap (ms)", max(across), 50, is_upper=True))


def measure_lists(node: kit.Node, name: str, rows: list[measure.Row], goals: list[measure.Goal]) -> None:
    """Two hundred pages one after the other, as a person who sees some projects and open datasets."""
    token = node.make_token("reader@example.org")
    times: list[float] = []
    after = ""
    for _ in range(200):
        began = time.perf_counter()
        status, body = node.api("GET", f"/datasets?limit=50&after={after}", token=token)
        times.append((time.perf_counter() - began) * 1000)
        assert status == 200
        assert len(body["datasets"]) == 50
        after = body["next"]
    raw = _raw_lists(node)
    rows += [
        measure.Row(f"{name}, REST list of 50", "ours", times, f"p95 {measure.percentile(times, 0.95):.1f}"),
        measure.Row(f"{name}, raw SQL", "limit", raw, f"p95 {measure.percentile(raw, 0.95):.2f}"),
    ]
    goals.append(measure.Goal(f"{name}: p95 (ms)", measure.percentile(times, 0.95), 50, is_upper=True))


def _raw_lists(node: kit.Node) -> list[float]:
    query = "select uid, name, title, access, live_count, live_bytes, updated_at from datasets_dataset order by updated_at desc, id desc limit 50"
    url = node.environment.get("TSUNAGU_DATABASE_URL", "")
    connection: Any
    if url:
        import psycopg

        connection = psycopg.connect(url)
    else:
        connection = sqlite3.connect(node.home / "db.sqlite3")
    with contextlib.closing(connection):
        found = []
        for _ in range(200):
            began = time.perf_counter()
            rows = connection.execute(query).fetchall()
            found.append((time.perf_counter() - began) * 1000)
            assert len(rows) == 50
        return found


if __name__ == "__main__":
    print(json.dumps({"large": LARGE}))
    main()
