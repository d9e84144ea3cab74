"""The form that the national aggregator harvests: written and judged when a record changes, and not for a request."""

from __future__ import annotations

from django.db.models import F

from tsunagu.data.publication import record
from tsunagu.data.publication.models import Publication
from tsunagu.standards import api as standards

# Grows whenever ``standards`` write or judge differently: what stands in another form is written anew.
FORM = 1
_HEAD = f"{FORM}\n"
_AT_ONCE = 500


def written(shown: standards.PublicRecord) -> str:
    """A record as JPCOAR 2.0, for the row; without an element where it breaks a rule of the aggregator."""
    element = "" if shown.withdrawn_on else standards.jpcoar_element(shown, "2.0")
    is_given = bool(element) and not any(one.is_error for one in standards.check(element.encode()))
    return f"{_HEAD}{element if is_given else ''}"


def element_of(kept: str) -> str | None:
    """What a row keeps: the element, nothing where the record is not given, None where it has to be written first."""
    return kept.removeprefix(_HEAD) if kept.startswith(_HEAD) else None


def renew() -> int:
    """Write some records whose form is an older one; returns how many."""
    rows = Publication.objects.filter(record__isnull=False).exclude(ready__startswith=_HEAD)
    found = list(rows.only("uid", "record", "changed_at")[:_AT_ONCE])
    for row in found:
        text = written(record.from_json(row.record or {}))
        # A record that changed meanwhile brings its own.
        Publication.objects.filter(pk=row.pk, changed_at=row.changed_at).update(
            ready=text, changed_at=F("changed_at")
        )
    return len(found)
