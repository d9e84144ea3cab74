"""``python benchmarks/run.py [NAME ...]``: runs the benchmarks and writes RESULTS.md."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import kit, measure

MODULES = (
    "push_small",
    "push_large",
    "scale",
    "extract",
    "ledger",
    "federation",
    "policy",
    "sealed",
    "stream",
    "hub",
    "dispatch",
    "dispatch_slurm",
    "ready",
    "ready_dask",
    "harvest",
    "landing",
    "search",
)
TABLES = [
    "push_small",
    "push_large",
    "pull_large",
    "freeze_scale",
    "extract",
    "list_scale",
    "ledger",
    "federation",
    "policy",
    "sealed_large",
    "sealed_small",
    "hub_download",
    "hub_upload",
    "stream_small",
    "stream_images",
    "dispatch",
    "dispatch_slurm",
    "ready_csv",
    "ready_scans",
    "ready_dask",
    "harvest",
    "landing",
    "search",
]


def main(names: list[str]) -> None:
    """Run those named, or all; the tables of the others stay."""
    try:
        for name in names or MODULES:
            print(f"=== {name}", flush=True)
            importlib.import_module(f"benchmarks.{name}").main()
    finally:
        kit.clear()
        measure.write_results(TABLES)


if __name__ == "__main__":
    main(sys.argv[1:])
