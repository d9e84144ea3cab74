"""The way out: what waits is posted, as often as it takes, with the same id each time (receivers drop what they have).

A service that is down is left alone until the next turn, and holds up nobody else.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import time
from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext_noop as later

from tsunagu.core import clock, egress, retrying
from tsunagu.data.notices.models import Sent
from tsunagu.foundation.runs import api as runs

logger = logging.getLogger(__name__)

NO_PARTNER = later("The service was removed before this reached it.")
MEDIA_TYPE = 'application/ld+json;profile="https://www.w3.org/ns/activitystreams"'
_GOOD = frozenset({200, 201, 202, 204})
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_GIVE_UP_AFTER = dt.timedelta(hours=48)
_SENT_FOR = dt.timedelta(minutes=2)  # longer than any request may take
_TURN_S = 45.0
_LONGEST_ERROR = 4000


def deliver_due(*, limit: int = 100) -> int:
    """Send what is due, what has waited longest first; returns how many were tried."""
    now = clock.now()
    lost = Sent.objects.filter(state="sending", sent_at__lt=now - _SENT_FOR)
    lost.update(state="waiting", next_try=now)  # whether it arrived or not, the same id may be sent again
    due = Sent.objects.filter(state="waiting", next_try__lte=now)
    down: set[int] = set()
    count, ends = 0, time.monotonic() + _TURN_S
    rows = due.order_by("next_try", "uid").values_list("uid", "partner_id")[:limit]
    for key, partner_id in list(rows):
        if partner_id in down:
            continue
        if time.monotonic() > ends:
            break
        count += 1
        if not _deliver(key):
            down.add(partner_id)
            # Behind what waits for others, which else would never be reached.
            due.filter(partner_id=partner_id).update(next_try=clock.now())
    return count


def _deliver(key: str) -> bool:
    """Send one; False where its service does not answer."""
    with transaction.atomic():
        row = Sent.objects.select_for_update(of=("self",)).filter(pk=key).select_related("partner").first()
        if row is None or row.state != "waiting" or row.next_try > clock.now():
            return True
        partner = row.partner
        if partner is None:  # it was removed while this was being sent
            give_up([row])
            return True
        row.state, row.sent_at, row.attempts = "sending", clock.now(), row.attempts + 1
        row.save(update_fields=["state", "sent_at", "attempts"])
    headers = {"Authorization": f"Bearer {partner.token}"} if partner.token else {}
    body = json.dumps(row.body, ensure_ascii=False).encode()
    try:
        answer = egress.post(partner.inbox, body, media_type=MEDIA_TYPE, headers=headers)
    except egress.EgressRefusedError as error:
        _end(row, "refused", error.message)
        return True
    except egress.EgressFailedError as error:
        _later(row, error.message)
        return False
    row.last_status = answer.status
    said = answer.text
    if answer.status in _GOOD:
        _end(row, "done", "")
    elif answer.status in _AGAIN:
        _later(row, said, after=answer.retry_after)
        return False
    else:
        _end(row, "refused", said)
    return True


def give_up(rows: Iterable[Sent]) -> None:
    """End what will never be sent, since there is no partner for it any more."""
    for row in rows:
        _end(row, "given_up", NO_PARTNER, reason=NO_PARTNER)


def _end(row: Sent, state: str, said: str, *, reason: str = "") -> None:
    with transaction.atomic():
        # What the partner answered meanwhile stands in columns of its own, so only these are written.
        row.state, row.last_error, row.done_at = state, said[:_LONGEST_ERROR], clock.now()
        row.save(update_fields=["state", "last_error", "done_at", "last_status", "attempts"])
        is_good = state == "done"
        reason = "" if is_good else reason or f"The partner service answered with status {row.last_status}."
        runs.finish(row.run_id, runs.Outcome.OK if is_good else runs.Outcome.FAILED, reason=reason)
    if not is_good:
        logger.warning("notice_refused", extra={"notice": row.uid, "status": row.last_status})


def _later(row: Sent, said: str, *, after: str = "") -> None:
    now = clock.now()
    if now - row.made_at > _GIVE_UP_AFTER:
        _end(row, "given_up", said)
        return
    row.state, row.last_error = "waiting", said[:_LONGEST_ERROR]
    row.next_try = now + dt.timedelta(seconds=retrying.wait_s(row.attempts, after))
    row.save(update_fields=["state", "last_error", "next_try", "last_status"])
