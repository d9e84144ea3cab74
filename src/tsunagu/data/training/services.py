"""A training reads: begin, ask again, note what was read, end."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from django.db import transaction

from tsunagu.core import clock
from tsunagu.core.errors import InvalidInputError
from tsunagu.core.ids import new_id
from tsunagu.data.ai_use import api as ai_use
from tsunagu.data.datasets import api as datasets
from tsunagu.data.training.errors import NoSuchUseError, UseEndedError
from tsunagu.data.training.models import TrainingUse
from tsunagu.data.training.types import OpenUse, Report
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.runs import api as runs

KIND = "training"
SILENT_AFTER = dt.timedelta(days=2)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_MOST_OPENINGS = 1000
_MOST_READERS = 256
_REPORT = re.compile(r"[0-9A-Za-z]{8,40}")


@transaction.atomic
def open_use(
    actor: Actor,
    card: datasets.DatasetCard,
    *,
    version: int | None = None,
    training: str = "",
    purpose: str,
    service: str = ai_use.LOCAL,
    client: str = "",
) -> OpenUse:
    """Begin to read a frozen version for a training, or join the processes of it that read already.

    Args:
        actor: Who trains.
        card: The dataset.
        version: A frozen version; None: the newest.
        training: Its name, the same in all its processes; empty: one is made up.
        purpose: What for, in words; kept for the provider, never put into the ledger.
        service: Where the training runs: a name in the register of AI services; ``local`` is this node.
        client: Name and version of the program that reads.

    Raises:
        NoSuchVersionError: there is no such version, or none was frozen.
        AiUseRefusedError: the guard does not allow it.
        InvalidInputError: the name has another form than letters, digits, ``.``, ``_`` and ``-``.
    """
    if training and not _NAME.fullmatch(training):
        raise InvalidInputError(
            "The name of a training is letters, digits, dots, underscores and hyphens, at most 100.",
            training=training[:100],
        )
    frozen = _frozen(actor, card, version)
    ai_use.permit(actor, card, service=service, purpose=purpose, kind=KIND, version=frozen.number)
    same = {
        "actor_id": actor.id,
        "training": training,
        "version_hash": frozen.version_hash,
        "service": service,
        "purpose": purpose,
    }
    use = TrainingUse.objects.select_for_update().filter(**same, ended_at=None).first() if training else None
    opening = new_id()
    mine = {opening: {"done": False, "outcome": "", "readers": {}}}
    if use is None or len(use.progress) >= _MOST_OPENINGS:
        name = training or f"stream-{new_id().lower()}"
        use = _begin(actor, card, frozen, {**same, "training": name}, client, mine)
    else:
        use.progress |= mine
        use.heard_at = clock.now()
        use.save(update_fields=["progress", "heard_at"])
    return OpenUse(
        use.run_id,
        opening,
        use.training,
        card.slug,
        frozen.number,
        frozen.version_hash,
        may_cache=not card.seal_state,
    )


def _frozen(actor: Actor, card: datasets.DatasetCard, version: int | None) -> datasets.VersionRef:
    number = card.last_version if version is None else version
    if not number or number >= card.draft_number:
        raise datasets.NoSuchVersionError(
            f"{card.slug} has no frozen version{'' if version is None else f' {version}'}.",
            remedy=f"Freeze one first: tsunagu freeze {card.slug}",
            version=version,
        )
    return datasets.get_version(card, datasets.resolve_version(actor, card, number))


def _begin(
    actor: Actor,
    card: datasets.DatasetCard,
    frozen: datasets.VersionRef,
    same: dict[str, str],
    client: str,
    progress: dict[str, Any],
) -> TrainingUse:
    run_id = runs.start(
        actor,
        KIND,
        dataset_id=card.id,
        parameters={"training": same["training"], "service": same["service"], "version": frozen.number},
        software={"client": client[:100]} if client else {},
        links=[runs.Link("in", "version", frozen.version_hash, f"{card.slug}@{frozen.number}")],
    )
    now = clock.now()
    return TrainingUse.objects.create(
        run_id=run_id,
        dataset_id=card.id,
        version=frozen.number,
        started_at=now,
        heard_at=now,
        progress=progress,
        **same,
    )


def permit(actor: Actor, use_id: str) -> tuple[datasets.DatasetCard, int]:
    """The dataset and version of an open use, when the rules and the guard still allow it.

    Raises:
        NoSuchUseError: unknown or somebody else's.
        UseEndedError: it has ended.
        NotFoundError, AiUseRefusedError: what was allowed is not any more.
    """
    use = _mine(actor, use_id)
    card = datasets.get_dataset_by_id(actor, use.dataset_id)
    number = datasets.resolve_version(actor, card, use.version)
    ai_use.permit(actor, card, service=use.service, purpose=use.purpose, kind=KIND, version=number)
    return card, number


@transaction.atomic
def note(actor: Actor, use_id: str, *, opening: str, report: Report) -> None:
    """Keep what one process has read so far; figures only grow, so a late or repeated report changes nothing.

    Raises:
        NoSuchUseError, UseEndedError: as for ``permit``.
        InvalidInputError: more processes than a use can hold, or a name that is none.
    """
    use = _mine(actor, use_id, lock=True)
    _grow(_opening(use, opening)["readers"], report)
    use.heard_at = clock.now()
    use.save(update_fields=["progress", "heard_at"])


def _grow(readers: dict[str, list[int]], report: Report) -> None:
    known = report.reader in readers
    if not _REPORT.fullmatch(report.reader) or not (known or len(readers) < _MOST_READERS):
        raise InvalidInputError(
            "A report names its process by 8 to 40 letters and digits, at most 256 of them."
        )
    before = readers.get(report.reader, [0, 0, 0])
    now = (report.epochs, report.rows, report.bytes)
    readers[report.reader] = [max(old, new) for old, new in zip(before, now, strict=True)]


@transaction.atomic
def end_use(
    actor: Actor,
    use_id: str,
    *,
    opening: str,
    outcome: runs.Outcome,
    reason: str = "",
    report: Report | None = None,
) -> bool:
    """One process and its workers have ended; with the last one the run ends, as well as its worst process.

    Args:
        actor: Who trains.
        use_id: What was opened.
        opening: Which process has ended.
        outcome: How.
        reason: Why, where it did not end well.
        report: What the process has read, as in ``note``; once the use has ended nothing is added.

    Returns:
        Whether the run ended.

    Raises:
        NoSuchUseError: unknown or somebody else's.
        InvalidInputError: as in ``note``.
    """
    use = _mine(actor, use_id, lock=True, ended=True)
    if use.ended_at is not None:
        return False
    mine = _opening(use, opening)
    if report is not None:
        _grow(mine["readers"], report)
    mine["done"], mine["outcome"] = True, str(outcome)
    use.heard_at = clock.now()
    if all(one["done"] for one in use.progress.values()):
        order = [runs.Outcome.FAILED, runs.Outcome.UNCERTAIN, runs.Outcome.ABORTED, runs.Outcome.OK]
        worst = min((runs.Outcome(one["outcome"]) for one in use.progress.values()), key=order.index)
        _end(use, worst, reason)
        return True
    use.save(update_fields=["progress", "heard_at"])
    return False


@transaction.atomic
def settle_silent(older_than: dt.timedelta = SILENT_AFTER) -> int:
    """End the uses of which nothing was heard: how the training went on is uncertain, what it read is known."""
    limit = clock.now() - older_than
    silent = list(TrainingUse.objects.select_for_update().filter(ended_at=None, heard_at__lt=limit)[:1000])
    for use in silent:
        _end(use, runs.Outcome.UNCERTAIN, "Nothing more was heard of the training.")
    return len(silent)


def totals(progress: dict[str, dict[str, Any]]) -> tuple[int, int, int]:
    """Epochs at most, rows and bytes in all."""
    reports = [one for opening in progress.values() for one in opening["readers"].values()]
    return (
        max((one[0] for one in reports), default=0),
        sum(one[1] for one in reports),
        sum(one[2] for one in reports),
    )


def _end(use: TrainingUse, outcome: runs.Outcome, reason: str) -> None:
    epochs, rows, byte_count = totals(use.progress)
    use.ended_at, use.outcome = clock.now(), str(outcome)
    use.save(update_fields=["progress", "heard_at", "ended_at", "outcome"])
    read = {"epochs": epochs, "rows": rows, "bytes": byte_count, "processes": len(use.progress)}
    runs.finish(use.run_id, outcome, reason=reason, parameters=read)


def _mine(actor: Actor, use_id: str, *, lock: bool = False, ended: bool = False) -> TrainingUse:
    rows = TrainingUse.objects.select_for_update() if lock else TrainingUse.objects
    use = rows.filter(run_id=use_id, actor_id=actor.id).first()
    if use is None:
        raise NoSuchUseError(use=use_id)
    if use.ended_at is not None and not ended:
        raise UseEndedError(use=use_id)
    return use


def _opening(use: TrainingUse, opening: str) -> dict[str, Any]:
    found: dict[str, Any] | None = use.progress.get(opening)
    if found is None:
        raise NoSuchUseError(use=use.run_id)
    return found
