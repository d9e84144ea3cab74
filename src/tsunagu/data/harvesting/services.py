"""Taking sources up, and having them asked."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from django.db import transaction

from tsunagu.core import clock, egress, events
from tsunagu.core.errors import InvalidInputError
from tsunagu.data.harvesting import answers, asking, rounds
from tsunagu.data.harvesting.errors import (
    BadAnswerError,
    NoSuchSourceError,
    NotARepositoryError,
    SourceKnownError,
    SourceSaysError,
)
from tsunagu.data.harvesting.models import Source
from tsunagu.data.harvesting.selectors import card_of
from tsunagu.data.harvesting.types import SourceCard
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.ledger import api as ledger
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

_MOST_URL = 500
_MOST_SET = 200
_TOLD_AT_ONCE = 1000
_MOST_HOURS = 24 * 366


def add(
    actor: Actor, url: str, *, set_spec: str = "", prefix: str = "", name: str = "", every_hours: int = 24
) -> SourceCard:
    """Take up a repository; its records are fetched from now on, and again every so many hours.

    Args:
        actor: Who administers the node.
        url: The base URL of OAI-PMH.
        set_spec: One of its sets alone.
        prefix: The form to ask for; empty: the one that says most.
        name: What it is called here; empty: after its host.
        every_hours: How often; 0 would be never, and is refused.

    Raises:
        ActionDeniedError: the actor does not administer the node.
        NotARepositoryError: nothing there speaks OAI-PMH, or in no form that is read here.
        EgressRefusedError, EgressFailedError: it cannot be asked.
        SourceKnownError: it is there already.
        InvalidInputError: something cannot be.
    """
    policy.require(actor, "node.admin", policy.NODE)
    url = _checked(url, set_spec, every_hours)
    if Source.objects.filter(url=url, set_spec=set_spec).exists():
        raise SourceKnownError
    try:
        said = answers.identified(asking.ask(url, verb="Identify"))
        forms = answers.offered(asking.ask(url, verb="ListMetadataFormats"))
    except (BadAnswerError, SourceSaysError) as error:
        raise NotARepositoryError(
            f"What answers at {url} is no OAI-PMH repository: {error.message}"
        ) from error
    chosen = prefix or next((one for one in rounds.PREFIXES if one in forms), "")
    if chosen not in forms or chosen not in rounds.PREFIXES:
        raise NotARepositoryError(
            f"The repository offers {', '.join(forms)[:300] or 'no form'}.",
            remedy=f"Read here are {', '.join(rounds.PREFIXES)}.",
        )
    now = clock.now()
    with transaction.atomic():
        row = Source.objects.create(
            name=_name(name or urlsplit(url).hostname or "source", set_spec),
            url=url,
            set_spec=set_spec,
            prefix=chosen,
            title=said.title or urlsplit(url).hostname or url,
            contact=said.contact,
            is_day_granular=said.is_day_granular,
            deletions=said.deletions,
            every_hours=every_hours,
            made_by=actor.id,
            made_at=now,
            due_at=now,
        )
        ledger.append("harvest-source", {"name": row.name, "url": url, "set": set_spec, "by": actor.id})
    return card_of(row)


def _checked(url: str, set_spec: str, every_hours: int) -> str:
    url = url.strip()
    parts = urlsplit(url)
    if len(url) > _MOST_URL or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InvalidInputError("The address of a repository begins with https:// and names a host.")
    if len(set_spec) > _MOST_SET or not 1 <= every_hours <= _MOST_HOURS:
        raise InvalidInputError(
            "A set has at most 200 characters, and a round is made every 1 to 8,784 hours."
        )
    egress.check(url)
    return url.partition("#")[0].rstrip("?")


def _name(wanted: str, set_spec: str) -> str:
    base = re.sub(r"[^a-z0-9]+", "-", f"{wanted} {set_spec}".lower()).strip("-")[:50] or "source"
    found, number = base, 1
    while Source.objects.filter(name=found).exists():
        number += 1
        found = f"{base}-{number}"
    return found


def _held(actor: Actor, name: str) -> Source:
    policy.require(actor, "node.admin", policy.NODE)
    row = Source.objects.select_for_update().filter(name=name).first()
    if row is None:
        raise NoSuchSourceError
    return row


@transaction.atomic
def ask_now(actor: Actor, name: str, *, is_whole: bool = False) -> SourceCard:
    """Begin a round now, or go on with one that waits; ``is_whole``: ask for everything again.

    Raises:
        ActionDeniedError: the actor does not administer the node.
        NoSuchSourceError: there is none of this name.
    """
    row = _held(actor, name)
    if is_whole:
        if row.run_id:
            _break_off(row)
        row.next_since = ""
    row.state, row.due_at, row.attempts = "waiting", clock.now(), 0
    row.save()
    return card_of(row)


@transaction.atomic
def pause(actor: Actor, name: str) -> SourceCard:
    """Ask no more, until ``ask_now``; what came is kept. Raises the same."""
    row = _held(actor, name)
    if row.run_id:
        _break_off(row)
    row.state, row.reason = "paused", ""
    row.save()
    return card_of(row)


@transaction.atomic
def remove(actor: Actor, name: str) -> None:
    """Forget a source and everything that came from it. Raises the same."""
    row = _held(actor, name)
    if row.run_id:
        _break_off(row)
    ledger.append("harvest-source-removed", {"name": row.name, "url": row.url, "by": actor.id})
    after = 0
    # The rooms above hear of every record that goes, some at a time.
    while ids := list(
        row.harvested_set.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:_TOLD_AT_ONCE]
    ):
        events.record(rounds.CHANGED, ids=ids)
        after = ids[-1]
    row.delete()


def _break_off(row: Source) -> None:
    runs.finish(row.run_id, runs.Outcome.ABORTED, reason="An administrator broke it off.")
    row.run_id = row.token = ""
