"""The second store and reading everything again, at the shell of the node."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Any

import django


def replica(options: argparse.Namespace) -> int:
    """Say how far the second store is behind; with ``--now`` copy what waits first. Exit code 1: something waits."""
    django.setup()
    from tsunagu.client.progress import size
    from tsunagu.doors.cli.up import prepare_database
    from tsunagu.foundation.storage import api as storage

    prepare_database()
    copied = storage.copy_waiting(most_bytes=1 << 62) if options.now else (0, 0)
    stands = storage.behind()
    if options.json:
        print(json.dumps({**asdict(stands), "copied_count": copied[0], "copied_bytes": copied[1]}, indent=2))
    elif not stands.is_set:
        print("No second store is set (replica_url).")
    else:
        if options.now:
            print(f"copied   {copied[0]:,} objects, {size(copied[1])}")
        print(f"objects  {stands.object_count:,}, {size(stands.byte_count)}")
        since = f", the oldest since {stands.waiting_since}" if stands.waiting_since else ""
        print(f"waiting  {stands.waiting_count:,}, {size(stands.waiting_bytes)}{since}")
    return int(stands.is_set and stands.waiting_count > 0)


def scrub(options: argparse.Namespace) -> int:
    """Read what is due, or everything, again; exit code 1 when damage is left that no copy could repair."""
    django.setup()
    from tsunagu.client.progress import Progress, ShownProgress, size
    from tsunagu.data.keeping import api as keeping
    from tsunagu.doors.cli.up import prepare_database

    prepare_database()
    damaged: list[dict[str, Any]] = []
    shown = Progress() if options.json else ShownProgress("scrub")
    with shown as progress:
        for found in keeping.scrub(everything=options.all):
            progress.add(files=1, byte_count=found.byte_count)
            if found.problem:
                damaged.append(
                    {
                        "object": found.key,
                        "problem": found.problem,
                        "contents": [one.hex() for one in found.damaged],
                        "repaired_from": found.repaired_from,
                    }
                )
    left = [one for one in damaged if not one["repaired_from"]]
    if options.json:
        report = {"ok": not left, "objects": shown.files, "bytes": shown.byte_count, "damaged": damaged}
        print(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        print(
            f"read {shown.files:,} objects, {size(shown.byte_count)}; {len(damaged)} damaged, {len(left)} not repaired"
        )
        for one in damaged:
            done = f"repaired from the {one['repaired_from']}" if one["repaired_from"] else "NOT REPAIRED"
            print(f"  {one['object']}  {done}: {one['problem']}")
    return int(bool(left))
