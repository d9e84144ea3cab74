"""Having the pages of files read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import transaction

from tsunagu.core import clock
from tsunagu.core.ids import new_id
from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets.api import DatasetCard
from tsunagu.data.scans import keeping
from tsunagu.data.scans.errors import NoPagesError
from tsunagu.data.scans.models import Scan
from tsunagu.data.scans.reading import soon
from tsunagu.data.scans.selectors import card_of
from tsunagu.data.scans.types import ScanCard
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

ENDINGS = (".pdf", ".tif", ".tiff", ".png", ".jpg", ".jpeg")
MOST_FILES = 1000


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
        paths: Which files; none: every PDF, TIFF, PNG and JPEG of the draft, 1,000 at most.
        again: Read those anew that were read before.

    Raises:
        ActionDeniedError: the actor may not describe the dataset.
        NoSuchFileError: a path is not in the draft.
        NoPagesError: none of the files can have pages.
        KeyDestroyedError, KeyMissingError: the dataset is sealed and its key is gone.
    """
    policy.require(actor, "dataset.describe", dataset.resource)
    files = _named(actor, dataset, paths)
    if not files:
        raise NoPagesError
    made = [_begin(actor, dataset, file, again=again) for file in files]
    for scan in made:
        if scan.state == "waiting":
            soon(scan.uid)
    return [card_of(scan) for scan in made]


def _named(actor: Actor, dataset: DatasetCard, paths: Sequence[str]) -> list[datasets.FileCard]:
    if paths:
        found: Iterable[datasets.FileCard] = (
            datasets.get_file(actor, dataset, path) for path in dict.fromkeys(paths)
        )
    else:
        found = datasets.all_files(dataset, dataset.draft_number)
    able: dict[bytes, datasets.FileCard] = {}
    for file in found:
        if may_have_pages(file.path) and file.byte_count:
            able.setdefault(file.sha256, file)
        if len(able) >= MOST_FILES:
            break
    return list(able.values())


@transaction.atomic
def _begin(actor: Actor, dataset: DatasetCard, file: datasets.FileCard, *, again: bool) -> Scan:
    """The row of a file, with a run that began; an earlier one stays unless it failed or is to be read again."""
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
        if scan.state in {"waiting", "reading"} or (scan.state == "done" and not again):
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
    return scan
