"""Appending to the ledger and proving, beside the bare work: SQLite inserts and SHA-256 in the same file system.

``python benchmarks/run.py ledger`` prints a table and writes benchmarks/results/ledger.json. Both sides write the same
bodies into a table of the same columns and index, with the same durability (WAL, synchronous FULL) and the same number of
transactions; the limit keeps no tree, no head and no landmarks. Proofs are made in a ledger of a million entries.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks import kit, measure

COUNT, BATCH, MILLION, PROOFS = 20_000, 100, 1_000_000, 300


def main() -> None:
    """Run in a child that has a node's settings: they are read once per process."""
    home = kit.scratch("ledger") / "home"
    home.mkdir()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TSUNAGU_")}
    environment = {**clean, "TSUNAGU_HOME": str(home), "DJANGO_SETTINGS_MODULE": "tsunagu.config.settings"}
    command = [sys.executable, "-c", "from benchmarks import ledger; ledger.work()"]
    subprocess.run(command, check=True, env=environment, cwd=kit.ROOT)


def bodies(number: int, count: int) -> list[dict[str, Any]]:
    """Entries of the size of a run's."""
    source = random.Random(number)
    return [
        {
            "run": f"01M8A31DH77E8FVA{index:010d}", "what": "push", "actor": ["person", "01M8A31DC3PW427EJH29W5JJWX"],
            "dataset": f"01M8A31DC3PW427E{source.randrange(500):010d}", "outcome": "ok", "reason": "",
            "started": "2026-04-01T05:05:00.000Z", "links": [["out", "dataset", "01M8A31DC3PW427EJH29W5JJWX"]],
            "parameters": {"count": source.randrange(10**6), "byte_count": source.randrange(10**12)},
        }
        for index in range(count)
    ]  # fmt: skip


def work() -> None:
    """All contestants in one process."""
    import django

    django.setup()
    from django.core.management import call_command

    from tsunagu.core import settings

    load = os.getloadavg()[0]
    call_command("migrate", verbosity=0)
    bare = bare_database(settings.current().home / "bare.sqlite3")
    contestants = {
        f"append_all, {BATCH} a transaction": ours_in_batches,
        f"append, {BATCH} calls a transaction": ours_one_by_one,
        f"bare insert and SHA-256, {BATCH} a transaction": lambda number: bare_inserts(bare, number),
    }
    rates = measure.alternate(contestants)
    names = list(rates)
    rows = [
        measure.Row(name, "ours" if place < 2 else "limit", rates[name]) for place, name in enumerate(names)
    ]
    batch, single, limit = rows
    proofs = prove()
    goals = [
        measure.Goal("entries a second, in batches", batch.median, 5000),
        measure.Goal("entries a second, call by call", single.median, 5000),
        measure.Goal("batches against the bare work", batch.median / limit.median, 0.2),
        measure.Goal("inclusion proof among a million, p95, ms", proofs["inclusion"], 20, is_upper=True),
        measure.Goal("consistency proof among a million, p95, ms", proofs["consistency"], 20, is_upper=True),
    ]
    notes = [
        f"{COUNT:,} entries of about 400 bytes a round; every transaction is durable (fsync) on both sides.",
        f"Proofs: {PROOFS} at random places and sizes, each with an empty cache, from SQLite.",
    ]
    measure.finish("ledger", "Appending to the ledger, and proofs", "entries/s", rows, goals, notes, load)


def per_second(act: Callable[[], object]) -> float:
    """Entries a second."""
    return COUNT / measure.timed(act)


def chunks(number: int) -> Iterator[list[dict[str, Any]]]:
    """The entries of a round by transaction."""
    found = bodies(number, COUNT)
    return (found[start : start + BATCH] for start in range(0, COUNT, BATCH))


def ours_in_batches(number: int) -> float:
    """As a bulk writer appends."""
    from tsunagu.foundation.ledger import api as ledger

    parts = list(chunks(number))
    return per_second(lambda: [ledger.append_all("run", part) for part in parts])


def ours_one_by_one(number: int) -> float:
    """As services append, many in one transaction."""
    from django.db import transaction

    from tsunagu.foundation.ledger import api as ledger

    parts = list(chunks(number))

    def act() -> None:
        for part in parts:
            with transaction.atomic():
                for body in part:
                    ledger.append("run", body)

    return per_second(act)


def bare_database(file: Path) -> sqlite3.Connection:
    """The same table and settings, and nothing else."""
    db = sqlite3.connect(file, isolation_level=None)
    db.executescript(
        "pragma journal_mode=wal; pragma synchronous=full; pragma wal_autocheckpoint=8000; pragma cache_size=-65536;"
        'create table entry ("index" integer primary key, kind varchar(40), body text, leaf_hash blob, subject varchar(26));'
        "create index by_subject on entry (subject, \"index\") where subject <> '';"
    )
    return db


def bare_inserts(db: sqlite3.Connection, number: int) -> float:
    """Canonical JSON, SHA-256, insert."""
    parts = list(chunks(number))
    index = db.execute('select coalesce(max("index"), -1) + 1 from entry').fetchone()[0]

    def act() -> None:
        nonlocal index
        for part in parts:
            db.execute("begin immediate")
            rows = []
            for body in part:
                text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
                leaf = hashlib.sha256(b"\0" + text.encode()).digest()
                rows.append((index, "run", text, leaf, body["dataset"]))
                index += 1
            db.executemany("insert into entry values (?, ?, ?, ?, ?)", rows)
            db.execute("commit")

    return per_second(act)


def prove() -> dict[str, float]:
    """95th percentile of proofs, in ms, among a million entries."""
    from tsunagu.foundation.ledger import api as ledger

    while ledger.size() < MILLION:
        ledger.append_all("test", [{"n": number} for number in range(min(20_000, MILLION - ledger.size()))])
    source, took = random.Random(7), {"inclusion": list[float](), "consistency": list[float]()}
    for _ in range(PROOFS):
        size = source.randrange(2, MILLION)
        index, old = source.randrange(size), source.randrange(1, size)
        took["inclusion"].append(measure.timed(lambda i=index, s=size: ledger.prove_inclusion(i, s)) * 1000)
        took["consistency"].append(measure.timed(lambda o=old, s=size: ledger.prove_consistency(o, s)) * 1000)
    return {name: measure.percentile(values, 0.95) for name, values in took.items()}


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
