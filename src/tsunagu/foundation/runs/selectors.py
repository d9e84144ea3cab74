"""Reading runs. Who may see them is decided by the room that owns the dataset."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from django.db import connection
from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber

from tsunagu.core import clock
from tsunagu.foundation.runs.models import Run, RunLink
from tsunagu.foundation.runs.types import Ended, Link, Outcome, RunCard

_AT_ONCE = 500
# Asked for every use by AI; each source once, already in the database: ten thousand runs may have used one dataset.
_SOURCES = """
    select used.entity_id
    from runs_runlink used join runs_run run on run.id = used.run_id
    where run.dataset_id = %s and used.direction = 'in' and used.entity_kind = 'dataset' and used.entity_id <> %s
        and (run.ended_at is null
            or exists (select 1 from runs_runlink made where made.run_id = run.id and made.direction = 'out'))
    group by used.entity_id
    order by max(run.id) desc, max(used.id)
"""


def get(run_id: str) -> RunCard | None:
    """One run with its links."""
    row = Run.objects.prefetch_related("links").filter(uid=run_id).first()
    return _card(row) if row else None


def row_ids(run_ids: Iterable[str]) -> dict[str, int]:
    """Database keys of runs, for rows that point at them."""
    return dict(Run.objects.filter(uid__in=set(run_ids)).values_list("uid", "pk"))


def by_row_ids(keys: Iterable[int]) -> dict[int, RunCard]:
    """Runs by the database keys that other rows hold."""
    return {row.pk: _card(row, with_links=False) for row in Run.objects.filter(pk__in=set(keys))}


def of_dataset(
    dataset_id: str, *, before: str = "", limit: int = 50, kinds: Sequence[str] = ()
) -> list[RunCard]:
    """Runs of a dataset, newest first; ``before`` is the id of the last one seen."""
    rows = Run.objects.filter(dataset_id=dataset_id)
    if kinds:
        rows = rows.filter(kind__in=kinds)
    if before:
        anchor = Run.objects.filter(uid=before).values_list("pk", flat=True).first()
        rows = rows.filter(pk__lt=anchor or 0)
    return [_card(row) for row in rows.order_by("-pk").prefetch_related("links")[:limit]]


def sources_of(dataset_id: str) -> list[str]:
    """ULIDs of the datasets that runs of a dataset used, the nearest alone, those used last first.

    What a run that goes on will make is not known yet; it counts from its start, as labels do.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SOURCES, [dataset_id, dataset_id])
        return [entity_id for (entity_id,) in cursor.fetchall()]


def using(
    dataset_id: str, *, kinds: Sequence[str], since: dt.datetime, until: dt.datetime, version_hash: str = ""
) -> Iterator[RunCard]:
    """Runs of some kinds that began in a span of time and used a dataset, oldest first, one by one and without their links.

    Args:
        dataset_id: Which dataset.
        kinds: Of which kinds.
        since: They began then or later.
        until: They began before.
        version_hash: Only those that used this version; empty: any.
    """
    rows = Run.objects.filter(kind__in=kinds, started_at__gte=since, started_at__lt=until)
    for kind, key in (("dataset", dataset_id), ("version", version_hash)):
        used = RunLink.objects.filter(direction="in", entity_kind=kind, entity_id=key)
        rows = rows.filter(pk__in=used.values("run")) if key else rows
    for row in rows.order_by("pk").iterator(chunk_size=_AT_ONCE):
        yield _card(row, with_links=False)


def open_count(dataset_id: str, kind: str) -> int:
    """How many runs of a kind are going on for a dataset."""
    return Run.objects.filter(dataset_id=dataset_id, kind=kind, ended_at=None).count()


def recent_of_actor(actor_id: str, *, limit: int = 10) -> list[RunCard]:
    """What somebody did last, newest first."""
    rows = Run.objects.filter(actor_id=actor_id).order_by("-pk")[:limit]
    return [_card(row, with_links=False) for row in rows]


# Housekeeping that failed is no negative result: a computation that failed is one, and a measurement that did.
_COMPUTED, _MEASURED = "compute", "capture"
MOST_BAD = 20
_DATASETS_AT_ONCE = 200


def is_experiment(kind: str, actor_kind: str) -> bool:
    """Whether a run is of the kind whose failure tells a researcher something."""
    return kind == _COMPUTED or (kind == _MEASURED and actor_kind == "instrument")


def ended_badly(dataset_ids: Iterable[str], *, limit: int = MOST_BAD) -> dict[str, tuple[Ended, ...]]:
    """Experiments of datasets that failed or were aborted: the last of each, newest first.

    However many there are, no more than these leave the database, for some datasets at a time. A dataset that comes with
    ``limit`` of them may have more. The caller asks the rules: runs are for those who see the draft.

    Args:
        dataset_ids: Of which datasets.
        limit: How many of each, ``MOST_BAD`` at most.
    """
    experiment = Q(kind=_COMPUTED) | Q(kind=_MEASURED, actor_kind="instrument")
    rows = Run.objects.filter(experiment, outcome__in=(Outcome.FAILED, Outcome.ABORTED)).annotate(
        place=Window(RowNumber(), partition_by=F("dataset_id"), order_by=F("pk").desc())
    )
    ids = list(dict.fromkeys(dataset_ids))
    found: dict[str, list[Ended]] = defaultdict(list)
    for at in range(0, len(ids), _DATASETS_AT_ONCE):
        part = rows.filter(dataset_id__in=ids[at : at + _DATASETS_AT_ONCE], place__lte=min(limit, MOST_BAD))
        for row in part.order_by("-pk").only("uid", "kind", "outcome", "reason", "ended_at", "dataset_id"):
            ended = clock.isoformat(row.ended_at) if row.ended_at else ""
            found[row.dataset_id].append(Ended(row.uid, row.kind, row.outcome, row.reason, ended))
    return {key: tuple(several) for key, several in found.items()}


def _card(row: Run, *, with_links: bool = True) -> RunCard:
    links = row.links.all() if with_links else ()
    return RunCard(
        id=row.uid,
        kind=row.kind,
        outcome=row.outcome,
        reason=row.reason,
        actor_kind=row.actor_kind,
        actor_id=row.actor_id,
        actor_name=row.actor_name,
        agent=row.agent,
        dataset_id=row.dataset_id,
        started_at=clock.isoformat(row.started_at),
        ended_at=clock.isoformat(row.ended_at) if row.ended_at else None,
        parameters=row.parameters,
        software=row.software,
        links=tuple(
            Link("in" if link.direction == "in" else "out", link.entity_kind, link.entity_id, link.label)
            for link in links
        ),
    )
