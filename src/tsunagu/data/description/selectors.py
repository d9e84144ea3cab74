"""Reading descriptions, readings and proposals."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.db.models import Count, Max, Min

from tsunagu.core import clock, jobs
from tsunagu.core.ids import new_id
from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets.api import DatasetCard
from tsunagu.data.description import sealing
from tsunagu.data.description.extraction import outcome_of, reading_row
from tsunagu.data.description.models import Extraction, Fact, Proposal, Value
from tsunagu.data.description.types import (
    FactSummary,
    ProposalCard,
    ReadingCard,
    ReadingProgress,
    ValueCard,
)
from tsunagu.formats import api as formats
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy


def values(actor: Actor, dataset: DatasetCard) -> list[ValueCard]:
    """The description of the draft, or of the last version for those who see no draft.

    Raises:
        NotFoundError: the actor may not read the dataset.
    """
    datasets.resolve_version(actor, dataset, None)
    if not dataset.sees_draft:
        return [
            ValueCard(name, found["value"], found["unit"], _public_origin(found["origin"]), found["run"], "")
            for name, found in sorted(dataset.described.items())
        ]
    rows = Value.objects.filter(dataset_id=dataset.id, is_current=True).order_by("name")
    return [
        ValueCard(row.name, row.value, row.unit, row.origin, row.run_id, clock.isoformat(row.set_at))
        for row in rows
    ]


def frozen_values(dataset: DatasetCard, described: Mapping[str, Any]) -> dict[str, Any]:
    """The description of a frozen version, without who is behind a value for those who see no draft."""
    if dataset.sees_draft:
        return dict(described)
    return {name: {**found, "origin": _public_origin(found["origin"])} for name, found in described.items()}


def _public_origin(origin: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in origin.items() if key not in {"id", "accepted_by", "source"}}


def history(actor: Actor, dataset: DatasetCard, name: str) -> list[ValueCard]:
    """Everything that was ever said under a name, newest first.

    Raises:
        ActionDeniedError: the actor sees no draft.
    """
    policy.require(actor, "dataset.read_draft", dataset.resource)
    rows = Value.objects.filter(dataset_id=dataset.id, name=name).order_by("-pk")[:100]
    return [
        ValueCard(row.name, row.value, row.unit, row.origin, row.run_id, clock.isoformat(row.set_at))
        for row in rows
    ]


def proposals(actor: Actor, dataset: DatasetCard, *, state: str = "open") -> list[ProposalCard]:
    """What machines propose, surest first.

    Raises:
        ActionDeniedError: the actor may not see the draft.
    """
    policy.require(actor, "dataset.read_draft", dataset.resource)
    rows = Proposal.objects.filter(dataset_id=dataset.id, state=state).order_by("-confidence", "name", "pk")
    return [
        ProposalCard(
            row.uid, row.name, row.value, row.unit, row.confidence, row.rule, row.state, row.evidence
        )
        for row in rows[:200]
    ]


def readings(dataset: DatasetCard, hashes: Iterable[bytes]) -> dict[bytes, ReadingCard]:
    """The current readings of contents; the caller has asked the rules for the files."""
    rows = Extraction.objects.filter(dataset_id=dataset.id, is_current=True, sha256__in=list(set(hashes)))
    return {bytes(row.sha256): _card(row) for row in rows.defer("outcome")}


def outcomes(
    dataset: DatasetCard, hashes: Iterable[bytes], *, readers: Collection[str] = ()
) -> dict[bytes, dict[str, Any]]:
    """Whole outcomes of the current readings of contents; the caller has asked the rules for the files.

    Args:
        dataset: Where the files are.
        hashes: SHA-256 of the contents.
        readers: Only what these readers said.
    """
    rows = Extraction.objects.filter(dataset_id=dataset.id, is_current=True, sha256__in=list(set(hashes)))
    if readers:
        rows = rows.filter(reader__in=readers)
    return {bytes(row.sha256): outcome_of(row) for row in rows}


def _card(row: Extraction) -> ReadingCard:
    return ReadingCard(
        row.uid,
        bytes(row.sha256),
        row.path,
        row.reader or None,
        row.reader_version,
        row.status,
        row.reason,
        row.reason_code,
        sealing.shown_previews(row),
        row.run_id,
        clock.isoformat(row.made_at),
    )


def reading(
    actor: Actor, dataset: DatasetCard, path: str, *, version: int | None = None
) -> tuple[ReadingCard, dict[str, Any]]:
    """What the reader said of one file, with its whole outcome as JSON values.

    Raises:
        NotFoundError: no such file for this actor, or it has not been read yet.
    """
    file = datasets.get_file(actor, dataset, path, version=version)
    row = reading_row(dataset.id, file.sha256)
    outcome = outcome_of(row)
    if not dataset.sees_draft:
        fields = outcome["reading"]["fields"]
        outcome["reading"]["fields"] = [field for field in fields if not field["personal"]]
    return _card(row), outcome


def earlier_readings(
    actor: Actor, dataset: DatasetCard, path: str
) -> list[tuple[ReadingCard, dict[str, Any]]]:
    """All readings of a file's content, newest first, each with the difference to the one before.

    Raises:
        ActionDeniedError: the actor may not see the draft.
    """
    policy.require(actor, "dataset.read_draft", dataset.resource)
    file = datasets.get_file(actor, dataset, path)
    rows = list(Extraction.objects.filter(dataset_id=dataset.id, sha256=file.sha256).order_by("-pk")[:20])
    found = []
    for number, row in enumerate(rows):
        before = formats.Outcome.from_json(outcome_of(rows[number + 1])) if number + 1 < len(rows) else None
        now = formats.Outcome.from_json(outcome_of(row))
        found.append((_card(row), formats.diff_fields(before, now) if before else {}))
    return found


def file_values(
    actor: Actor, dataset: DatasetCard, *, version: int | None = None, after: str = "", limit: int = 50
) -> tuple[list[dict[str, Any]], str]:
    """Every field that readers found, file by file in path order, with its origin.

    Returns:
        Values {key, name, value, unit, origin {kind, path, where, reader, sha256, run}}, and the path that continues.

    Raises:
        NotFoundError: the actor may not read the dataset.
    """
    page = datasets.list_files(actor, dataset, version=version, after=after, limit=limit)
    rows = {
        bytes(row.sha256): row
        for row in Extraction.objects.filter(
            dataset_id=dataset.id, is_current=True, sha256__in=[file.sha256 for file in page.files]
        )
    }
    found: list[dict[str, Any]] = []
    for file in page.files:
        row = rows.get(file.sha256)
        if row is None:
            continue
        outcome = outcome_of(row)
        for field in (outcome.get("reading") or {}).get("fields", []):
            if field.get("personal") and not dataset.sees_draft:
                continue
            found.append(
                {
                    "key": field["key"],
                    "name": field.get("name"),
                    "value": field["value"],
                    "unit": field.get("unit"),
                    "origin": {
                        "kind": "file",
                        "path": file.path,
                        "where": field.get("where", ""),
                        "reader": row.reader,
                        "reader_version": row.reader_version,
                        "sha256": file.sha256.hex(),
                        "run": row.run_id,
                    },
                }
            )
    return found, page.after


def facts(actor: Actor, dataset: DatasetCard) -> list[FactSummary]:
    """Normalised fields over all files of the dataset, for its page; whoever sees no draft sees none of its values.

    Raises:
        NotFoundError: the actor may not read the dataset.
    """
    number = datasets.resolve_version(actor, dataset, None)
    seen = Fact.objects.filter(dataset_id=dataset.id)
    if not dataset.sees_draft:
        seen = seen.filter(extraction__sha256__in=datasets.hashes_of(dataset, number))
    rows = (
        seen.values("name", "unit", "text")
        .annotate(
            files=Count("extraction_id", distinct=True), low=Min("number"), high=Max("number"), one=Min("pk")
        )
        .order_by("name", "unit", "-files", "text")[:5000]
    )
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["name"], row["unit"]), []).append(dict(row))
    examples = {
        fact.pk: fact.extraction.path
        for fact in Fact.objects.select_related("extraction")
        .defer("extraction__outcome")
        .filter(pk__in=[group[0]["one"] for group in groups.values()])
    }
    found = []
    for (name, unit), group in groups.items():
        numbers = [row for row in group if row["low"] is not None]
        found.append(
            FactSummary(
                name=name,
                unit=unit,
                file_count=sum(row["files"] for row in group),
                values=tuple((row["text"], row["files"]) for row in group[:5]),
                low=min((row["low"] for row in numbers), default=None),
                high=max((row["high"] for row in numbers), default=None),
                example={"path": examples.get(group[0]["one"], "")},
            )
        )
    return found


def status_counts(dataset: DatasetCard) -> dict[str, int]:
    """How many contents were read, read with warnings, not recognised or not readable."""
    rows = Extraction.objects.filter(dataset_id=dataset.id, is_current=True).values("status")
    return {row["status"]: row["n"] for row in rows.annotate(n=Count("pk")).order_by("status")}


def progress(dataset: DatasetCard) -> ReadingProgress:
    """How far reading is; costs the same for any size, since it looks at queued work. The caller has asked the rules."""
    from tsunagu.data.description.tasks import BATCH, read_again, read_batch, read_unit

    total = dataset.file_count
    again = jobs.waiting(read_again, dataset_id=dataset.id)
    if again:
        return ReadingProgress(
            is_running=True, is_again=True, done=min(total, *(job["after"] for job in again)), total=total
        )
    batches = jobs.waiting(read_batch, dataset_id=dataset.id)
    if not batches and not jobs.waiting(read_unit, dataset_id=dataset.id):
        return ReadingProgress(is_running=False, is_again=False, done=total, total=total)
    counted = sum(status_counts(dataset).values())
    done = max(counted, total - BATCH * len(batches) if batches else 0)
    return ReadingProgress(is_running=True, is_again=False, done=min(total, max(0, done)), total=total)


def problem_files(dataset: DatasetCard, *, limit: int = 20) -> list[ReadingCard]:
    """Contents that could not be read or only with warnings, newest first; the caller has asked the rules."""
    rows = Extraction.objects.filter(
        dataset_id=dataset.id, is_current=True, status__in=("unreadable", "read_with_warnings")
    )
    return [_card(row) for row in rows.defer("outcome").order_by("status", "-pk")[:limit]]


def start_reading_again(actor: Actor, dataset: DatasetCard) -> str:
    """Queue all files of the draft for reading with today's readers and mapping; returns the first run's id.

    Raises:
        ActionDeniedError: the actor may not describe the dataset.
    """
    from tsunagu.data.description.tasks import read_again

    policy.require(actor, "dataset.describe", dataset.resource)
    run_id = new_id()
    read_again.enqueue(
        dataset_id=dataset.id, actor_id=actor.id, actor_name=actor.name, after=0, run_id=run_id
    )
    return run_id


def labels(language: str) -> dict[str, str]:
    """Words of a language for normalised names, from the mapping in force."""
    from tsunagu.data.description.mappings import current_mapping, parsed

    terms = parsed(current_mapping().text).terms
    return {term.name: term.label.get(language) or term.name for term in terms}
