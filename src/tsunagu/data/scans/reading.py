"""A page is read and kept; whoever is killed begins with the same page again."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import logging
import os
import time
from dataclasses import replace
from pathlib import Path

from django.db import transaction

from tsunagu.core import clock, events, jobs, logs, settings
from tsunagu.core.blobs import ObjectMissingError
from tsunagu.core.errors import NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.scans import keeping
from tsunagu.data.scans.models import Scan, ScannedPage
from tsunagu.formats import api as formats
from tsunagu.foundation.identity.api import SYSTEM
from tsunagu.foundation.runs import api as runs
from tsunagu.foundation.storage import api as storage

logger = logging.getLogger(__name__)

MOST_PAGES = 5000
OPEN = ("waiting", "reading")
# A page takes seconds; a newspaper page on a slow machine takes a minute.
_PAGE_S = 180
_TRIES = 3
_AT_ONCE_S = 15.0
_UNREADABLE = "unreadable"
# What says nothing about the file and may be over in a while.
_OUTAGES = (*storage.AWAY, formats.SandboxError)
_BROKE = ("crashed", "out_of_memory", "out_of_time", "reader_failed")
_WAIT = dt.timedelta(minutes=5)


class _LostError(Exception):
    """The bytes cannot be had, now or later; the text says why."""


class _Bytes(contextlib.ExitStack):
    """The bytes of one file, fetched when the first page needs them, for all pages that are read at a go."""

    _path: Path | None = None

    def fetched(self, scan: Scan) -> Path:
        """Where they lie as a file.

        Raises:
            _LostError: they are gone.
        """
        if self._path is None:
            try:
                with contextlib.suppress(FileNotFoundError, ObjectMissingError):
                    self._path = self._opened(scan)
                # A pack that was written anew or a seal moves bytes between the look and the opening: look again.
                self._path = self._path or self._opened(scan)
            except storage.LOST as error:
                sha256 = bytes(scan.sha256).hex()
                logger.warning("bytes_not_readable", extra={"sha256": sha256}, exc_info=True)
                said = error.strerror if isinstance(error, OSError) else str(error)  # and not where they lie
                raise _LostError(f"The stored bytes could not be read: {said}") from error
        return self._path

    def _opened(self, scan: Scan) -> Path:
        sha256 = bytes(scan.sha256)
        card = datasets.get_dataset_by_id(SYSTEM, scan.dataset_id)
        place = storage.locate([sha256], card.domains).get(sha256)
        if place is None:
            raise _LostError("The stored bytes are gone.")
        return self.enter_context(storage.as_file(place))


@functools.cache
def reader() -> formats.PageReader:
    """The sandbox of this process for pages; at the lowest priority, so that uploads never wait for it."""
    os.nice(max(0, 10 - os.nice(0)))
    return formats.PageReader()


def _limits() -> formats.Limits:
    memory = settings.current().extract_memory_bytes
    return formats.Limits(wall_s=_PAGE_S, cpu_s=_PAGE_S, memory_bytes=memory)


@jobs.job(priority=-25)
def read_pages(scan: str) -> None:
    """Read pages of a file for a while, and come back for more: other work gets its turn."""
    try:
        if go_on(scan):
            read_pages.enqueue(scan=scan)
    except _OUTAGES:
        logger.warning("reading_put_off", extra={"scan": scan}, exc_info=True)
        # It was not the page's fault: this try does not count.
        Scan.objects.filter(uid=scan, state__in=OPEN).update(
            reason="A part of the node does not answer. Reading goes on in a few minutes.",
            reason_code="put_off",
            tries=0,
            changed_at=clock.now(),
        )
        jobs.enqueue_later(read_pages, _WAIT, scan=scan)
    except (NotFoundError, storage.KeyDestroyedError):
        return  # removed meanwhile; the subscription forgets it


def go_on(scan_id: str) -> bool:
    """Read pages for a quarter of a minute; whether there are more.

    A page is committed before the next one is begun. A page with which three workers ended is left with that reason.

    Raises:
        UnavailableError, StorageFullError, KeyMissingError, SandboxError, OSError: not now; nothing is said of the file.
    """
    started = time.monotonic()
    with _Bytes() as source:
        while True:
            scan = Scan.objects.filter(uid=scan_id, state__in=OPEN).first()
            if scan is None:
                return False
            if not keeping.is_there(scan.dataset_id):
                return False  # the subscription forgets it
            if not _one_more(scan, source):
                return False
            if time.monotonic() - started > _AT_ONCE_S:
                return True


def _one_more(scan: Scan, source: _Bytes) -> bool:
    """Read the next page of a file; whether there is another one."""
    number = scan.done_count + 1
    with logs.bind_run(scan.run_id):
        given_up = _tried_too_often(scan, number)
        page = given_up or _read(scan, number, source)
        if number == 1 and not given_up and not page.page_count and page.reason_code in _BROKE:
            page = replace(page, page_count=_count(scan, source))
    if number == 1 and page.page_count == 0:
        _end(scan, page.reason, page.reason_code)
        return False
    return _keep(scan, page)


def _tried_too_often(scan: Scan, number: int) -> formats.PageReading | None:
    """Count that a worker begins with the page; what is said of it when too many have."""
    tries = scan.tries + 1 if scan.trying == number else 1
    Scan.objects.filter(pk=scan.pk).update(
        state="reading", trying=number, tries=tries, changed_at=clock.now()
    )
    if tries <= _TRIES:
        return None
    said = f"The worker ended {_TRIES} times while it read this page."
    # Its number of pages stays unknown if it is the first one: then the file is given up.
    return formats.PageReading(number, scan.page_count, "unreadable", reason=said, reason_code="crashed")


def _read(scan: Scan, number: int, source: _Bytes) -> formats.PageReading:
    try:
        return reader().read(source.fetched(scan), number, limits=_limits())
    except _LostError as error:
        return formats.PageReading(
            number, scan.page_count, "unreadable", reason=str(error), reason_code="not_accessible"
        )


def _count(scan: Scan, source: _Bytes) -> int:
    """How many pages the file of a first page has that broke: the others are read all the same."""
    return reader().read(source.fetched(scan), 0, limits=_limits()).page_count  # there is no such page


def _keep(scan: Scan, page: formats.PageReading) -> bool:
    """Keep a page; whether there is another one to read."""
    # Read now, not before the page: the dataset may have been sealed meanwhile.
    domain = datasets.get_dataset_by_id(SYSTEM, scan.dataset_id).key_domain
    pictures = storage.put_pack([page.picture], domain) if page.picture else []
    with transaction.atomic():
        if datasets.lock_dataset(SYSTEM, scan.dataset_id).key_domain != domain:
            storage.discard(pictures)
            return True  # sealed at this very moment: the page is read again
        held = Scan.objects.select_for_update().filter(pk=scan.pk, run_id=scan.run_id).first()
        if held is None or held.done_count + 1 != page.number:
            storage.discard(pictures)
            return False  # asked for anew, or another worker was faster
        return _add(held, page, domain, pictures)


def _add(scan: Scan, page: formats.PageReading, domain: str, pictures: list[bytes]) -> bool:
    ScannedPage.objects.create(
        scan=scan,
        number=page.number,
        status=page.status,
        reason=page.reason,
        reason_code=page.reason_code,
        width=page.width,
        height=page.height,
        dpi=page.dpi,
        rotation=page.rotation,
        is_vertical=page.is_vertical,
        confidence=page.confidence,
        word_count=len(page.words),
        engine=page.engine,
        content=keeping.packed(page, bytes(scan.sha256), domain),
        domain=domain,
        picture=pictures[0] if pictures else None,
    )
    count = min(page.page_count or scan.page_count, MOST_PAGES)
    scan.page_count, scan.done_count, scan.changed_at = count, page.number, clock.now()
    scan.reason = scan.reason_code = ""
    scan.save(update_fields=["page_count", "done_count", "changed_at", "reason", "reason_code"])
    if page.number < count:
        return True
    _finish(scan, page.page_count)
    return False


def _finish(scan: Scan, said_count: int) -> None:
    """All pages are read: end the run, and tell the index."""
    pages = ScannedPage.objects.filter(scan=scan)
    statuses = list(pages.values_list("status", flat=True))
    bad = statuses.count(_UNREADABLE)
    first = pages.filter(status=_UNREADABLE).order_by("number").first()
    scan.state = "failed" if bad == len(statuses) and first else "done"
    if scan.state == "failed" and first is not None:
        scan.reason, scan.reason_code = first.reason, first.reason_code
    elif said_count > scan.page_count:
        scan.reason = f"Only the first {MOST_PAGES:,} of {said_count:,} pages were read."
        scan.reason_code = "too_big"
    scan.save(update_fields=["state", "reason", "reason_code"])
    engines = sorted(set(pages.exclude(engine="").values_list("engine", flat=True)))
    runs.finish(
        scan.run_id,
        runs.Outcome.FAILED if scan.state == "failed" else runs.Outcome.OK,
        reason=scan.reason,
        parameters={
            "page_count": len(statuses),
            **{f"{status}_count": statuses.count(status) for status in sorted(set(statuses))},
            **({"engine": engines[0]} if engines else {}),
        },
        links=[runs.Link("out", "scan", scan.uid, scan.path)],
    )
    events.record("scans.read", dataset_id=scan.dataset_id)


def _end(scan: Scan, reason: str, code: str) -> None:
    """The file could not be opened at all."""
    with transaction.atomic():
        changed = Scan.objects.filter(pk=scan.pk, run_id=scan.run_id).update(
            state="failed", reason=reason, reason_code=code, changed_at=clock.now()
        )
        if changed:
            runs.finish(scan.run_id, runs.Outcome.FAILED, reason=reason)
