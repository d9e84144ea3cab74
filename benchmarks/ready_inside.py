"""A peer of ``ready.py`` in a Python of its own: one JSON line in, one out, for as long as somebody asks.

Usage: ``python ready_inside.py``; lines are {"work", "source", "target"}.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl


def _sink(source: str, target: str) -> None:
    pl.scan_csv(source, try_parse_dates=True, infer_schema_length=10_000).sink_parquet(
        target, compression="zstd"
    )


def bare(source: str, target: str) -> None:
    """Nothing but the sink."""
    _sink(source, target)


def equal(source: str, target: str) -> None:
    """The sink, the SHA-256 of what it wrote, a profile of every column and the rows that stand twice."""
    _sink(source, target)
    with Path(target).open("rb") as file:
        hashlib.file_digest(file, "sha256").hexdigest()
    table = pl.scan_parquet(target)
    schema = table.collect_schema()
    asked = [pl.col(name).null_count().alias(f"{name} nulls") for name in schema.names()]
    for name, kind in schema.items():
        asked.append(pl.col(name).approx_n_unique().alias(f"{name} distinct"))
        if kind != pl.String:
            asked += [pl.col(name).min().alias(f"{name} low"), pl.col(name).max().alias(f"{name} high")]
        if kind.is_numeric():
            asked += [
                pl.col(name).mean().alias(f"{name} mean"),
                pl.col(name).std().alias(f"{name} deviation"),
                pl.col(name).hist(bin_count=24).implode().alias(f"{name} histogram"),
            ]
    table.select(asked).collect()
    hashes = table.collect().hash_rows()
    hashes.is_duplicated().sum()


WORK: dict[str, Callable[[str, str], Any]] = {"bare": bare, "equal": equal}


def main() -> None:
    """Answer with the seconds that each piece of work took."""
    for line in sys.stdin:
        wish = json.loads(line)
        started = time.perf_counter()
        WORK[wish["work"]](wish["source"], wish["target"])
        print(json.dumps({"s": time.perf_counter() - started}), flush=True)


if __name__ == "__main__":
    main()
