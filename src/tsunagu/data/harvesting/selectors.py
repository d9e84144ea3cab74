"""Sources and records, for those who administer the node."""

from __future__ import annotations

import datetime as dt
import zlib
from collections import defaultdict
from collections.abc import Iterable

from django.db.models import Count, Q

from tsunagu.core import clock
from tsunagu.data.harvesting.errors import NoSuchSourceError
from tsunagu.data.harvesting.models import Harvested, Source
from tsunagu.data.harvesting.types import FoundRecord, RecordCard, SourceCard
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.standards import api as standards


def card_of(row: Source) -> SourceCard:
    """A source with its counts."""
    counts = row.harvested_set.aggregate(
        record_count=Count("pk", filter=Q(is_deleted=False)),
        problem_count=Count("pk", filter=~Q(problem="")),
        deleted_count=Count("pk", filter=Q(is_deleted=True)),
    )
    return SourceCard(
        name=row.name,
        url=row.url,
        set_spec=row.set_spec,
        prefix=row.prefix,
        title=row.title,
        contact=row.contact,
        deletions=row.deletions,
        every_hours=row.every_hours,
        state=row.state,
        reason=row.reason,
        due_at=clock.isoformat(row.due_at),
        ended_at=clock.isoformat(row.ended_at) if row.ended_at else "",
        seen_count=row.seen_count,
        announced_count=row.announced_count,
        **counts,
    )


def list_sources(actor: Actor) -> list[SourceCard]:
    """Every source, by name.

    Raises:
        ActionDeniedError: the actor does not administer the node.
    """
    policy.require(actor, "node.admin", policy.NODE)
    return [card_of(row) for row in Source.objects.order_by("name")]


def get_source(actor: Actor, name: str) -> SourceCard:
    """One source.

    Raises:
        ActionDeniedError: the actor does not administer the node.
        NoSuchSourceError: there is none of this name.
    """
    return card_of(_row(actor, name))


def _row(actor: Actor, name: str) -> Source:
    policy.require(actor, "node.admin", policy.NODE)
    row = Source.objects.filter(name=name).first()
    if row is None:
        raise NoSuchSourceError
    return row


def list_records(
    actor: Actor, name: str, *, only_problems: bool = False, after: int = 0, limit: int = 50
) -> list[RecordCard]:
    """Records of a source, the newest here first; ``after`` is the id of the last one seen. Raises the same."""
    rows = _row(actor, name).harvested_set.order_by("-pk")
    rows = rows.exclude(problem="") if only_problems else rows
    found = list((rows.filter(pk__lt=after) if after else rows).defer("content", "kept")[:limit])
    others = _same_doi(name, [row.doi for row in found if row.doi])
    return [
        RecordCard(
            row.pk,
            row.identifier,
            row.datestamp,
            row.is_deleted,
            tuple(row.sets),
            row.title,
            row.doi,
            row.problem,
            clock.isoformat(row.changed_at),
            tuple(sorted(others[row.doi])) if row.doi else (),
        )
        for row in found
    ]


def records(ids: Iterable[int]) -> list[FoundRecord]:
    """Records by their ids, for everybody: they are public where they come from. Those that are gone are left out."""
    rows = Harvested.objects.filter(pk__in=list(ids), is_deleted=False).exclude(kept="")
    return [
        FoundRecord(
            row.pk, row.source.title, standards.from_kept(row.kept), _second(row.datestamp, row.changed_at)
        )
        for row in rows.select_related("source").defer("content").order_by("pk")
    ]


def record_ids(*, after: int = 0, limit: int = 1000) -> list[int]:
    """Ids of every record, in their order; for an index that is made anew."""
    return list(Harvested.objects.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:limit])


def _second(datestamp: str, here: dt.datetime) -> int:
    try:
        moment = dt.datetime.fromisoformat(datestamp) if datestamp else here
    except ValueError:
        moment = here
    return int((moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp())


def _same_doi(name: str, dois: list[str]) -> dict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    rows = Harvested.objects.filter(doi__in=dois, is_deleted=False).exclude(source__name=name)
    for doi, other in rows.values_list("doi", "source__name"):
        found[doi].add(other)
    return found


def record_content(actor: Actor, name: str, record_id: int) -> tuple[bytes, str]:
    """The metadata as they came, and why they could not be read. Raises the same."""
    row = _row(actor, name).harvested_set.filter(pk=record_id).first()
    if row is None:
        raise NoSuchSourceError("There is no such record.")
    return zlib.decompress(bytes(row.content)), row.problem
