"""What harvesters see: the records of every publication in the order of their changes, deletions among them.

Records stand ready in the rows, so a page costs one query. Only what anybody may know is in them.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Min, Q, QuerySet, TextField
from django.db.models.functions import Cast

from tsunagu.data.publication import ready
from tsunagu.data.publication.models import Institution, Publication
from tsunagu.data.publication.types import Entry, SetCard

_OF_INSTITUTION = "institution:"
_GONE = frozenset({"withdrawn", "moved"})
_COLUMNS = ("uid", "kept", "harvest_at", "state", "institution__name", "ready")


def harvest(
    *,
    institution: str = "",
    set_spec: str = "",
    since: dt.datetime | None,
    until: dt.datetime | None,
    after: tuple[dt.datetime, str] | None,
    limit: int,
) -> list[Entry]:
    """Entries by (changed_at, record.id).

    Args:
        institution: Only of this one.
        set_spec: Only of this set.
        since: Changed at this moment or later.
        until: Changed at this moment or earlier.
        after: The last one seen: its moment and its id.
        limit: How many.
    """
    rows = _rows(institution, set_spec, since, until)
    if after is not None:
        moment, key = after
        # The first condition lets the index begin there; with the second alone every page would read all before it.
        rows = rows.filter(harvest_at__gte=moment).filter(Q(harvest_at__gt=moment) | Q(uid__gt=key))
    return [_entry(row) for row in rows.order_by("harvest_at", "uid").values_list(*_COLUMNS)[:limit]]


def find_entry(record_id: str, institution: str = "") -> Entry | None:
    """One entry by the id of its record; None where nothing of it was ever public."""
    rows = _rows(institution, "", None, None).filter(pk=record_id)
    row = rows.values_list(*_COLUMNS).first()
    return _entry(row) if row else None


def dataset_of_record(record_id: str) -> str:
    """ULID of the dataset that a record is a version of; nothing where there is no such record."""
    return str(Publication.objects.filter(pk=record_id).values_list("dataset_id", flat=True).first() or "")


def count(
    *, institution: str = "", set_spec: str = "", since: dt.datetime | None, until: dt.datetime | None
) -> int:
    """How many entries ``harvest`` would give in all."""
    return _rows(institution, set_spec, since, until).count()


def earliest(institution: str = "") -> dt.datetime | None:
    """The moment of the first entry; None while nothing is public."""
    found: dt.datetime | None = _rows(institution, "", None, None).aggregate(first=Min("harvest_at"))["first"]
    return found


def list_sets(institution: str = "") -> list[SetCard]:
    """Sets that can be harvested alone: one for each institution that has something public."""
    rows = Institution.objects.filter(publication__record__isnull=False).distinct().order_by("name")
    if institution:
        rows = rows.filter(name=institution)
    return [SetCard(f"{_OF_INSTITUTION}{row.name}", row.name_ja, row.name_en) for row in rows]


def _rows(
    institution: str, set_spec: str, since: dt.datetime | None, until: dt.datetime | None
) -> QuerySet[Any]:
    # As text: it becomes a record in one step.
    rows = Publication.objects.exclude(harvest_at=None).annotate(kept=Cast("record", TextField()))
    if institution:
        rows = rows.filter(institution__name=institution)
    if set_spec:
        is_known = set_spec.startswith(_OF_INSTITUTION)
        rows = (
            rows.filter(institution__name=set_spec.removeprefix(_OF_INSTITUTION)) if is_known else rows.none()
        )
    if since is not None:
        rows = rows.filter(harvest_at__gte=since)
    if until is not None:
        rows = rows.filter(harvest_at__lte=until)
    return rows


def _entry(row: tuple[object, ...]) -> Entry:
    key, kept, changed_at, state, name, jpcoar = row
    assert isinstance(changed_at, dt.datetime)
    sets = (f"{_OF_INSTITUTION}{name}",)
    return Entry(str(key), str(kept), changed_at, state in _GONE, sets, ready.element_of(str(jpcoar)))
