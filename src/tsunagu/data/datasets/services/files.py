"""Putting files into the draft and taking them out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from tsunagu.core import bulk, clock, events
from tsunagu.core.paths import check_path
from tsunagu.data.datasets import intervals, selectors, tree
from tsunagu.data.datasets.errors import NoSuchFileError, PathTakenError, SealedMeanwhileError
from tsunagu.data.datasets.models import LIVE, Dataset, FileRow, Interval, Overwritten, content_key
from tsunagu.data.datasets.resources import resource_of
from tsunagu.data.datasets.types import Committed
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

Entry = tuple[str, int, bytes]
_COLUMNS = (
    "dataset_id",
    "path",
    "sha256",
    "byte_count",
    "bucket",
    "since",
    "until",
    "run_row",
    "content_key",
)


@dataclass(slots=True)
class _Row:
    """A live row that a change touches."""

    pk: int
    path: str
    byte_count: int
    sha256: bytes
    since: int
    run_row: int


class _Ledger:
    """Sums of what a change does to intervals and folders, written once at its end."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.pairs: Counter[tuple[int, int]] = Counter()
        self.folders: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
        self.count = self.byte_count = 0

    def add(self, path: str, byte_count: int, sign: int) -> None:
        """Count a file in (+1) or out (-1) of the draft."""
        self.count += sign
        self.byte_count += sign * byte_count
        parent = ""
        for part in path.split("/")[:-1]:
            sums = self.folders[parent, part]
            sums[0] += sign
            sums[1] += sign * byte_count
            parent += part + "/"

    def write(self) -> None:
        """Bring counters, intervals and folders up to date."""
        self.dataset.live_count += self.count
        self.dataset.live_bytes += self.byte_count
        self.dataset.updated_at = clock.now()
        self.dataset.save(update_fields=["live_count", "live_bytes", "updated_at"])
        key = self.dataset.pk
        with connection.cursor() as cursor:
            cursor.executemany(
                "insert into datasets_interval (dataset_id, since, until, row_count) values (%s, %s, %s, %s) "
                "on conflict (dataset_id, since, until) do update "
                "set row_count = datasets_interval.row_count + excluded.row_count",
                [(key, since, until, count) for (since, until), count in self.pairs.items() if count],
            )
            cursor.executemany(
                "insert into datasets_folder (dataset_id, parent, name, file_count, byte_count) "
                "values (%s, %s, %s, %s, %s) on conflict (dataset_id, parent, name) do update "
                "set file_count = datasets_folder.file_count + excluded.file_count, "
                "byte_count = datasets_folder.byte_count + excluded.byte_count",
                [(key, parent, name, *sums) for (parent, name), sums in self.folders.items()],
            )


@transaction.atomic
def commit_files(
    actor: Actor,
    dataset_id: str,
    run_id: str,
    entries: Iterable[Entry],
    *,
    domain: str = "",
    replaces: bool = True,
) -> Committed:
    """Put files whose bytes are durable into the draft, in one transaction.

    The last of several entries for a path counts. Content that already stands at its path changes nothing. A draft
    file that another run put there since the last version is replaced and kept in ``Overwritten``.

    Args:
        actor: Who pushes.
        dataset_id: ULID of the dataset.
        run_id: The capture run that the files belong to.
        entries: (path, byte count, sha256).
        domain: The key domain in which the bytes lie.
        replaces: A file may take the place of another one; otherwise nothing is changed and an error says so.

    Raises:
        BadPathError: a path cannot stand in a dataset.
        ActionDeniedError: the actor may not push here.
        SealedMeanwhileError: the dataset's key domain is another by now.
        PathTakenError: another content stands at one of the paths and is not to be replaced.
    """
    dataset = selectors.locked_row(dataset_id)
    policy.require(actor, "dataset.push", resource_of(dataset))
    if dataset.key_domain != domain:
        raise SealedMeanwhileError
    wanted = {check_path(path): (size, sha256) for path, size, sha256 in entries}
    run_row = runs.row_ids([run_id])[run_id]
    standing = _live_rows(dataset, list(wanted)) if dataset.live_count else {}
    same = {path for path, row in standing.items() if (row.byte_count, row.sha256) == wanted[path]}
    fresh = {path: file for path, file in wanted.items() if path not in same}
    if not replaces and (taken := [path for path in fresh if path in standing]):
        raise PathTakenError(f"Another file stands at {taken[0]}.", path=taken[0])
    sums = _Ledger(dataset)
    overwritten = _end_rows(dataset, [standing[path] for path in fresh if path in standing], sums, run_row)
    back = _revive_rows(dataset, fresh, sums)
    new = {path: file for path, file in fresh.items() if path not in back}
    draft = dataset.draft_number
    bulk.insert(
        "datasets_filerow",
        _COLUMNS,
        (
            (dataset.pk, path, sha256, size, tree.bucket_of(path), draft, LIVE, run_row, content_key(sha256))
            for path, (size, sha256) in new.items()
        ),
    )
    for path, (size, _) in new.items():
        sums.add(path, size, +1)
    sums.pairs[draft, LIVE] += len(new)
    sums.write()
    events.record("datasets.files_changed", dataset_id=dataset_id)
    replaced = sum(path in standing for path in fresh)
    byte_count = sum(size for size, _ in wanted.values())
    return Committed(len(fresh) - replaced, replaced, len(same), byte_count, tuple(overwritten))


@transaction.atomic
def remove_files(actor: Actor, dataset_id: str, paths: Sequence[str]) -> int:
    """Take files or whole folders (paths that end with ``/``) out of the draft; frozen versions keep them.

    Raises:
        ActionDeniedError: the actor may not write to the dataset.
        NoSuchFileError: a path is not in the draft; nothing is removed then.
    """
    dataset = selectors.locked_row(dataset_id)
    policy.require(actor, "dataset.write", resource_of(dataset), {"removes": True})
    single = [path for path in paths if not path.endswith("/")]
    rows = _live_rows(dataset, single)
    missing = [path for path in single if path not in rows]
    for folder in (path for path in paths if path.endswith("/")):
        found = _rows_below(dataset, folder)
        if not found:
            missing.append(folder)
        rows.update(found)
    if missing:
        raise NoSuchFileError(f"{missing[0]} is not in the draft.", path=missing[0], missing=len(missing))
    run_id = runs.record(
        actor,
        "remove",
        dataset_id=dataset_id,
        parameters={"file_count": len(rows), "paths": list(paths)[:100]},
    )
    sums = _Ledger(dataset)
    _end_rows(dataset, list(rows.values()), sums, runs.row_ids([run_id])[run_id])
    sums.write()
    events.record("datasets.files_changed", dataset_id=dataset_id)
    return len(rows)


def _live_rows(dataset: Dataset, paths: list[str]) -> dict[str, _Row]:
    rows = bulk.select_in(
        f"select id, path, byte_count, sha256, since, run_row from datasets_filerow "  # noqa: S608 - a constant
        f"where dataset_id = %s and until = {LIVE} and path in ({{values}})",
        paths,
        dataset.pk,
    )
    return {row[1]: _row(row) for row in rows}


def _rows_below(dataset: Dataset, folder: str) -> dict[str, _Row]:
    rows = FileRow.objects.filter(
        dataset=dataset, until=LIVE, path__gt=folder, path__lt=folder + intervals.END
    )
    found = rows.values_list("pk", "path", "byte_count", "sha256", "since", "run_row")
    return {row[1]: _row(row) for row in found.iterator(chunk_size=5000)}


def _row(row: Sequence[Any]) -> _Row:
    return _Row(row[0], row[1], row[2], bytes(row[3]), row[4], row[5])


def _revive_rows(dataset: Dataset, wanted: dict[str, tuple[int, bytes]], sums: _Ledger) -> set[str]:
    """Take back the end of rows whose very content returns to its path in the same draft; returns their paths.

    Otherwise the draft would count as changed although it equals the last version.
    """
    draft = dataset.draft_number
    if draft == 1 or not Interval.objects.filter(dataset=dataset, until=draft, row_count__gt=0).exists():
        return set()
    found = bulk.select_in(
        "select id, path, byte_count, sha256, since, run_row from datasets_filerow "
        "where dataset_id = %s and until = %s and path in ({values})",
        list(wanted),
        dataset.pk,
        draft,
    )
    rows = [row for row in map(_row, found) if wanted[row.path] == (row.byte_count, row.sha256)]
    with connection.cursor() as cursor:
        cursor.executemany(
            f"update datasets_filerow set until = {LIVE} where id = %s",  # noqa: S608 - a constant
            [(row.pk,) for row in rows],
        )
    for row in rows:
        sums.add(row.path, row.byte_count, +1)
        sums.pairs[row.since, draft] -= 1
        sums.pairs[row.since, LIVE] += 1
    return {row.path for row in rows}


def _end_rows(dataset: Dataset, rows: list[_Row], sums: _Ledger, run_row: int) -> list[str]:
    """End rows in the draft: older ones get ``until``, those of this draft go and are kept aside."""
    draft = dataset.draft_number
    older = [row for row in rows if row.since < draft]
    mine = [row for row in rows if row.since == draft]
    with connection.cursor() as cursor:
        cursor.executemany(
            "update datasets_filerow set until = %s where id = %s", [(draft, row.pk) for row in older]
        )
        cursor.executemany("delete from datasets_filerow where id = %s", [(row.pk,) for row in mine])
    now = clock.now()
    Overwritten.objects.bulk_create(
        Overwritten(
            dataset=dataset,
            path=row.path,
            sha256=row.sha256,
            byte_count=row.byte_count,
            run_row=row.run_row,
            replaced_by_run_row=run_row,
            replaced_at=now,
        )
        for row in mine
    )
    for row in rows:
        sums.add(row.path, row.byte_count, -1)
        sums.pairs[row.since, LIVE] -= 1
        if row.since < draft:
            sums.pairs[row.since, draft] += 1
    return [row.path for row in mine if row.run_row != run_row]
