"""Shuffled epochs over HTTP on loopback: ``tsunagu.stream`` beside ``datasets``, WebDataset and bare pyarrow."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import kit, measure

ROUNDS = int(os.environ.get("BENCH_ROUNDS", measure.ROUNDS))
INSIDE = Path(__file__).with_name("stream_inside.py")
CONTESTANTS = {
    "tsunagu.stream, Arrow batches": ("ours", "ours"),
    "bare pyarrow over http.client, Arrow batches": ("bare", "limit"),
    "datasets streaming, Arrow batches": ("datasets_batches", "peer"),
    "datasets streaming, rows": ("datasets_rows", "peer"),
    "WebDataset, rows of bytes": ("webdataset", "peer"),
}
FILES = 4
NOTES = [
    """A fresh process per epoch, its imports not timed, nor pandas, which pyarrow loads late in bare pyarrow and never in ours;
    every one shuffles over all data and within {window:,} samples, counts samples and sums ids. Two workers are two processes;
    the slower one counts. Ours hands two that wait a part of one stream, as a DataLoader does; the opening, the handing over
    and the wait for both count.""",
    """Ours asks the node's rules and guard, opens a use that goes into the ledger and ends it, all within the time, and reads
    from the node's byte server on two to four connections, ahead of the reader; the others read the same Parquet files (WebDataset:
    tar files of the same samples) from nginx, bare pyarrow on one connection and nothing ahead.""",
]


def main() -> None:
    """Run it."""
    _compare("small", "20,000 samples of 4 kB", 20_000, 4_000, 1000, 8192)
    _compare("images", "2,000 images of 110 kB", 2_000, 110_000, 50, 500)


def _compare(name: str, title: str, count: int, size: int, group: int, window: int) -> None:
    load = os.getloadavg()[0]
    folder = kit.scratch("samples")
    _make(folder, count, size, group)
    with kit.fresh_node({"TSUNAGU_WORKERS": "0"}) as node, kit.nginx(folder) as peer:
        node.run("push", str(folder / "parquet"), "lab/samples", "--quiet")
        node.run("freeze", "lab/samples")
        assert node.api("PATCH", "/datasets/lab/samples", {"access": "open"})[0] == 200
        wish = {
            "dataset": "lab/samples",
            "url": node.url,
            "token": node.token,
            "files": [f"{peer}/parquet/train-{number}.parquet" for number in range(FILES)],
            "tars": [f"{peer}/tar/train-{number}.tar" for number in range(FILES)],
            "count": count,
            "window": window,  # 64 MiB at most, as ours holds; nobody shuffles better than another
        }
        found: dict[str, list[dict[str, float]]] = {}
        contestants = {
            f"{said}, {workers} worker{'s' if workers > 1 else ''}": (
                lambda number, inside=inside, workers=workers, said=said: _epoch(
                    found, f"{said} {workers}", inside, wish, workers, is_counted=number >= 0
                )
            )
            for said, (inside, _) in CONTESTANTS.items()
            for workers in (1, 2)
        }
        values = measure.alternate(contestants, rounds=ROUNDS)
    kinds = {said: kind for said, (_, kind) in CONTESTANTS.items()}
    rows = [measure.Row(one, kinds[one.rpartition(", ")[0]], values[one]) for one in contestants]
    middle = {row.name: row.median for row in rows}
    goals = []
    ours, limit, batches, plain, _ = CONTESTANTS
    for workers in ("1 worker", "2 workers"):
        mine = middle[f"{ours}, {workers}"]
        goals += [
            measure.Goal(
                f"{workers}: tsunagu.stream / datasets rows", mine / middle[f"{plain}, {workers}"], 5
            ),
            measure.Goal(
                f"{workers}: tsunagu.stream / datasets batches", mine / middle[f"{batches}, {workers}"], 1
            ),
            measure.Goal(
                f"{workers}: tsunagu.stream / bare pyarrow", mine / middle[f"{limit}, {workers}"], 0.8
            ),
        ]
    first = {said: [one["first"] for one in found[f"{said} 1"]] for said in CONTESTANTS}
    goals.append(
        measure.Goal(
            "time to first sample, tsunagu.stream / datasets rows",
            measure.percentile(first[ours], 0.5) / measure.percentile(first[plain], 0.5),
            0.5,
            is_upper=True,
        )
    )
    times = "; ".join(f"{said}: {measure.percentile(values, 0.5):.3g}" for said, values in first.items())
    measure.finish(
        f"stream_{name}",
        f"Streaming {title}, shuffled, over HTTP",
        "samples/s",
        rows,
        goals,
        [
            *(" ".join(note.format(window=window).split()) for note in NOTES),
            f"First sample, median of seconds: {times}.",
        ],
        load,
    )


def _epoch(found: dict, key: str, inside: str, wish: dict, workers: int, *, is_counted: bool) -> float:
    """Samples per second of an epoch that all workers read together."""
    processes = 1 if inside == "ours" else workers  # ours begins its workers itself
    several = [_begun(inside, {**wish, "worker": worker, "workers": workers}) for worker in range(processes)]
    for process in several:
        said = process.stdout.readline() if process.stdout else ""
        assert said == "ready\n", process.communicate()[1][-2000:]
    for (
        process
    ) in several:  # workers read at the same time, and take the processor from each other and from the server
        print("go", file=process.stdin, flush=True)
    ends = [_ended(process) for process in several]
    count = wish["count"]
    assert sum(one["count"] for one in ends) == count, (key, ends)
    assert sum(one["sum"] for one in ends) == count * (count - 1) // 2, (key, ends)
    if is_counted:
        found.setdefault(key, []).append(ends[0])
    return count / max(one["all"] for one in ends)


def _begun(inside: str, wish: dict) -> subprocess.Popen[str]:
    python = kit.peers_python() / "python" if inside == "webdataset" else kit.PYTHON
    return subprocess.Popen(
        [str(python), str(INSIDE), inside, json.dumps(wish)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _ended(process: subprocess.Popen[str]) -> dict[str, float]:
    said, wrong = process.communicate()
    assert process.returncode == 0, wrong[-2000:]
    result: dict[str, float] = json.loads(said.splitlines()[-1])
    return result


def _make(folder: Path, count: int, size: int, group: int) -> None:
    rng = np.random.default_rng(1)
    (folder / "parquet").mkdir()
    (folder / "tar").mkdir()
    each = count // FILES
    for number in range(FILES):
        ids = np.arange(number * each, (number + 1) * each)
        samples = [rng.bytes(size) for _ in ids]
        table = pa.table({"id": ids, "label": (ids % 10).astype("i2"), "sample": samples})
        path = folder / "parquet" / f"train-{number}.parquet"
        pq.write_table(table, path, row_group_size=group, compression="none", use_dictionary=False)
        with tarfile.open(folder / "tar" / f"train-{number}.tar", "w") as tar:
            for at, sample in zip(ids, samples, strict=True):
                for suffix, content in (("bin", sample), ("cls", str(at % 10).encode())):
                    entry = tarfile.TarInfo(f"{at:08d}.{suffix}")
                    entry.size = len(content)
                    tar.addfile(entry, io.BytesIO(content))
    for path in folder.rglob("*.*"):
        path.read_bytes()


if __name__ == "__main__":
    main()
