"""Within how many days an institution promised to answer: who is to decide hears of it before the time is up."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from tsunagu.core import clock
from tsunagu.data.publication import selectors, steps
from tsunagu.data.publication.models import Publication
from tsunagu.foundation.identity.api import SYSTEM

_EARLY = dt.timedelta(days=1)
_AT_ONCE = 200


def remind() -> int:
    """Remind once per request, a day before the time is up; returns how many were."""
    now = clock.now()
    rows = Publication.objects.filter(state__in=("requested", "in_review"), institution__answer_days__gt=0)
    rows = rows.select_related("institution").order_by("requested_at").defer("record")
    count = 0
    for row in rows.iterator(chunk_size=_AT_ONCE):
        due = selectors.due_at(row)
        if due is not None and due - _EARLY <= now:
            count += _reminded(row.uid)
        if count >= _AT_ONCE:
            break
    return count


@transaction.atomic
def _reminded(publication_id: str) -> bool:
    row = Publication.objects.select_for_update().filter(pk=publication_id).first()
    if row is None or row.state not in {"requested", "in_review"}:
        return False
    if row.entries.filter(step="remind", written_at__gte=row.requested_at).exists():
        return False
    steps.note_step(SYSTEM, row, "remind")
    return True
