"""Events wait here for some seconds, so that no page waits for a row. What waits when a process is killed is not counted.

Every process has its own; the rows that they write are counted together.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import secrets
import threading
from collections import deque
from collections.abc import Iterable

from django.db import DataError, Error, IntegrityError, connection, transaction

from tsunagu.core.errors import NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.usage import agents, calendar
from tsunagu.data.usage.models import UsageHit, UsageSalt
from tsunagu.data.usage.types import Asked
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.policy import api as policy

logger = logging.getLogger(__name__)

FLUSH_EVERY_S = 10.0
_MOST_BAD = 20
_GRACE = dt.timedelta(hours=1)
# Three hundred events a second for five minutes without a database; the oldest go first.
_MOST_WAITING = 100_000
# Those who make a dataset do not use it; somebody who was let in to read does.
_OWN = frozenset({policy.Role.OWNER, policy.Role.EDITOR, policy.Role.INSTRUMENT})
_waiting: deque[Asked] = deque(maxlen=_MOST_WAITING)
_started = threading.Event()


def note(asked: Asked) -> None:
    """Remember that somebody looked or asked; costs microseconds."""
    _waiting.append(asked)


def start() -> None:
    """Write what waits every few seconds, for as long as this process lives."""
    if not _started.is_set():
        _started.set()
        threading.Thread(target=_write_again_and_again, name="usage", daemon=True).start()


def _write_again_and_again() -> None:
    pause = threading.Event()
    while not pause.wait(FLUSH_EVERY_S):
        try:
            flush()
        except Exception:  # whatever it is: this thread is the only one that counts
            logger.warning("usage_waits", exc_info=True)
        finally:
            connection.close()


def flush() -> int:
    """Write what waits; returns how many hits there are more. What cannot be written now waits on.

    An event that cannot be written while others can is left out alone. An answer that was lost may let hits be written twice:
    they are of one user, address and second, so they count once.

    Raises:
        BadRobotsFileError: the operator's list cannot be read.
        DatabaseError: the database does not answer.
    """
    taken: list[Asked] = []
    while _waiting:
        try:
            taken.append(_waiting.popleft())
        except IndexError:  # another thread was faster
            break
    parts, bad = [taken], list[tuple[Asked, Exception]]()
    try:
        made = _write(parts, bad)
    except Exception:
        _wait_on([*(one for one, _ in bad), *(one for part in reversed(parts) for one in part)])
        raise
    for one, error in bad:
        logger.error("use_left_out", extra={"place": one.place[:200]}, exc_info=error)
    return made


def _write(parts: list[list[Asked]], bad: list[tuple[Asked, Exception]]) -> int:
    """Write parts, the last first, and take them off the list; events that cannot be written go to ``bad``."""
    made, works = 0, False
    while parts:
        part = parts[-1]
        try:
            made += keep(part)
            works = True
        except Exception as error:
            if not _is_of_an_event(error):
                raise
            if len(part) > 1:
                parts[-1:] = [part[len(part) // 2 :], part[: len(part) // 2]]
                continue
            bad.append((part[0], error))
        parts.pop()
        if bad and not works and (len(bad) >= _MOST_BAD or not parts):
            raise bad[0][1]  # not one can be written: it is none of them
    return made


def _is_of_an_event(error: Exception) -> bool:
    """Whether what went wrong is in an event, so that it would go wrong again and again."""
    if isinstance(error, Error):
        return isinstance(error, DataError | IntegrityError)
    return not isinstance(error, agents.BadRobotsFileError)


def _wait_on(events: list[Asked]) -> None:
    room = max(0, _MOST_WAITING - len(_waiting))
    _waiting.extendleft(reversed(events[max(0, len(events) - room) :]))


@transaction.atomic
def keep(events: Iterable[Asked]) -> int:
    """Write events as hits that tell nobody who it was; returns how many.

    Left out: robots, those who work on the dataset, drafts, what has no frozen version, months that are closed.
    """
    events = [one for one in events if calendar.is_open(calendar.day_of(one.at))]
    if not events:
        return 0
    cards = {place: _card(place) for place in {one.place for one in events}}
    own: dict[tuple[str, str], bool] = {}
    people = identity.institutions_of({one.actor.id for one in events if one.actor.kind == "person"})
    salts: dict[str, bytes] = {}
    hits = []
    for one in events:
        card = cards[one.place]
        method = agents.kind_of(one.agent, has_token=bool(one.actor.token_id))
        version = one.version or (card.last_released if card else 0)
        if card is None or method == "robot" or not 1 <= version < card.draft_number:
            continue
        if (one.actor.id, card.id) not in own:
            own[one.actor.id, card.id] = bool(policy.roles_of(one.actor, card.resource) & _OWN)
        if own[one.actor.id, card.id]:
            continue
        day = calendar.day_of(one.at)
        institution = people.get(one.actor.id, "")
        hits.append(
            UsageHit(
                dataset_id=card.id,
                day=day,
                at_s=calendar.second_of(one.at),
                version=version,
                is_request=one.is_request,
                channel=one.channel,
                method=method,
                target=hashlib.sha256(one.target.encode()).hexdigest()[:16],
                who=_hidden(_salt(salts, day.isoformat()), one.who),
                is_job=one.is_job,
                institution=institution,
                person=_hidden(_salt(salts, calendar.month_of(day)), one.actor.id) if institution else "",
            )
        )
    UsageHit.objects.bulk_create(hits, batch_size=500)
    return len(hits)


def _card(place: str) -> datasets.DatasetCard | None:
    project, _slash, name = place.partition("/")
    try:
        return datasets.get_dataset(identity.SYSTEM, project, name)
    except NotFoundError:
        return None


def _salt(known: dict[str, bytes], period: str) -> bytes:
    """The secret of a day or a month, the same in every process."""
    if period not in known:
        row, _made = UsageSalt.objects.get_or_create(
            period=period, defaults={"salt": secrets.token_bytes(32)}
        )
        known[period] = bytes(row.salt)
    return known[period]


def _hidden(salt: bytes, who: str) -> str:
    return hashlib.blake2b(who.encode(), key=salt, digest_size=12).hexdigest()


def forget_salts(now: dt.datetime) -> int:
    """Throw away what hid users on days and in months that are over; returns how many went.

    With an hour's grace: whoever asked before midnight and is written after it would be somebody else, so that one person
    of an institution would count as two.
    """
    days = {calendar.day_of(now), calendar.day_of(now - _GRACE)}
    kept = {one.isoformat() for one in days} | {calendar.month_of(one) for one in days}
    return UsageSalt.objects.exclude(period__in=kept).delete()[0]
