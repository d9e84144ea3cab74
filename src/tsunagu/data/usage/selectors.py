"""How a dataset was used: for those whom policy lets know, and the little that everybody may."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db.models import Min, Sum

from tsunagu.core import settings
from tsunagu.data.ai_use import api as ai_use
from tsunagu.data.datasets import api as datasets
from tsunagu.data.training import api as training
from tsunagu.data.usage import calendar, counting
from tsunagu.data.usage.models import Citation, UsageCount, UsageInstitution
from tsunagu.data.usage.types import (
    DOWNLOADS,
    LOADS,
    CitationCard,
    InstitutionUse,
    Month,
    PublicUse,
    Totals,
    Use,
)
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import ANONYMOUS, Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

SHOWN_MONTHS = 12
_COMPUTATIONS = ("compute",)
_MOST_SHOWN = 200


@dataclass(slots=True)
class _Told:
    """What the records of other rooms tell, by month."""

    runs: Counter[str] = field(default_factory=Counter)
    elsewhere: Counter[str] = field(default_factory=Counter)
    trainings: Counter[str] = field(default_factory=Counter)
    ai_grants: Counter[str] = field(default_factory=Counter)
    ai_services: Counter[str] = field(default_factory=Counter)
    citations: Counter[str] = field(default_factory=Counter)


def use_of(
    actor: Actor, card: datasets.DatasetCard, *, first: str = "", last: str = "", version: int = 0
) -> Use:
    """How a dataset was used, month by month.

    Args:
        actor: Who asks.
        card: The dataset.
        first: The first month, ``2027-03``; empty: a year before the last.
        last: The last month; empty: this one.
        version: Only this frozen version; 0: all.

    Raises:
        ActionDeniedError: the rules do not let the actor know it.
        BadMonthError: the months are none.
        NoSuchVersionError: there is no such frozen version.
    """
    policy.require(actor, "dataset.read_usage", card.resource)
    if version and not 1 <= version < card.draft_number:
        raise datasets.NoSuchVersionError(f"{card.slug} has no frozen version {version}.", version=version)
    last = last or calendar.month_of(calendar.today())
    first = first or calendar.before(last, SHOWN_MONTHS - 1)
    names = list(calendar.months(first, last))
    span = (calendar.first_day(first), calendar.last_day(last))
    numbers, machines, by_version = _numbers(card.id, span, version)
    cited = _citations(card.id, span, version)
    told = _told(card, span, version, cited)
    found = [_month(name, numbers[name], machines[name], told) for name in names]
    mine = [one for one in training.uses_of(actor, card, limit=1000) if _is_in(one.started_at, span)]
    return Use(
        place=card.slug,
        version=version,
        months=tuple(found),
        total=_month("", _sum(numbers.values()), _sum(machines.values()), told),
        versions=tuple(sorted(by_version.items(), reverse=True)),
        models=tuple(sorted({one.training for one in mine if version in {0, one.version}})),
        ai_services=dict(told.ai_services.most_common()),
        institutions=() if version else _institutions(card.id, names),
        institutions_from=settings.current().usage_institution_from,
        citations=tuple(cited[:_MOST_SHOWN]),
    )


def is_public(card: datasets.DatasetCard) -> bool:
    """Whether everybody may know how often a dataset is used: where everybody may read it, and it is not sealed."""
    return not card.seal_state and bool(policy.decide(ANONYMOUS, "dataset.read", card.resource))


def public_use(card: datasets.DatasetCard) -> PublicUse | None:
    """What everybody may know: nothing of data that not everybody may read, and nothing of sealed data."""
    return public_uses([card]).get(card.id)


def public_uses(cards: Iterable[datasets.DatasetCard]) -> dict[str, PublicUse]:
    """The same of several datasets, by ULID; of those of which everybody may know it."""
    shown = [card.id for card in cards if is_public(card)]
    rows = UsageCount.objects.filter(dataset_id__in=shown, version=0, channel="")
    begun = dict(rows.values_list("dataset_id").annotate(Min("day")).order_by())
    counted = {
        (key, metric): total
        for key, metric, total in rows.values_list("dataset_id", "metric").annotate(Sum("count")).order_by()
    }
    citing: defaultdict[str, set[str]] = defaultdict(set)
    for key, one in Citation.objects.filter(dataset_id__in=shown).values_list("dataset_id", "citing"):
        citing[key].add(one)
    return {
        key: PublicUse(
            views=counted.get((key, counting.TOTAL_INVESTIGATIONS), 0),
            downloads=counted.get((key, counting.TOTAL_REQUESTS), 0),
            citations=len(citing[key]),
            since=begun[key].isoformat() if key in begun else "",
        )
        for key in shown
    }


def _month(name: str, counts: Totals, machine: Totals, told: _Told) -> Month:
    """A month, or with an empty name the sum of all."""

    def of(counter: Counter[str]) -> int:
        return counter[name] if name else counter.total()

    return Month(
        month=name,
        counts=counts,
        machine=machine,
        runs=of(told.runs),
        elsewhere=of(told.elsewhere),
        trainings=of(told.trainings),
        ai_grants=of(told.ai_grants),
        citations=of(told.citations),
    )


Span = tuple[dt.date, dt.date]


def _numbers(
    dataset_id: str, span: Span, version: int
) -> tuple[defaultdict[str, Totals], defaultdict[str, Totals], dict[int, Totals]]:
    """Totals by month, those of scripts by month, and totals by version."""
    rows = UsageCount.objects.filter(dataset_id=dataset_id, day__range=span)
    months: defaultdict[str, Counter[str]] = defaultdict(Counter)
    machines: defaultdict[str, Counter[str]] = defaultdict(Counter)
    versions: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for day, number, metric, method, channel, count in rows.values_list(
        "day", "version", "metric", "method", "channel", "count"
    ):
        name = f"{metric}:{channel}"
        if number:
            versions[number][name] += count
        if number != version:
            continue
        months[calendar.month_of(day)][name] += count
        if method == "machine":
            machines[calendar.month_of(day)][name] += count
    return (
        defaultdict(Totals, {name: _totals(one) for name, one in months.items()}),
        defaultdict(Totals, {name: _totals(one) for name, one in machines.items()}),
        {number: _totals(one) for number, one in versions.items()},
    )


def _totals(counts: Counter[str]) -> Totals:
    return Totals(
        investigations=counts[f"{counting.TOTAL_INVESTIGATIONS}:"],
        unique_investigations=counts[f"{counting.UNIQUE_INVESTIGATIONS}:"],
        requests=counts[f"{counting.TOTAL_REQUESTS}:"],
        unique_requests=counts[f"{counting.UNIQUE_REQUESTS}:"],
        downloads=sum(counts[f"{counting.TOTAL_REQUESTS}:{one}"] for one in DOWNLOADS),
        loads=sum(counts[f"{counting.TOTAL_REQUESTS}:{one}"] for one in LOADS),
    )


def _sum(several: Iterable[Totals]) -> Totals:
    kept = list(several)
    return Totals(*(sum(getattr(one, name) for one in kept) for name in Totals.__slots__))


def _told(card: datasets.DatasetCard, span: Span, version: int, cited: Sequence[CitationCard]) -> _Told:
    told = _Told()
    since, until = _moments(span)
    version_hash = datasets.get_version(card, version).version_hash if version else ""
    for run in runs.using(card.id, kinds=_COMPUTATIONS, since=since, until=until, version_hash=version_hash):
        month = _month_of(dt.datetime.fromisoformat(run.started_at))
        told.runs[month] += 1
        told.elsewhere[month] += "site" in run.parameters
    for moment, number in training.begun(card, since=since, until=until):
        if version in {0, number}:
            told.trainings[_month_of(moment)] += 1
    for moment, service, number in ai_use.allowed(card, since=since, until=until):
        if version in {0, number}:
            told.ai_grants[_month_of(moment)] += 1
            told.ai_services[service] += 1
    told.citations.update(one.first_seen_on[:7] for one in cited)
    return told


def _month_of(moment: dt.datetime) -> str:
    return calendar.month_of(calendar.day_of(moment))


def _moments(span: Span) -> tuple[dt.datetime, dt.datetime]:
    zone = zoneinfo.ZoneInfo(settings.current().time_zone)
    first, last = (dt.datetime.combine(day, dt.time(), zone) for day in span)
    return first, last + dt.timedelta(days=1)


def _is_in(moment: str, span: Span) -> bool:
    return span[0] <= calendar.day_of(dt.datetime.fromisoformat(moment)) <= span[1]


def _citations(dataset_id: str, span: Span, version: int) -> list[CitationCard]:
    """One for each publication, the newest first."""
    since, until = _moments(span)
    rows = Citation.objects.filter(
        dataset_id=dataset_id, first_seen_at__gte=since, first_seen_at__lt=until
    ).order_by("-first_seen_at", "-pk")
    if version:
        rows = rows.filter(version=version)
    # Several records may say it; the first that did is named.
    first = {row.citing: row for row in rows}
    return [
        CitationCard(
            row.citing,
            row.title,
            row.relation,
            row.version,
            row.source,
            calendar.day_of(row.first_seen_at).isoformat(),
        )
        for row in first.values()
    ]


def _institutions(dataset_id: str, months: Sequence[str]) -> tuple[InstitutionUse, ...]:
    """Institutions that are named: of fewer people one would guess who they are."""
    rows = UsageInstitution.objects.filter(
        dataset_id=dataset_id,
        month__range=(months[0], months[-1]),
        people__gte=max(2, settings.current().usage_institution_from),
    )
    found = list(rows.order_by("-month", "-requests", "institution")[:_MOST_SHOWN])
    language = settings.current().language
    named = {one.entity_id: one for one in identity.known_providers({row.institution for row in found})}
    return tuple(
        InstitutionUse(
            row.month,
            named[row.institution].name(language) if row.institution in named else row.institution,
            row.people,
            row.requests,
        )
        for row in found
    )
