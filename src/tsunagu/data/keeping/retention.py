"""Retention: kept until a date, prolonged and never shortened, by nobody.

The date stands three times: as a hold of the rules, as a row that destroying asks again, and in the stores that can
refuse by themselves (S3 Object Lock). Each of them alone is enough to keep the data.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Iterator

from django.db import transaction
from django.db.models import Max, Q

from tsunagu.core import clock, events, settings
from tsunagu.core.errors import InvalidInputError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets.api import DatasetCard
from tsunagu.data.keeping.errors import CannotShortenError
from tsunagu.data.keeping.models import LegalHold, Retention
from tsunagu.data.keeping.types import RetentionCard
from tsunagu.foundation.identity.api import SYSTEM, Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs
from tsunagu.foundation.storage import api as storage

RETAINED = "keeping.retained"
_LONGEST = dt.timedelta(days=36525)


@transaction.atomic
def retain(
    actor: Actor, card: DatasetCard, *, until: str, version: int = 0, reason: str = ""
) -> RetentionCard:
    """Keep a dataset, or one of its versions, through a day.

    Args:
        actor: Who manages the dataset.
        card: Which dataset.
        until: The last day (in the node's time zone), at most a hundred years away.
        version: A frozen version; 0 for the whole dataset.
        reason: Why so long.

    Raises:
        ActionDeniedError: the actor does not manage the dataset.
        CannotShortenError: it is kept longer already.
        NoSuchVersionError: there is no such version.
        InvalidInputError: it is no date, is past or too far away.
    """
    policy.require(actor, "dataset.manage", card.resource)
    if version:
        datasets.get_version(card, version)
    return _keep(actor, card, _end_of(until), version=version, source="person", reason=reason)


@transaction.atomic
def promise(actor: Actor, card: DatasetCard, last_day: dt.date, *, reason: str) -> None:
    """Keep a frozen dataset through the day that a plan promises; an earlier or impossible day changes nothing."""
    policy.require(actor, "dataset.manage", card.resource)
    try:
        ends = _end_of(last_day.isoformat())
        if card.has_frozen:
            _keep(actor, card, ends, version=0, source="plan", reason=reason)
    except (CannotShortenError, InvalidInputError):
        return


def _end_of(text: str) -> dt.datetime:
    try:
        ends = clock.end_of(text, settings.current().time_zone)
    except (ValueError, OverflowError):
        raise InvalidInputError(
            f"{text!r} is no date.", remedy="Write a date as 2037-03-31; that day is the last one."
        ) from None
    if not clock.now() < ends <= clock.now() + _LONGEST:
        raise InvalidInputError(
            f"{text} is past, or more than a hundred years away.", remedy="Give a date that is still to come."
        )
    return ends


def _keep(
    actor: Actor, card: DatasetCard, ends: dt.datetime, *, version: int, source: str, reason: str
) -> RetentionCard:
    row = (
        Retention.objects.select_for_update()
        .filter(dataset_id=card.id, version=version, source=source)
        .first()
    )
    if row is not None and ends == row.until:
        return _card(row)
    if row is not None and ends < row.until:
        raise CannotShortenError(
            f"{card.slug} is kept until {clock.isoformat(row.until)}; that can be prolonged and never shortened."
        )
    run_id = runs.record(
        actor,
        "retain",
        dataset_id=card.id,
        parameters={
            "until": clock.isoformat(ends),
            "before": clock.isoformat(row.until) if row else "",
            "version": version,
            "source": source,
        },
        links=[runs.Link("in", "dataset", card.id, card.slug)],
        reason=reason[:2000],
    )
    row, _made = Retention.objects.update_or_create(
        dataset_id=card.id,
        version=version,
        source=source,
        defaults={
            "project_id": card.project_id,
            "until": ends,
            "reason": reason[:2000],
            "set_by": actor.id,
            "set_at": clock.now(),
            "run_id": run_id,
        },
    )
    place_holds(card.project_id)
    events.record(RETAINED, dataset_id=card.id)
    return _card(row)


def keep_until(dataset_id: str) -> dt.datetime | None:
    """When the last retention of a dataset ends; None where none is in force."""
    rows = Retention.objects.filter(dataset_id=dataset_id, until__gt=clock.now())
    ends: dt.datetime | None = rows.aggregate(last=Max("until"))["last"]
    return ends


def retentions(dataset_id: str) -> tuple[RetentionCard, ...]:
    """Every retention of a dataset that is in force, the longest first."""
    rows = Retention.objects.filter(dataset_id=dataset_id, until__gt=clock.now()).order_by("-until", "pk")
    return tuple(_card(row) for row in rows)


def lock_objects(dataset_id: str) -> int:
    """Have the stores refuse to give up what the frozen versions of a retained dataset hold; repeatable."""
    count, domains = 0, datasets.get_dataset_by_id(SYSTEM, dataset_id).domains
    for number, ends in _ends_by_version(dataset_id).items():
        for part in datasets.frozen_contents(dataset_id, number):
            count += storage.lock_contents(part, ends, domains)
    return count


def _ends_by_version(dataset_id: str) -> dict[int, dt.datetime]:
    rows = Retention.objects.filter(dataset_id=dataset_id, until__gt=clock.now())
    return dict(rows.values_list("version").annotate(last=Max("until")))


def place_holds(project_id: str) -> None:
    """Bring the rules' holds of a project up to date with its retentions and legal holds."""
    kept = Retention.objects.filter(project_id=project_id, until__gt=clock.now())
    ends = dict(kept.values_list("dataset_id").annotate(last=Max("until")))
    policy.place_holds("retention", project_id, [_retained(uid, last) for uid, last in ends.items()])
    standing = LegalHold.objects.filter(project_id=project_id, lifted_at=None)
    held = set(standing.exclude(dataset_id="").values_list("dataset_id", flat=True))
    if standing.filter(dataset_id="").exists():
        held |= set(datasets.dataset_ids(project_id))
    policy.place_holds("legal_hold", project_id, [one for uid in sorted(held) for one in _held(uid)])


def _retained(dataset_id: str, ends: dt.datetime) -> policy.HeldAction:
    last = last_day(ends)
    return policy.HeldAction(
        dataset_id,
        "destroy",
        {
            "en": f"This dataset must be kept through {last}.",
            "ja": f"このデータセットは{last}まで保存が義務付けられています。",
        },
        {"en": "retention", "ja": "保存期間"},
        {
            "en": "Wait until the retention is over; it can be prolonged and never shortened.",
            "ja": "保存期間が終わるまでお待ちください。期間は延長できますが、短縮できません。",
        },
        lifts_s=int(ends.timestamp()),
    )


def _held(dataset_id: str) -> Iterator[policy.HeldAction]:
    for action in ("destroy", "remove"):
        yield policy.HeldAction(
            dataset_id,
            "destroy" if action == "destroy" else "remove",
            {
                "en": "A legal hold lies on this dataset: nothing of it may be removed.",
                "ja": "このデータセットは訴訟・調査等のための保全の対象です。削除はできません。",
            },
            {"en": "legal hold", "ja": "保全命令"},
            {
                "en": "Ask the officer who placed the hold; it is lifted when its reason is gone.",
                "ja": "保全を指示した担当者にお問い合わせください。理由がなくなれば解除されます。",
            },
        )


def is_held(dataset_id: str, project_id: str) -> bool:
    """Whether a legal hold lies on a dataset or on its project."""
    here = Q(dataset_id=dataset_id) | Q(dataset_id="", project_id=project_id)
    return LegalHold.objects.filter(here, lifted_at=None).exists()


def _card(row: Retention) -> RetentionCard:
    return RetentionCard(row.version, clock.isoformat(row.until), last_day(row.until), row.source, row.reason)


def last_day(ends: dt.datetime) -> str:
    """The last day of a retention in the node's time zone."""
    zone = zoneinfo.ZoneInfo(settings.current().time_zone)
    return (ends - dt.timedelta(milliseconds=1)).astimezone(zone).date().isoformat()
