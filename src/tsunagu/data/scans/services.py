"""Having the pages of files read."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence

from django.db import transaction

from tsunagu.core import clock, events
from tsunagu.core.errors import NotFoundError
from tsunagu.core.ids import new_id
from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets.api import DatasetCard
from tsunagu.data.scans import keeping
from tsunagu.data.scans.errors import NoPagesError
from tsunagu.data.scans.models import Scan, ScannedPage
from tsunagu.data.scans.reading import OPEN, read_pages
from tsunagu.data.scans.selectors import cards_of
from tsunagu.data.scans.types import ScanCard
from tsunagu.foundation.identity.api import SYSTEM, Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs
from tsunagu.foundation.storage import api as storage

ENDINGS = (".pdf", ".tif", ".tiff", ".png", ".jpg", ".jpeg")
MOST_FILES = 1000  # that are begun at a go
_LOOKED_AT = 5000


def may_have_pages(path: str) -> bool:
    """Whether a file of this name may hold scanned pages."""
    return path.lower().endswith(ENDINGS)


def start(
    actor: Actor, dataset: DatasetCard, paths: Sequence[str] = (), *, again: bool = False
) -> list[ScanCard]:
    """Have pages of files in the draft read: their own text where they have one, else recognised from the picture.

    Files are read once; a file that was read or is being read is left as it is, and comes back as it stands.

    Args:
        actor: Who asks.
        dataset: The dataset.
        paths: Which files; none: every PDF, TIFF, PNG and JPEG of the draft.
        again: Read those anew that were read before.

    Raises:
        ActionDeniedError: the actor may not describe the dataset.
        NoSuchFileError: a path is not in the draft.
        NoPagesError: none of the files can have pages.
        KeyDestroyedError, KeyMissingError: the dataset is sealed and its key is gone.
    """
    if paths:
        _require(actor, dataset)
        found = [datasets.get_file(actor, dataset, path) for path in dict.fromkeys(paths)]
        if not (able := _able(found)):
            raise NoPagesError
        return _begin_all(actor, dataset, able, again=again)
    begun, after = start_some(actor, dataset, again=again)
    while after:
        more, after = start_some(actor, dataset, after=after, again=again)
        begun += more
    return begun


def start_some(
    actor: Actor, dataset: DatasetCard, *, after: str = "", again: bool = False
) -> tuple[list[ScanCard], str]:
    """Begin with the next 1,000 files that can have pages, in path order.

    Args:
        actor: Who asks.
        dataset: The dataset.
        after: What the call before returned.
        again: Read those anew that were read before.

    Returns:
        The files, and the path after which the next call goes on; empty: there are no more.

    Raises:
        As ``start``.
    """
    _require(actor, dataset)
    able, end = _next_able(actor, dataset, after)
    if not able and not after:
        raise NoPagesError
    return _begin_all(actor, dataset, able, again=again), end


def _require(actor: Actor, dataset: DatasetCard) -> None:
    policy.require(actor, "dataset.describe", dataset.resource)
    if dataset.key_domain:
        storage.key_ring().require(dataset.key_domain)  # otherwise it would wait for ever


def _next_able(actor: Actor, dataset: DatasetCard, after: str) -> tuple[list[datasets.FileCard], str]:
    found: list[datasets.FileCard] = []
    while True:
        page = datasets.list_files(
            actor, dataset, version=dataset.draft_number, after=after, limit=_LOOKED_AT
        )
        found += _able(page.files)
        if len(found) >= MOST_FILES:
            return found[:MOST_FILES], found[MOST_FILES - 1].path
        after = page.after
        if not after:
            return found, ""


def _able(files: Iterable[datasets.FileCard]) -> list[datasets.FileCard]:
    return [file for file in files if may_have_pages(file.path) and file.byte_count]


def _begin_all(
    actor: Actor, dataset: DatasetCard, files: Iterable[datasets.FileCard], *, again: bool
) -> list[ScanCard]:
    contents: dict[bytes, datasets.FileCard] = {}
    for file in files:
        contents.setdefault(file.sha256, file)
    return cards_of([_begin(actor, dataset, file, again=again) for file in contents.values()])


@transaction.atomic
def _begin(actor: Actor, dataset: DatasetCard, file: datasets.FileCard, *, again: bool) -> Scan:
    """The row of a file, with a run and a job; an earlier one stays unless it failed or is to be read again."""
    now, run_id = clock.now(), new_id()
    asked = {
        "path": file.path,
        "state": "waiting",
        "run_id": run_id,
        "asked_by_kind": actor.kind,
        "asked_by": actor.id,
        "asked_by_name": actor.name[:200],
        "asked_at": now,
        "changed_at": now,
    }
    scan, is_new = Scan.objects.select_for_update().get_or_create(
        dataset_id=dataset.id, sha256=file.sha256, defaults={**asked, "byte_count": file.byte_count}
    )
    if not is_new:
        if scan.state in OPEN or (scan.state == "done" and not again):
            return scan
        keeping.forget_pages(scan)
        blank = {"reason": "", "reason_code": "", "page_count": 0, "done_count": 0, "trying": 0, "tries": 0}
        for name, value in {**asked, **blank}.items():
            setattr(scan, name, value)
        scan.save()
    runs.start(
        actor,
        "ocr",
        run_id=run_id,
        dataset_id=dataset.id,
        parameters={"path": file.path, "sha256": file.sha256.hex()},
        links=[runs.Link("in", "dataset", dataset.id, dataset.slug)],
    )
    read_pages.enqueue(scan=scan.uid)
    return scan


def carry_over(source: DatasetCard, target: DatasetCard, files: Mapping[bytes, str]) -> int:
    """Give another dataset what was read of files that now stand there, too; returns how many files that were.

    What was still being read is read there.

    The caller has put the files there, with a run that links both, so labels have travelled. Nothing is carried out of or
    into a seal: there the pages are read again by who wants them.

    Args:
        source: Where the pages were read.
        target: Where the files stand now.
        files: SHA-256 -> path in the target.
    """
    if source.key_domain or target.key_domain:
        return 0
    known = Scan.objects.filter(dataset_id=target.id, sha256__in=list(files)).values_list("sha256", flat=True)
    there = {bytes(sha256) for sha256 in known}
    rows = Scan.objects.filter(
        dataset_id=source.id, sha256__in=[sha256 for sha256 in files if sha256 not in there]
    )
    if paths := [files[bytes(scan.sha256)] for scan in rows if scan.state in OPEN]:
        with contextlib.suppress(NotFoundError):  # taken out again meanwhile
            start(SYSTEM, target, paths)
    done = [scan for scan in rows if scan.state == "done"]
    return sum(_copy(scan, source, target, files[bytes(scan.sha256)]) for scan in done)


@transaction.atomic
def _copy(scan: Scan, source: DatasetCard, target: DatasetCard, path: str) -> int:
    # Looked at under the lock: it may have been sealed, or somebody else may have carried the same file over.
    is_sealed = bool(datasets.lock_dataset(SYSTEM, target.id).key_domain)
    if is_sealed or Scan.objects.filter(dataset_id=target.id, sha256=scan.sha256).exists():
        return 0
    pages = list(ScannedPage.objects.filter(scan=scan, domain=""))
    # From here to the commit no picture is discarded; one that was is missing on its page.
    pictures = storage.lock({bytes(page.picture) for page in pages if page.picture})
    if len(pages) != scan.done_count:
        return 0  # forgotten meanwhile, or being read anew
    run_id = runs.record(
        SYSTEM,
        "ocr",
        dataset_id=target.id,
        parameters={"path": path, "sha256": bytes(scan.sha256).hex(), "carried_from": scan.run_id},
        links=[
            runs.Link("in", "dataset", source.id, source.slug),
            runs.Link("out", "dataset", target.id, target.slug),
        ],
    )
    made = Scan.objects.create(
        dataset_id=target.id,
        sha256=scan.sha256,
        path=path,
        byte_count=scan.byte_count,
        state=scan.state,
        reason=scan.reason,
        reason_code=scan.reason_code,
        page_count=scan.page_count,
        done_count=scan.done_count,
        run_id=run_id,
        asked_by_kind=SYSTEM.kind,
        asked_by=SYSTEM.id,
        asked_by_name=SYSTEM.name,
        asked_at=clock.now(),
        changed_at=clock.now(),
    )
    for page in pages:
        page.pk, page.scan = None, made
        page.picture = page.picture if page.picture and bytes(page.picture) in pictures else None
    ScannedPage.objects.bulk_create(pages)
    events.record("scans.read", dataset_id=target.id)
    return 1
