"""Reading what is in a version: pages of files, folders, differences. Number 0 or None means what one sees first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from tsunagu.core import bulk
from tsunagu.core.errors import NotFoundError
from tsunagu.core.paths import check_path
from tsunagu.data.datasets import frozen, intervals
from tsunagu.data.datasets.errors import NoSuchFileError, NoSuchVersionError
from tsunagu.data.datasets.models import LIVE, Dataset, FileRow, Folder, content_key
from tsunagu.data.datasets.types import Change, DatasetCard, FileCard, FolderCard, FolderPage, Page
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy

_MOST_JUMPS = 60
_COUNT_CHANGED_BELOW = 100_000


def resolve_version(actor: Actor, dataset: DatasetCard, number: int | None) -> int:
    """The version that a reader means; None: the draft for those who may see it, else the last frozen one.

    Raises:
        NotFoundError: the actor may not read the dataset.
        NoSuchVersionError: there is no such version, or it is the draft and the actor may not see it.
    """
    if not policy.decide(actor, "dataset.read", dataset.resource) and not dataset.sees_draft:
        raise NotFoundError
    if number is None:
        number = dataset.draft_number if dataset.sees_draft else dataset.last_version
    is_draft = number == dataset.draft_number
    if number < 1 or number > dataset.draft_number or (is_draft and not dataset.sees_draft):
        raise NoSuchVersionError(f"{dataset.slug} has no version {number}.", version=number)
    if not is_draft:
        frozen.need_version(dataset, number)
    return number


def list_files(
    actor: Actor,
    dataset: DatasetCard,
    *,
    version: int | None = None,
    prefix: str = "",
    after: str = "",
    limit: int = 100,
) -> Page:
    """A page of files in path order.

    Raises:
        NotFoundError: the actor may not read the dataset, or there is no such version.
    """
    number = resolve_version(actor, dataset, version)
    rows = intervals.rows_at(dataset.row_id, number, prefix=prefix, after=after, limit=limit + 1)
    return Page(tuple(rows[:limit]), rows[limit - 1].path if len(rows) > limit else "")


def all_files(dataset: DatasetCard, version: int, *, prefix: str = "") -> Iterator[FileCard]:
    """Every file of a version in path order, without asking the rules: the caller has."""
    after = ""
    while rows := intervals.rows_at(dataset.row_id, version, prefix=prefix, after=after, limit=5000):
        yield from rows
        after = rows[-1].path


def files_ending(
    dataset: DatasetCard, version: int, suffix: str, *, limit: int, prefix: str = "", after: str = ""
) -> list[FileCard]:
    """The files of a version whose names end so, in path order, without asking the rules: the caller has."""
    rows = FileRow.objects.filter(
        dataset_id=dataset.row_id, since__lte=version, until__gt=version, path__endswith=suffix
    )
    if prefix:
        rows = rows.filter(path__gte=prefix, path__lt=prefix + intervals.END)
    if after:
        rows = rows.filter(path__gt=after)
    return [
        FileCard(row.path, row.byte_count, bytes(row.sha256), row.run_row)
        for row in rows.order_by("path")[:limit]
    ]


def frozen_contents(dataset_id: str, version: int = 0) -> Iterator[list[bytes]]:
    """SHA-256 of what a frozen version holds (0: all of them), part by part; the caller answers for the rules."""
    dataset = Dataset.objects.filter(uid=dataset_id).first()
    if dataset is None:
        return
    rows = FileRow.objects.filter(dataset=dataset, since__lt=dataset.draft_number)
    if version:
        rows = rows.filter(since__lte=version, until__gt=version)
    last = 0
    while part := list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", "sha256")[:2000]):
        last = part[-1][0]
        yield [bytes(sha256) for _, sha256 in part]


def hashes_of(dataset: DatasetCard, number: int) -> QuerySet[FileRow, Any]:
    """SHA-256 of everything in a version, as a part of another query: a version may hold a million files."""
    rows = FileRow.objects.filter(dataset_id=dataset.row_id, since__lte=number, until__gt=number)
    return rows.values_list("sha256", flat=True)


def get_file(actor: Actor, dataset: DatasetCard, path: str, *, version: int | None = None) -> FileCard:
    """One file.

    Raises:
        NoSuchFileError: the version holds no such path.
        NotFoundError: the actor may not read the dataset, or there is no such version.
    """
    number = resolve_version(actor, dataset, version)
    row = FileRow.objects.filter(
        dataset_id=dataset.row_id, path=path, since__lte=number, until__gt=number
    ).first()
    if row is None:
        raise NoSuchFileError(f"There is no file {path} in this version.", path=path)
    return FileCard(row.path, row.byte_count, bytes(row.sha256), row.run_row)


def list_folder(
    actor: Actor,
    dataset: DatasetCard,
    *,
    version: int | None = None,
    folder: str = "",
    after: str = "",
    limit: int = 100,
) -> FolderPage:
    """A page of a folder: subfolders first, then its own files; ``after`` is what the page before returned.

    Raises:
        NotFoundError: the actor may not read the dataset, or there is no such version.
    """
    number = resolve_version(actor, dataset, version)
    folder = folder.strip("/") + "/" if folder.strip("/") else ""
    pairs = intervals.pairs_of(dataset.row_id)
    counts_hold = all(
        count == 0 for (since, until), count in pairs.items() if (since <= number < until) != (until == LIVE)
    )
    folders: list[FolderCard] = []
    kind, _, mark = after.partition(":")
    if kind != "file":
        folders = _subfolders(dataset, number, folder, mark, limit + 1, pairs, counts_hold=counts_hold)
        if len(folders) > limit:
            return FolderPage(tuple(folders[:limit]), (), f"dir:{folders[limit - 1].name}")
        mark = ""
    files, more = _own_files(dataset, number, folder, mark, limit - len(folders), pairs)
    return FolderPage(tuple(folders), tuple(files), f"file:{more}" if more else "")


def _subfolders(
    dataset: DatasetCard,
    number: int,
    folder: str,
    after: str,
    limit: int,
    pairs: dict[intervals.Pair, int],
    *,
    counts_hold: bool,
) -> list[FolderCard]:
    found: list[FolderCard] = []
    while len(found) < limit:
        rows = Folder.objects.filter(dataset_id=dataset.row_id, parent=folder, name__gt=after).order_by(
            "name"
        )
        if counts_hold:
            rows = rows.filter(file_count__gt=0)
        batch = list(rows[:limit])
        for row in batch:
            path = f"{folder}{row.name}"
            if counts_hold:
                found.append(FolderCard(path, row.name, row.file_count, row.byte_count))
            elif intervals.rows_at(dataset.row_id, number, prefix=f"{path}/", limit=1, pairs=pairs):
                found.append(FolderCard(path, row.name, None, None))
        if len(batch) < limit:
            break
        after = batch[-1].name
    return found[:limit]


def _own_files(
    dataset: DatasetCard, number: int, folder: str, after: str, limit: int, pairs: dict[intervals.Pair, int]
) -> tuple[list[FileCard], str]:
    """Files that lie directly in a folder: read on, and jump over each subfolder that comes in between."""
    files: list[FileCard] = []
    mark = after
    for _ in range(_MOST_JUMPS):
        rows = intervals.rows_at(
            dataset.row_id, number, prefix=folder, after=mark, limit=limit + 1, pairs=pairs
        )
        inside = next((row for row in rows if "/" in row.path[len(folder) :]), None)
        own = rows if inside is None else rows[: rows.index(inside)]
        files += own
        if len(files) > limit:
            return files[:limit], files[limit - 1].path
        if inside is None and len(rows) <= limit:
            return files, ""
        if inside is None:
            mark = rows[-1].path
        else:
            part = inside.path[len(folder) :].partition("/")[0]
            mark = f"{folder}{part}/{intervals.END}"
    return files, mark


def diff_counts(actor: Actor, dataset: DatasetCard, old: int, new: int) -> dict[str, int | None]:
    """How many paths were added, removed and changed from one version to another; ``changed`` None when too many.

    Raises:
        NotFoundError: the actor may not see one of them.
    """
    resolve_version(actor, dataset, old)
    resolve_version(actor, dataset, new)
    added, removed = _diff_pairs(dataset.row_id, min(old, new), max(old, new))
    pairs = intervals.pairs_of(dataset.row_id)
    plus, minus = sum(pairs[pair] for pair in added), sum(pairs[pair] for pair in removed)
    is_countable = min(plus, minus) <= _COUNT_CHANGED_BELOW
    both, same = _count_both(dataset.row_id, min(old, new), max(old, new)) if is_countable else (0, 0)
    if old > new:
        plus, minus = minus, plus
    return {"added": plus - both, "removed": minus - both, "changed": both - same if is_countable else None}


def list_diff(
    actor: Actor, dataset: DatasetCard, old: int, new: int, *, after: str = "", limit: int = 100
) -> tuple[list[Change], str]:
    """A page of the paths that differ, in path order, and the path that continues it.

    Raises:
        NotFoundError: the actor may not see one of the versions.
    """
    resolve_version(actor, dataset, old)
    resolve_version(actor, dataset, new)
    added, removed = _diff_pairs(dataset.row_id, min(old, new), max(old, new))
    pairs, low, is_backward = [*added, *removed], min(old, new), old > new
    listed: list[Change] = []
    while True:
        changes, after = _changes(dataset.row_id, pairs, low, after, limit)
        for path, (before, now) in changes.items():
            a, b = (now, before) if is_backward else (before, now)
            if not (a and b and (a.sha256, a.byte_count) == (b.sha256, b.byte_count)):  # went and came back
                listed.append(Change(path, "changed" if a and b else "added" if b else "removed", a, b))
        if len(listed) > limit:
            return listed[:limit], listed[limit - 1].path
        if not after:
            return listed, ""


def _changes(
    dataset_row: int, pairs: Sequence[intervals.Pair], low: int, after: str, limit: int
) -> tuple[dict[str, tuple[FileCard | None, FileCard | None]], str]:
    """Both sides of the next paths that have a row in one of the pairs, and the path that continues."""
    most = 2 * (limit + 1)
    rows = intervals.rows_in(dataset_row, pairs, after, "", most)
    found: dict[str, tuple[FileCard | None, FileCard | None]] = {}
    for path, size, sha256, run_row, since in rows:
        before, now = found.get(path, (None, None))
        card = FileCard(path, size, bytes(sha256), run_row)
        found[path] = (before, card) if since > low else (card, now)
    if len(rows) < most:
        return found, ""
    found.pop(rows[-1][0])  # its other half may come with the next batch
    return found, next(reversed(found))


def _diff_pairs(dataset_row: int, low: int, high: int) -> tuple[list[intervals.Pair], list[intervals.Pair]]:
    pairs = intervals.pairs_of(dataset_row)
    added = [(since, until) for since, until in pairs if low < since <= high < until]
    removed = [(since, until) for since, until in pairs if since <= low < until <= high]
    return added, removed


def _count_both(dataset_row: int, low: int, high: int) -> tuple[int, int]:
    """How many paths have a row on both sides, and how many of those with the same content."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(*), coalesce(sum(case when a.sha256 = r.sha256 then 1 else 0 end), 0) "
            "from datasets_filerow r join datasets_filerow a on a.dataset_id = r.dataset_id "
            "and a.path = r.path where r.dataset_id = %s and r.since <= %s and r.until > %s and r.until <= %s "
            "and a.since > %s and a.since <= %s and a.until > %s",
            [dataset_row, low, low, high, low, high, high],
        )
        both, same = cursor.fetchone() or (0, 0)
    return int(both), int(same)


def draft_hashes(dataset: DatasetCard, paths: Sequence[str]) -> dict[str, bytes]:
    """SHA-256 of what stands in the draft at each of the paths; the caller has asked the rules."""
    kept = {check_path(path): path for path in paths}
    rows = bulk.select_in(
        f"select path, sha256 from datasets_filerow where dataset_id = %s and until = {LIVE} and path in ({{values}})",  # noqa: S608
        list(kept),
        dataset.row_id,
    )
    return {kept[row[0]]: bytes(row[1]) for row in rows}


def readable_contents(actor: Actor, hashes: Iterable[bytes], domain: str = "") -> set[bytes]:
    """Those of the contents that lie in datasets whose drafts the actor sees: no oracle for other people's files.

    Args:
        actor: Who asks.
        hashes: SHA-256 of the contents.
        domain: Only datasets of this key domain count: nothing is linked from one domain into another.
    """
    wanted = set(hashes)
    keys = {content_key(sha256) for sha256 in wanted}
    rows = bulk.select_in(
        "select sha256, dataset_id from datasets_filerow where content_key in ({values})", list(keys)
    )
    seen = policy.visible(actor, "dataset", "dataset.read_draft").q
    readable = set(
        Dataset.objects.filter(seen, key_domain=domain, pk__in={row[1] for row in rows}).values_list(
            "pk", flat=True
        )
    )
    return wanted & {bytes(row[0]) for row in rows if row[1] in readable}


def stands_elsewhere(
    actor: Actor, hashes: Iterable[bytes], *, but: Collection[int], domain: str = ""
) -> dict[bytes, str]:
    """Where contents stand in the drafts that the actor sees, as ``PROJECT/DATASET/PATH``, one place for each.

    Args:
        actor: Who asks.
        hashes: SHA-256 of the contents.
        but: Database keys of datasets that do not count.
        domain: Only datasets of this key domain count.
    """
    wanted = set(hashes)
    rows = bulk.select_in(
        f"select sha256, dataset_id, path from datasets_filerow where until = {LIVE} and content_key in ({{values}})",  # noqa: S608
        sorted({content_key(sha256) for sha256 in wanted}),
    )
    seen = policy.visible(actor, "dataset", "dataset.read_draft").q
    named = {row[1] for row in rows}.difference(but)
    cards = Dataset.objects.filter(seen, key_domain=domain, pk__in=named).select_related("project")
    slugs = {row.pk: f"{row.project.name}/{row.name}" for row in cards}
    places = sorted((bytes(row[0]), f"{slugs[row[1]]}/{row[2]}") for row in rows if row[1] in slugs)
    return {sha256: place for sha256, place in reversed(places) if sha256 in wanted}
