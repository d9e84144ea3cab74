"""Making tables AI-ready against bare Parquet sinks, and against the same work done by hand.

``python benchmarks/run.py ready`` prints two tables and writes benchmarks/results/ready_*.json.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from benchmarks import kit, measure
from tsunagu.formats import api as formats
from tsunagu.formats.tests.built import build
from tsunagu.formats.tests.making import planned

ROWS = 2_000_000
FILES = 200
ROUNDS = 5
TARGET = 0.8
_OURS = """Ours: behind the sandbox's walls; types, units, SHA-256 while the bytes come out, and the whole profile
    (ranges, moments, histogram, different values, repeated rows, garbled text, ambiguous dates, personal information)."""
_NOTES = (
    _OURS,
    """Bare sinks only convert: no hash, no profile, no walls. The others add the SHA-256 and a profile: polars of every
    column with repeated rows, pyarrow without repeated rows. None looks for personal information or garbled text.""",
    "All are warm processes that stay; polars runs in a process of its own with its own threads.",
)


def main() -> None:
    """One large CSV, then many files of an instrument."""
    load = os.getloadavg()[0]
    _csv(load)
    _instrument(load)


def _csv(load: float) -> None:
    folder = kit.scratch("ready")
    source, out = folder / "log.csv", kit.scratch("ready-out")
    _write(source)
    size = source.stat().st_size / 1e6
    (plan,) = planned(folder, scanned_bytes=1 << 22).tables
    with formats.Converter() as pool, _polars() as polars:
        contestants: dict[str, Callable[[int], float]] = {
            "tsunagu ready": lambda _: size / _timed(lambda: make_here(pool, folder, plan, out / "ours.parquet")),
            "polars, with hash and profile": lambda _: size / polars("equal", source, out / "p1.parquet"),
            "pyarrow, with hash and profile": lambda _: size / _timed(lambda: _pyarrow(source, out / "a1.parquet", is_whole=True)),
            "polars, bare sink": lambda _: size / polars("bare", source, out / "p2.parquet"),
            "pyarrow, bare sink": lambda _: size / _timed(lambda: _pyarrow(source, out / "a2.parquet", is_whole=False)),
        }  # fmt: skip
        values = measure.alternate(contestants, rounds=ROUNDS)
    for name in ("ours", "p1", "a1"):
        assert pq.read_metadata(out / f"{name}.parquet").num_rows == ROWS, name
    kinds = ("ours", "peer", "peer", "limit", "limit")
    rows = [measure.Row(one, kind, values[one]) for one, kind in zip(contestants, kinds, strict=True)]
    middle = {row.name: row.median for row in rows}
    ours, *others = contestants
    goals = [
        measure.Goal("tsunagu ready / best of the same work", middle[ours] / max(middle[one] for one in others[:2]), TARGET),
        measure.Goal("tsunagu ready / best bare sink", middle[ours] / max(middle[one] for one in others[2:]), TARGET),
    ]  # fmt: skip
    title = f"One CSV of {size:,.0f} MB to Parquet (zstd), read to written"
    measure.finish("ready_csv", title, "MB/s", rows, goals, [" ".join(one.split()) for one in _NOTES], load)


def _instrument(load: float) -> None:
    folder, out = kit.scratch("scans"), kit.scratch("scans-out")
    text = build("scan.ras", folder).read_text("cp932")
    (folder / "scan.ras").unlink()
    body = "\n".join(f"{10 + n * 0.01:.4f} {n % 911}.0000 1.0000" for n in range(7000))
    head, _, rest = text.partition("*RAS_INT_START\n")
    tail = rest[rest.index("*RAS_INT_END") :]
    for number in range(FILES):
        (folder / f"film_{number:03}.ras").write_text(f"{head}*RAS_INT_START\n{body}\n{tail}", "cp932")
    size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    (plan,) = planned(folder).tables
    with formats.Converter() as pool:
        contestants: dict[str, Callable[[int], float]] = {
            "tsunagu ready": lambda _: (
                size / _timed(lambda: make_here(pool, folder, plan, out / "ours.parquet"))
            ),
            "numpy and pyarrow by hand": lambda _: (
                size / _timed(lambda: _by_hand(folder, out / "hand.parquet"))
            ),
        }
        values = measure.alternate(contestants, rounds=ROUNDS)
    for name in ("ours", "hand"):
        assert pq.read_metadata(out / f"{name}.parquet").num_rows == FILES * 7000, name
    rows = [
        measure.Row(one, kind, values[one]) for one, kind in zip(contestants, ("ours", "peer"), strict=True)
    ]
    goal = measure.Goal("tsunagu ready / by hand", rows[0].median / rows[1].median, TARGET)
    note = "By hand: the numbers of each file by numpy.loadtxt, the voltage by a regular expression, one table, SHA-256."
    title = f"{FILES} diffraction scans of 7,000 points to one Parquet file"
    measure.finish("ready_scans", title, "MB/s", rows, [goal], [" ".join(_OURS.split()), note], load)


def make_here(pool: formats.Converter, folder: Path, plan: formats.TablePlan, target: Path) -> None:
    """A table from local files, behind the walls, hashed and written."""

    @contextlib.contextmanager
    def open_file(index: int) -> Iterator[Path]:
        yield folder / plan.sources[index].path

    digest = hashlib.sha256()
    with target.open("wb") as file:

        def take(piece: bytes) -> None:
            digest.update(piece)
            file.write(piece)

        limits = formats.Limits(wall_s=600, cpu_s=600)
        profile = pool.convert(plan, open_file, take, limits=limits)
    assert profile.row_count


def _pyarrow(source: Path, target: Path, *, is_whole: bool) -> None:
    """Streamed, as for files larger than memory."""
    reader = pa_csv.open_csv(source, read_options=pa_csv.ReadOptions(block_size=8 << 20))
    with pq.ParquetWriter(target, reader.schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(batch)
            if is_whole:
                _profile(batch)
    if is_whole:
        with target.open("rb") as file:
            hashlib.file_digest(file, "sha256").hexdigest()


def _profile(batch: Any) -> None:
    for column in batch.columns:
        _ = column.null_count
        pc.count_distinct(column)
        if not pa.types.is_string(column.type):
            pc.min_max(column)
        if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
            pc.mean(column)
            pc.stddev(column)
            np.histogram(column.to_numpy(zero_copy_only=False), bins=24)


def _by_hand(folder: Path, target: Path) -> None:
    import re

    tables = []
    for path in sorted(folder.iterdir()):
        text = path.read_text("cp932")
        voltage = float(re.search(r'MEAS_COND_XG_VOLTAGE "([\d.]+)"', text)[1])  # type: ignore[index]
        inside = text.partition("*RAS_INT_START\n")[2].partition("*RAS_INT_END")[0]
        points = np.loadtxt(io.StringIO(inside))
        count = len(points)
        tables.append(
            pa.table(
                {
                    "source_file": [path.name] * count,
                    "two_theta": points[:, 0],
                    "intensity": points[:, 1] * points[:, 2],
                    "voltage": np.full(count, voltage),
                }
            )
        )
    pq.write_table(pa.concat_tables(tables), target, compression="zstd")
    with target.open("rb") as file:
        hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def _polars() -> Iterator[Callable[[str, Path, Path], float]]:
    """Asks polars in a process of its own; answers in seconds."""
    inside = Path(__file__).with_name("ready_inside.py")
    child = subprocess.Popen(
        [str(kit.peers_python() / "python"), str(inside)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None

    def ask(work: str, source: Path, target: Path) -> float:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(json.dumps({"work": work, "source": str(source), "target": str(target)}) + "\n")
        child.stdin.flush()
        return float(json.loads(child.stdout.readline())["s"])

    try:
        yield ask
    finally:
        child.stdin.close()
        child.wait(20)
        child.stdout.close()


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _write(path: Path) -> None:
    """A logger's file: time, three quantities with noise, a word, a counter."""
    rng = np.random.default_rng(4)
    with path.open("w") as file:
        file.write("time,temperature (K),voltage (mV),current (uA),state,n\n")
        for start in range(0, ROWS, 100_000):
            count = min(100_000, ROWS - start)
            numbers = zip(
                rng.normal(300, 2, count), rng.random(count) * 1000, rng.random(count), range(start, start + count), strict=True
            )  # fmt: skip
            moments = np.datetime64("2026-01-01T00:00:00") + np.arange(start, start + count)
            file.writelines(
                f"{str(moment).replace('T', ' ')},{a:.4f},{b:.6f},{c:.8f},{('idle', 'charge', 'rest')[n % 3]}{n % 17},{n}\n"
                for moment, (a, b, c, n) in zip(moments, numbers, strict=True)
            )
