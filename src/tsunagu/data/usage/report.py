"""The numbers of a month as DataCite takes them: COUNTER's dataset report ``DSR``, release ``rd1``, as JSON.

What COUNTER leaves out stays out: zeros, and then what is empty. Countries are not known here, so none are given.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from django.db.models import Sum

from tsunagu.core import settings
from tsunagu.core.errors import NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.publication import api as publication
from tsunagu.data.usage import calendar
from tsunagu.data.usage.errors import BadMonthError
from tsunagu.data.usage.models import UsageCount
from tsunagu.data.usage.selectors import is_public
from tsunagu.foundation.identity.api import SYSTEM, Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.standards import api as standards

_PARTIAL = {
    "code": 3040,
    "severity": "warning",
    "message": "Partial data returned",
    "help-url": "",
    "data": "The month is not over, or late hits may still come in.",
}


def dataset_report(actor: Actor, month: str) -> dict[str, Any]:
    """The report of a month over everything here that has a DOI and that everybody may read.

    Raises:
        ActionDeniedError: the actor does not administer the node.
        BadMonthError: the month is none, or still to come.
    """
    policy.require(actor, "node.admin", policy.NODE)
    first, last, today = calendar.first_day(month), calendar.last_day(month), calendar.today()
    if first > today:
        raise BadMonthError(month=month)
    is_partial = calendar.is_open(first)
    period = {"begin-date": first.isoformat(), "end-date": min(last, today).isoformat()}
    rows = UsageCount.objects.filter(day__range=(first, last), channel="")
    counts: defaultdict[tuple[str, int], Counter[tuple[str, str]]] = defaultdict(Counter)
    for key, version, method, metric, count in (
        rows.values_list("dataset_id", "version", "method", "metric").annotate(Sum("count")).order_by()
    ):
        counts[key, version][method, metric] = count
    shown = {key for key, _ in counts if _is_public(key)}
    found = [
        _dataset(one, counts[one.dataset_id, one.number], period)
        for one in publication.named(shown)
        if counts.get((one.dataset_id, one.number))
    ]
    return {
        "report-header": {
            "report-name": "dataset report",
            "report-id": "DSR",
            "release": "rd1",
            "created": today.isoformat(),
            "created-by": settings.current().node_name,
            "report-filters": [],
            "report-attributes": [],
            "reporting-period": period,
            "exceptions": [_PARTIAL] if is_partial else [],
        },
        "report-datasets": found,
    }


def _is_public(dataset_id: str) -> bool:
    try:
        return is_public(datasets.get_dataset_by_id(SYSTEM, dataset_id))
    except NotFoundError:
        return False


def _dataset(
    one: publication.NamedRecord, counts: Counter[tuple[str, str]], period: dict[str, str]
) -> dict[str, Any]:
    record = one.record
    issued = next((date.value for date in record.dates if date.type == "Issued"), "")
    publisher = record.publishers[0] if record.publishers else None
    return {
        "dataset-title": _text(record.titles),
        "dataset-id": [{"type": "doi", "value": one.doi}],
        "dataset-contributors": [{"type": "name", "value": _text(party.names)} for party in record.creators],
        "dataset-dates": [{"type": "pub-date", "value": issued}] if issued else [],
        "platform": settings.current().node_name,
        "publisher": _text(publisher.names) if publisher else settings.current().node_name,
        "publisher-id": [{"type": "ror", "value": key.value} for key in publisher.ids] if publisher else [],
        "data-type": "dataset",
        "yop": issued[:4],
        "uri": f"https://doi.org/{one.doi}",
        "performance": [
            {
                "period": period,
                "instance": [
                    {"access-method": method, "metric-type": metric, "count": count}
                    for (method, metric), count in sorted(counts.items())
                    if count
                ],
            }
        ],
    }


def _text(texts: tuple[standards.Text, ...]) -> str:
    return next((one.value for one in texts if one.language == "en"), texts[0].value if texts else "")
