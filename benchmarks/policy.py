"""A decision about one dataset, and the page of a list among 1,000,000, with and without rules."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from benchmarks import kit, measure, scale

LARGE = 1_000_000
INSIDE = Path(__file__).with_name("policy_inside.py")


def main(count: int = LARGE) -> None:
    """Run it on both engines."""
    load = os.getloadavg()[0]
    rows: list[measure.Row] = []
    goals: list[measure.Goal] = []
    for name in ("SQLite", "PostgreSQL"):
        with scale.engine(name) as settings, kit.fresh_node({**settings, "TSUNAGU_WORKERS": "0"}) as node:
            scale.seed(node, "datasets", count)
            environment = {
                **node.environment, "TSUNAGU_HOME": str(node.home), "PYTHONPATH": str(kit.ROOT),
            }  # fmt: skip
            said = subprocess.run(
                [kit.PYTHON, str(INSIDE)], env=environment, check=True, cwd=kit.ROOT, stdout=subprocess.PIPE
            ).stdout
        times = json.loads(said)
        for label, values in times.items():
            note = f"p95 {measure.percentile(values, 0.95):.2f}"
            rows.append(measure.Row(f"{name}, {label}", "ours", values, note))
        for label in ("decide, shipped rules", "decide, five rules more"):
            p95 = measure.percentile(times[label], 0.95)
            goals.append(measure.Goal(f"{name}: {label}, p95 (ms)", p95, 1, is_upper=True))
        shipped, more = (
            measure.Row("", "", times[f"page, {kind}"]).median
            for kind in ("shipped rules", "five rules more")
        )
        goals.append(
            measure.Goal(
                f"{name}: page with five rules more, times without", more / shipped, 1.2, is_upper=True
            )
        )
    notes = [
        "Inside a process of the node, database included, HTTP not. Decisions: random datasets, a person with 20 projects.",
        "Pages: list_datasets, 50 rows with their cards, for the same person and for the node itself, which sees all.",
        (
            "Five rules more: forbids of an institution on sensitivity, personal information, origin, embargo and roles;"
            " one dataset in ten has labels."
        ),
    ]
    measure.finish("policy", f"Rules over {count:,} datasets", "ms", rows, goals, notes, load)


if __name__ == "__main__":
    main()
