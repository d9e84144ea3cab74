"""Copies and repairs as events that people find again: every damage is a run of each dataset that it concerns."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator

from django.db import transaction

from tsunagu.core import clock, events, settings
from tsunagu.data.datasets import api as datasets
from tsunagu.foundation.identity.api import SYSTEM
from tsunagu.foundation.runs import api as runs
from tsunagu.foundation.storage import api as storage

DAMAGE = "keeping.damage_found"
_MOST_DATASETS = 50


def scrub(*, everything: bool = False, most_bytes: int | None = None) -> Iterator[storage.Scrubbed]:
    """Read stored objects again and repair what is damaged; yields what was found, object by object.

    Args:
        everything: Whether to read what was read lately too.
        most_bytes: Stop after so many bytes; None: no end but that of the work.
    """
    now = clock.now()
    before = now if everything else now - dt.timedelta(days=settings.current().scrub_days)
    for found in storage.scrub(due_before=before, most_bytes=most_bytes or 1 << 62):
        if found.problem:
            _record(found)
        yield found


def nightly_share() -> int:
    """Bytes to read in a night, so that everything is read within the days of the setting; at least 1 GiB."""
    days = max(1, int(settings.current().scrub_days))
    return max(1 << 30, storage.behind().byte_count * 3 // (2 * days))


@transaction.atomic
def _record(found: storage.Scrubbed) -> None:
    concerned: dict[str, list[str]] = defaultdict(list)
    for dataset_id, path, _sha256 in datasets.paths_of(found.damaged):
        concerned[dataset_id].append(path)
    if found.domain:
        concerned[found.domain] += []  # a key domain is a dataset; which of its files, ``verify`` tells
    is_bad = bool(found.damaged) and not found.repaired_from
    for dataset_id in list(concerned)[:_MOST_DATASETS] or [""]:
        paths = sorted(set(concerned.get(dataset_id, [])))
        run_id = runs.start(
            SYSTEM,
            "repair",
            dataset_id=dataset_id,
            parameters={
                "object": found.key,
                "file_count": len(paths),
                "paths": paths[:50],
                "repaired_from": found.repaired_from,
            },
            links=[runs.Link("in", "dataset", dataset_id)] if dataset_id else [],
        )
        runs.finish(run_id, runs.Outcome.FAILED if is_bad else runs.Outcome.OK, reason=found.problem)
    events.record(DAMAGE, key=found.key, is_repaired=not is_bad)
