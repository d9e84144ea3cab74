"""Finding among 1,000,000 bilingual records, each question with an access filter; bare tantivy and FTS5 beside it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

from tests.servers import postgresql

from benchmarks import kit, measure

LARGE = 1_000_000
INSIDE = Path(__file__).with_name("search_inside.py")
KINDS = ("two kanji, rare", "two kanji, common", "three words", "English word", "common word, facets")


def main(count: int = LARGE) -> None:
    """Build the indexes and ask."""
    load = os.getloadavg()[0]
    with kit.fresh_node({"TSUNAGU_WORKERS": "0"}) as node:
        node.stop()  # its own writer would take the changes
        environment = {
            **node.environment,
            "TSUNAGU_HOME": str(node.home),
            "PYTHONPATH": f"{kit.ROOT / 'src'}{os.pathsep}{kit.ROOT}",
        }
        with contextlib.ExitStack() as stack:
            address = ""
            if postgresql.programs():
                server = stack.enter_context(postgresql.running(is_durable=True))
                server.run("psql", "-d", server.address(), *_memory())
                address = server.new_database()
            said = subprocess.run(
                [kit.PYTHON, str(INSIDE), str(count), address],
                env=environment,
                check=True,
                cwd=kit.ROOT,
                stdout=subprocess.PIPE,
            ).stdout
    found = json.loads(said)
    times = found["times"]
    rows, goals = [], []
    for kind in KINDS:
        for name, role in (
            (f"{kind}: whole answer", "ours"),
            (f"{kind}: index alone", "ours"),
            (f"{kind}: SQLite FTS5", "peer"),
            (f"{kind}: PostgreSQL GIN", "peer"),
            (f"{kind}: bare tantivy", "limit"),
        ):
            if name in times:
                note = f"p95 {measure.percentile(times[name], 0.95):.1f}"
                rows.append(measure.Row(name, role, times[name], note))
        whole = measure.percentile(times[f"{kind}: whole answer"], 0.95)
        goals.append(measure.Goal(f"{kind}: whole answer, p95 (ms)", whole, 30, is_upper=True))
        ours, bare = (
            measure.percentile(times[f"{kind}: {name}"], 0.95) for name in ("index alone", "bare tantivy")
        )
        goals.append(
            measure.Goal(f"{kind}: p95 of the index, times bare tantivy", ours / bare, 2, is_upper=True)
        )
    goals.append(measure.Goal("a change is findable after (s)", max(found["changes"]), 1, is_upper=True))
    goals.append(
        measure.Goal(
            "making the index, times bare tantivy", found["index_s"] / found["bare_s"], 2, is_upper=True
        )
    )
    gin = f"; PostgreSQL {found['gin_s']:.0f} s" if "gin_s" in found else ""
    notes = [
        f"Made: ours {found['index_s']:.0f} s and {found['index_mb']:.0f} MB; bare tantivy {found['bare_s']:.0f} s and {found['bare_mb']:.0f} MB; FTS5 {found['fts_s']:.0f} s{gin}.",
        "Records are made by a seeded generator. One in five is closed and belongs to one of 500 projects; the asker sees open ones and those of 20 projects.",
        "Whole answer: discovery.search with rules, database, 20 hits with marks and seven facets (HTTP not); index alone: the same question without the database, facets only where named.",
        "Bare tantivy: its own pairs of letters over the same text (ngram 2,2), the same filter by hand, 20 ids. FTS5: our tokens, the filter as a join, 20 ids. PostgreSQL: our tokens with their places, ts_rank, the filter as columns, 64 MB for a sort, 20 ids.",
        f"Findable: {len(found['changes'])} changes of a title in the full index, from the commit of the change to the first hit, the writer looking as in a node.",
    ]
    measure.finish("search", f"Searching {count:,} records", "ms", rows, goals, notes, load)


def _memory() -> list[str]:
    """What a server of this size would be given by hand."""
    settings = {"work_mem": "64MB", "maintenance_work_mem": "1GB", "effective_cache_size": "4GB"}
    return [
        part for name, value in settings.items() for part in ("-c", f"alter system set {name} = '{value}'")
    ] + [
        "-c",
        "select pg_reload_conf()",
    ]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else LARGE)
