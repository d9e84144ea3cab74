"""A round: page after page of a source, each written with the place where the list goes on."""

from __future__ import annotations

import datetime as dt
import logging
import time
import zlib
from collections.abc import Iterable

from django.db import transaction

from tsunagu.core import clock, egress, events, retrying, settings
from tsunagu.core.errors import TsunaguError
from tsunagu.data.harvesting import answers, asking
from tsunagu.data.harvesting.errors import EndlessListError, SourceSaysError
from tsunagu.data.harvesting.models import Harvested, Source
from tsunagu.foundation.identity.api import SYSTEM
from tsunagu.foundation.runs import api as runs
from tsunagu.standards import api as standards

logger = logging.getLogger(__name__)

CHANGED = "harvesting.changed"
_AT_ONCE_S = 10.0  # then other work of the node has its turn
_MOST_ATTEMPTS = 48
_LONGER = 1.2  # than announced, and so many more
_LONGER_COUNT = 1000
_MOST_RECORDS = 20_000_000
_TITLE = 500
_MOST_REPEATED = 10  # a record that changes meanwhile may come again
_CHANGES = (
    "datestamp",
    "is_deleted",
    "sets",
    "content",
    "kept",
    "problem",
    "title",
    "doi",
    "run_id",
    "changed_at",
)
_PASSES = frozenset({408, 425, 429, 500, 502, 503, 504})
_READERS = {
    "jpcoar": standards.from_jpcoar,
    "oai_datacite": standards.from_datacite,
    "datacite": standards.from_datacite,
    "oai_dc": standards.from_oai_dc,
}
# The best first: what says most.
PREFIXES = ("jpcoar_2.1", "jpcoar_2.0", "jpcoar_1.0", "jpcoar", "oai_datacite", "datacite", "oai_dc")


def begin(source: Source) -> None:
    """Start a round, unless one is under way: everything since the last one that came to its end."""
    if source.run_id:
        return
    source.run_id = runs.start(
        SYSTEM, "harvest", parameters={"source": source.name, "url": source.url, "since": source.next_since}
    )
    source.since, source.token, source.begun_at = source.next_since, "", ""
    source.seen_count = source.announced_count = source.attempts = source.repeated_pages = 0
    source.is_restarted, source.reason = False, ""
    source.save()


def go_on(source: Source) -> dt.timedelta | None:
    """Ask for pages for a while; after how long to go on, or None when the round is over."""
    ends_at = time.monotonic() + _AT_ONCE_S
    pause_s: float = settings.current().harvest_pause_s
    while True:
        try:
            try:
                is_last = _next_page(source)
            except TsunaguError as error:
                return _failed(source, error)
            if is_last:
                _ended(source)
                return None
        except _BrokenOffError:
            return None
        if time.monotonic() + pause_s > ends_at:
            return dt.timedelta(seconds=pause_s)
        time.sleep(pause_s)


class _BrokenOffError(Exception):
    """An administrator paused or removed the source, or began another round, while a page was on its way."""


def _hold(source: Source) -> None:
    """Go on only while the round is the source's own; nobody breaks it off before the transaction ends."""
    held = Source.objects.select_for_update().filter(pk=source.pk).values_list("run_id", flat=True).first()
    if held != source.run_id:
        raise _BrokenOffError


def _next_page(source: Source) -> bool:
    """Fetch and write a page; whether it was the last one."""
    if source.token:
        data = asking.ask(source.url, verb="ListRecords", resumptionToken=source.token)
    else:
        since = source.since[:10] if source.is_day_granular else source.since
        arguments = {"metadataPrefix": source.prefix, "from": since, "set": source.set_spec}
        data = asking.ask(source.url, verb="ListRecords", **arguments)
    page = answers.page(data)
    with transaction.atomic():
        _hold(source)
        fresh = _keep(source, page.items)
        source.repeated_pages = source.repeated_pages + 1 if page.items and not fresh else 0
        if page.token and source.repeated_pages > _MOST_REPEATED:
            raise EndlessListError("The source gives the same records again and again.")
        if page.token == source.token != "":
            raise EndlessListError("The source gives the same resumptionToken again.")
        source.seen_count += fresh
        source.announced_count = page.announced_count or source.announced_count
        _check_length(source)
        source.begun_at = source.begun_at or answers.believed(page.answered_at, clock.now())
        source.token, source.attempts, source.reason = page.token, 0, ""
        source.save()
    return not page.token


def _check_length(source: Source) -> None:
    most = source.announced_count * _LONGER + _LONGER_COUNT if source.announced_count else _MOST_RECORDS
    if source.seen_count > most:
        raise EndlessListError(
            f"The source said that it has {source.announced_count:,} records, and {source.seen_count:,} came."
        )


def _keep(source: Source, items: Iterable[answers.Item]) -> int:
    """Write the records of a page; how many the round had not given before."""
    found = {item.identifier: item for item in items}  # the last of two with one name counts
    held = {one.identifier: one for one in source.harvested_set.filter(identifier__in=found)}
    made: list[Harvested] = []
    changed: list[Harvested] = []
    news: list[Harvested] = []
    fresh = 0
    for name, item in found.items():
        row = held.get(name) or Harvested(source=source, identifier=name)
        fresh += row.run_id != source.run_id
        if item.datestamp and row.datestamp > item.datestamp and row.run_id == source.run_id:
            continue  # an older copy of what this round gave already
        if _fill(row, item, source):
            news.append(row)
        (changed if row.pk else made).append(row)
    Harvested.objects.bulk_create(made)
    Harvested.objects.bulk_update(changed, _CHANGES, batch_size=200)
    if news:
        events.record(CHANGED, ids=[row.pk for row in news])
    return fresh


def _fill(row: Harvested, item: answers.Item, source: Source) -> bool:
    """Write an item into its row; whether anything is new but the round."""
    content = zlib.compress(item.content)
    if row.pk and bytes(row.content) == content and row.is_deleted == item.is_deleted:
        row.run_id, row.datestamp, row.sets = source.run_id, item.datestamp, list(item.sets)
        return False
    row.datestamp, row.is_deleted, row.sets = item.datestamp, item.is_deleted, list(item.sets)
    row.run_id, row.changed_at, row.content = source.run_id, clock.now(), content
    row.kept = row.problem = row.title = row.doi = ""
    if not item.is_deleted:
        _read(row, item, source)
    return True


def _read(row: Harvested, item: answers.Item, source: Source) -> None:
    """Our record of what came, or why there is none."""
    if not item.content:
        row.problem = "The source gave no metadata."
        return
    try:
        record = _READERS[
            source.prefix.partition("_")[0] if source.prefix.startswith("jpcoar") else source.prefix
        ](item.content, record_id=item.identifier)
    except TsunaguError as error:
        row.problem = error.message
        return
    row.kept = standards.to_kept(record)
    row.title = record.titles[0].value[:_TITLE] if record.titles else ""
    row.doi = record.doi[:255]
    if not record.titles:
        row.problem = "The record has no title."


@transaction.atomic
def _ended(source: Source) -> None:
    _hold(source)
    runs.finish(source.run_id, runs.Outcome.OK, parameters={"record_count": source.seen_count})
    now = clock.now()
    source.next_since = source.begun_at or source.next_since
    source.run_id, source.state, source.reason, source.ended_at = "", "idle", "", now
    source.due_at = now + dt.timedelta(hours=source.every_hours)
    source.save()


@transaction.atomic
def _failed(source: Source, error: TsunaguError) -> dt.timedelta | None:
    """Wait and ask again, or begin the list anew, or give the round up. What came so far is kept in any case."""
    _hold(source)
    # What was counted within a page that was not kept does not count.
    source.refresh_from_db()
    said = error.fields.get("said") if isinstance(error, SourceSaysError) else ""
    if said == "badResumptionToken" and not source.is_restarted:
        source.token, source.is_restarted, source.reason = "", True, error.message
        source.run_id = _again(source)
        source.save()
        return dt.timedelta(seconds=settings.current().harvest_pause_s)
    wait = _wait_s(error, source.attempts)
    if wait is not None and source.attempts < _MOST_ATTEMPTS:
        source.attempts += 1
        source.reason = error.message
        source.save()
        return dt.timedelta(seconds=wait)
    logger.warning("harvest_given_up", extra={"source": source.name, "why": error.message})
    runs.finish(
        source.run_id,
        runs.Outcome.FAILED,
        reason=error.message,
        parameters={"record_count": source.seen_count},
    )
    source.run_id, source.token, source.state, source.reason = "", "", "failed", error.message
    source.due_at = clock.now() + dt.timedelta(hours=source.every_hours)
    source.save()
    return None


def _again(source: Source) -> str:
    """The list from its beginning under a new run, so that what came before does not look like a loop."""
    reason = "The source no longer knew where its list went on."
    runs.finish(source.run_id, runs.Outcome.ABORTED, reason=reason)
    source.seen_count = 0
    return runs.start(
        SYSTEM, "harvest", parameters={"source": source.name, "url": source.url, "since": source.since}
    )


def _wait_s(error: TsunaguError, attempts: int) -> float | None:
    """Seconds until the same question may be asked again; None when that cannot help."""
    if not isinstance(error, egress.EgressFailedError) and error.code != "harvesting.bad_answer":
        return None
    answered = error.fields.get("answered")
    if answered is not None and answered not in _PASSES:
        return None
    if error.code == "harvesting.bad_answer" and attempts >= 2:  # noqa: PLR2004 - it will not read better a third time
        return None
    told = retrying.asked_s(str(error.fields.get("retry_after", "")))
    wait = retrying.FIRST_S * 2**attempts if told is None else max(0.0, told)
    return min(retrying.LONGEST_S, wait)
