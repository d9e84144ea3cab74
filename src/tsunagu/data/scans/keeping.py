"""Text and pictures of pages are made of a dataset's bytes: they are sealed with them, and go with them."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from typing import Any

from django.db import transaction

from tsunagu.core.errors import NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.scans.models import Scan, ScannedPage
from tsunagu.formats import api as formats
from tsunagu.foundation.identity.api import SYSTEM
from tsunagu.foundation.runs import api as runs
from tsunagu.foundation.storage import api as storage

_PART = 200


def packed(reading: formats.PageReading, sha256: bytes, domain: str) -> bytes:
    """Text and words of a page as they are kept."""
    words = [
        [one.text, one.left, one.top, one.width, one.height, one.confidence, one.line]
        for one in reading.words
    ]
    content = zlib.compress(json.dumps([reading.text, words], ensure_ascii=False).encode(), 6)
    return storage.seal_note(domain, content, _subject(sha256, reading.number)) if domain else content


def unpacked(row: ScannedPage, sha256: bytes) -> tuple[str, tuple[formats.Word, ...]]:
    """Text and words of a page; nothing when they are sealed and the key is gone."""
    content = bytes(row.content)
    if row.domain:
        try:
            content = storage.open_note(row.domain, content, _subject(sha256, row.number))
        except (storage.KeyDestroyedError, storage.KeyMissingError):
            return "", ()
    text, words = json.loads(zlib.decompress(content))
    return text, tuple(formats.Word(*word) for word in words)


def _subject(sha256: bytes, number: int) -> bytes:
    return sha256 + b"page" + str(number).encode()


def is_there(dataset_id: str) -> bool:
    """Whether the dataset has not been destroyed."""
    try:
        card = datasets.get_dataset_by_id(SYSTEM, dataset_id)
    except NotFoundError:
        return False
    return card.seal_state != "shredded"


def forget_pages(scan: Scan) -> None:
    """Take away what was read of a file, and the pictures that nothing else shows."""
    while True:
        with transaction.atomic():
            rows = list(ScannedPage.objects.filter(scan=scan).values_list("pk", "picture")[:_PART])
            ScannedPage.objects.filter(pk__in=[row[0] for row in rows]).delete()
            storage.discard({bytes(row[1]) for row in rows if row[1]})
        if len(rows) < _PART:
            return


def forget(dataset_id: str) -> None:
    """Take away everything that was read of a dataset's pages; doing it twice changes nothing."""
    for scan in Scan.objects.filter(dataset_id=dataset_id):
        forget_scan(scan)


def forget_scan(scan: Scan) -> None:
    """Take away everything that was read of a file; a reading under way is broken off."""
    if scan.state in {"waiting", "reading"}:
        runs.finish(scan.run_id, runs.Outcome.ABORTED, reason="What was to be read is gone.")
    forget_pages(scan)
    with transaction.atomic():
        # From here on no worker adds a page, so what it added meanwhile is taken away, too.
        if Scan.objects.select_for_update().filter(pk=scan.pk).first():
            forget_pages(scan)
            scan.delete()


@storage.needs
def _shown(hashes: Iterable[bytes]) -> set[bytes]:
    """Those of the contents that are the picture of a page."""
    rows: Any = ScannedPage.objects.filter(picture__in=list(hashes)).values_list("picture", flat=True)
    return {bytes(sha256) for sha256 in rows}
