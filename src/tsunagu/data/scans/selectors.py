"""What was read of pages. Who may see it is who may see the file; whoever asks without an actor has asked the rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from django.db.models import Count

from tsunagu.core import clock
from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets.api import DatasetCard
from tsunagu.data.scans import keeping
from tsunagu.data.scans.errors import NoSuchPageError
from tsunagu.data.scans.models import Scan, ScannedPage
from tsunagu.data.scans.types import PageCard, PageText, ScanCard
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy

_WITH_TEXT = ("text_layer", "recognised")
_MOST_SIGNS = 1_000_000  # of one dataset, that an index takes in
_LISTED = 200


def cards_of(scans: Sequence[Scan]) -> list[ScanCard]:
    """As others see them."""
    counts = _counts([scan.pk for scan in scans])
    return [_card(scan, counts.get(scan.pk, {})) for scan in scans]


def _card(scan: Scan, counts: dict[str, int]) -> ScanCard:
    return ScanCard(
        id=scan.uid,
        dataset_id=scan.dataset_id,
        path=scan.path,
        sha256=bytes(scan.sha256).hex(),
        state=scan.state,
        reason=scan.reason,
        reason_code=scan.reason_code,
        page_count=scan.page_count,
        done_count=scan.done_count,
        text_count=sum(counts.get(status, 0) for status in _WITH_TEXT),
        empty_count=counts.get("empty", 0),
        unreadable_count=counts.get("unreadable", 0),
        run=scan.run_id,
        asked_at=clock.isoformat(scan.asked_at),
        changed_at=clock.isoformat(scan.changed_at),
    )


def _counts(keys: Sequence[int]) -> dict[int, dict[str, int]]:
    rows = ScannedPage.objects.filter(scan_id__in=keys).values_list("scan_id", "status")
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for key, status, count in rows.annotate(count=Count("pk")):
        found[key][status] = count
    return found


def list_scans(
    actor: Actor, dataset: DatasetCard, *, after: str = "", limit: int = _LISTED
) -> list[ScanCard]:
    """Files of the dataset whose pages were read or are being read, in the order in which they were asked for.

    Raises:
        ActionDeniedError: the actor may not see the draft.
    """
    policy.require(actor, "dataset.read_draft", dataset.resource)
    rows = Scan.objects.filter(dataset_id=dataset.id, uid__gt=after).order_by("uid")[:limit]
    return cards_of(list(rows))


def states(dataset_id: str, contents: Iterable[bytes]) -> dict[bytes, ScanCard]:
    """How far the pages of contents are, by SHA-256, without asking the rules: the caller does."""
    rows = list(Scan.objects.filter(dataset_id=dataset_id, sha256__in=list(contents)))
    return {bytes(scan.sha256): card for scan, card in zip(rows, cards_of(rows), strict=True)}


def scan_of(actor: Actor, dataset: DatasetCard, path: str, *, version: int | None = None) -> ScanCard | None:
    """How far the pages of a file are; None when nobody has asked for them.

    Raises:
        NotFoundError: the actor may not read the version, or the file is not in it.
    """
    file = datasets.get_file(actor, dataset, path, version=version)
    return states(dataset.id, [file.sha256]).get(file.sha256)


def page(
    actor: Actor, dataset: DatasetCard, path: str, number: int, *, version: int | None = None
) -> PageCard:
    """A page with its words.

    Raises:
        NotFoundError: the actor may not read the version, or the file is not in it.
        NoSuchPageError: it was not read.
    """
    file = datasets.get_file(actor, dataset, path, version=version)
    row = (
        ScannedPage.objects.select_related("scan")
        .filter(scan__dataset_id=dataset.id, scan__sha256=file.sha256, number=number)
        .first()
    )
    if row is None:
        raise NoSuchPageError
    text, words = keeping.unpacked(row, file.sha256)
    return PageCard(
        path=path,
        number=number,
        page_count=row.scan.page_count,
        status=row.status,
        reason=row.reason,
        reason_code=row.reason_code,
        width=row.width,
        height=row.height,
        dpi=row.dpi,
        rotation=row.rotation,
        is_vertical=row.is_vertical,
        confidence=row.confidence,
        engine=row.engine,
        text=text,
        words=words,
        picture=bytes(row.picture).hex() if row.picture else "",
    )


def texts(dataset_id: str, paths: Mapping[bytes, str]) -> list[PageText]:
    """Texts of pages of a dataset that lies plain, as far as an index takes them, without asking the rules.

    Args:
        dataset_id: The dataset.
        paths: SHA-256 -> path of the files that count, as whoever is told knows them.
    """
    rows = ScannedPage.objects.filter(
        scan__dataset_id=dataset_id, status__in=_WITH_TEXT, domain=""
    ).select_related("scan")
    found, signs = [], 0
    for row in rows.order_by("scan__path", "number").iterator(chunk_size=200):
        sha256 = bytes(row.scan.sha256)
        if sha256 not in paths:
            continue
        text, _words = keeping.unpacked(row, sha256)
        signs += len(text)
        if signs > _MOST_SIGNS:
            break
        found.append(PageText(paths[sha256], row.number, text))
    return found


def scanned_contents(dataset_ids: Iterable[str]) -> dict[str, set[bytes]]:
    """SHA-256 of the contents with read pages, by dataset, without asking the rules."""
    rows = Scan.objects.filter(dataset_id__in=list(dataset_ids), done_count__gt=0)
    found: dict[str, set[bytes]] = {}
    for dataset_id, sha256 in rows.values_list("dataset_id", "sha256"):
        found.setdefault(dataset_id, set()).add(bytes(sha256))
    return found
