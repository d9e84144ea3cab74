"""What sealing costs: 2 GiB in one file and 20,000 files of 4 KiB, pushed and pulled, plain and sealed in the same rounds."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from benchmarks import kit, measure

SIZE = 2 * kit.GIB
COUNT = 20_000
ROUNDS = int(os.environ.get("BENCH_ROUNDS", measure.ROUNDS))
WANTED = 0.7


def main() -> None:
    """Run it."""
    for title, name, source in (
        ("one file of 2 GiB", "sealed_large", kit.large_file(SIZE)),
        ("20,000 files of 4 KiB", "sealed_small", kit.small_files(COUNT)),
    ):
        _compare(title, name, source)


def _compare(title: str, name: str, source: Path) -> None:
    load = os.getloadavg()[0]
    # The readers would read the files behind the clock and fill memory that belongs to the next contestant.
    with kit.fresh_node({"TSUNAGU_WORKERS": "0"}) as node:
        for kind in ("plain", "sealed"):
            _make(node, kind, f"kept-{kind}")
            node.run("push", str(source), f"lab/kept-{kind}", "--quiet")
            node.run("freeze", f"lab/kept-{kind}")
        contestants: dict[str, Callable[[int], float]] = {
            f"{way} {kind}": lambda number, way=way, kind=kind: way_of(way)(node, source, kind, number)  # type: ignore[misc]
            for way in ("push", "pull")
            for kind in ("plain", "sealed")
        }
        values = measure.alternate(contestants, rounds=ROUNDS)
    rows = [
        measure.Row(one, "ours" if one.endswith("sealed") else "limit", values[one]) for one in contestants
    ]
    median = {row.name: row.median for row in rows}
    goals = [
        measure.Goal(
            f"{way}: speed of sealed / plain", median[f"{way} plain"] / median[f"{way} sealed"], WANTED
        )
        for way in ("push", "pull")
    ]
    notes = [
        "Both are the command line in a fresh process against one node: HTTP, SHA-256 on both sides, fsync, rows, receipt.",
        "Sealed: AES-256-GCM in chunks of 64 KiB in the byte server; plain bytes are in memory only, never on a disk.",
    ]
    measure.finish(name, f"What sealing costs: {title}", "s", rows, goals, notes, load)


def way_of(name: str) -> Callable[[kit.Node, Path, str, int], float]:
    """The act that is timed."""
    return {"push": push, "pull": pull}[name]


def _make(node: kit.Node, kind: str, dataset: str) -> None:
    wish = {"project": "lab", "name": dataset, "sealed": kind == "sealed"}
    status, said = node.api("POST", "/datasets", wish)
    assert status == 201, said
    assert said["seal"] == ("sealed" if kind == "sealed" else "open")


def push(node: kit.Node, source: Path, kind: str, number: int) -> float:
    """Into a new dataset, so that every byte travels."""
    dataset = f"{kind}{number + 1}"
    _make(node, kind, dataset)
    return measure.timed(lambda: node.run("push", str(source), f"lab/{dataset}", "--quiet"))


def pull(node: kit.Node, _source: Path, kind: str, _number: int) -> float:
    """Into a new folder; the client hashes what it wrote and compares."""
    target = kit.scratch("pulled")
    seconds = measure.timed(lambda: node.run("pull", f"lab/kept-{kind}@1", str(target), "--quiet"))
    shutil.rmtree(target)
    return seconds


if __name__ == "__main__":
    main()
