"""Datasets as an index takes them: what those see who see the draft, and what everybody else sees."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tsunagu.core import bulk
from tsunagu.data.datasets.models import Dataset, FileRow, Version, content_key
from tsunagu.data.datasets.selectors import changed_since_frozen, last_versions
from tsunagu.foundation.policy import api as policy

_READ_ME = tuple(
    f"{name}{ending}"
    for name in (
        "README",
        "readme",
        "Readme",
        "README.ja",
        "README_ja",
        "README-ja",
        "README.en",
        "README_en",
    )
    for ending in ("", ".md", ".txt", ".rst")
)


@dataclass(frozen=True, slots=True)
class Face:
    """What a dataset says of itself to somebody."""

    title: str
    described: Mapping[str, Any]
    file_count: int
    byte_count: int


@dataclass(frozen=True, slots=True)
class Source:
    """A dataset with everything that rules ask of it, except labels.

    Attributes:
        is_same: The draft is the last version, so that both faces say the same.
        key_domain: Not empty: its bytes are sealed, and so must be what was read out of them.
    """

    id: str
    row_id: int
    project_id: str
    project: str
    project_title: str
    name: str
    access: str
    embargo_until_s: int
    has_frozen: bool
    key_domain: str
    draft_number: int
    last_released: int
    created_at: dt.datetime
    updated_at: dt.datetime
    draft: Face
    frozen: Face
    is_same: bool


def sources(ids: Iterable[str]) -> list[Source]:
    """Datasets by ULID for an index, without asking the rules; those that are gone are left out."""
    rows = list(Dataset.objects.select_related("project").filter(uid__in=list(ids)))
    frozen = [row.pk for row in rows if row.has_frozen]
    versions = last_versions(frozen)
    changed = changed_since_frozen(frozen)
    return [
        Source(
            id=row.uid,
            row_id=row.pk,
            project_id=row.project_id,
            project=row.project.name,
            project_title=row.project.title,
            name=row.name,
            access=row.access,
            embargo_until_s=row.embargo_until_s,
            has_frozen=row.has_frozen,
            key_domain=row.key_domain,
            draft_number=row.draft_number,
            last_released=row.last_released,
            created_at=row.created_at,
            updated_at=row.updated_at,
            draft=Face(row.title, row.described, row.live_count, row.live_bytes),
            frozen=_frozen(row, versions.get(row.pk)),
            is_same=row.last_released == row.draft_number - 1
            and row.pk in versions
            and row.pk not in changed,
        )
        for row in rows
    ]


def _frozen(row: Dataset, version: Version | None) -> Face:
    """As ``dataset_card`` says it to those who see no draft."""
    if version is None:
        return Face("" if row.has_frozen else row.title, {}, 0, 0)
    title = str(version.described.get("title", {}).get("value", row.title))
    return Face(title, version.described, version.file_count, version.byte_count)


def source_ids(*, after: int = 0, limit: int = 1000) -> list[tuple[int, str]]:
    """Database key and ULID of every dataset, in order of the keys; for an index that is made anew."""
    rows = Dataset.objects.filter(pk__gt=after).order_by("pk").values_list("pk", "uid")
    return list(rows[:limit])


def source_count() -> int:
    """How many datasets there are."""
    return Dataset.objects.count()


def faces_seen(read: policy.Visibility, draft: policy.Visibility, ids: Iterable[str]) -> dict[str, bool]:
    """Those of the datasets that may be read, each with whether the draft may be; for one actor.

    Args:
        read: What ``policy.visible`` says of reading.
        draft: The same of reading drafts.
        ids: ULIDs.
    """
    seen = Dataset.objects.filter(read.q, uid__in=list(ids))
    found = dict.fromkeys(seen.values_list("uid", flat=True), False)
    drafts = Dataset.objects.filter(draft.q, uid__in=list(found)) if found else Dataset.objects.none()
    return found | dict.fromkeys(drafts.values_list("uid", flat=True), True)


def read_me(versions: Iterable[tuple[Source, int]]) -> dict[str, list[bytes]]:
    """SHA-256 of the files that introduce versions, by ULID of the dataset, without asking the rules: the caller does."""
    wanted = {source.row_id: (source.id, version) for source, version in versions}
    rows = FileRow.objects.filter(dataset_id__in=list(wanted), path__in=_READ_ME).order_by("path")
    found: dict[str, list[bytes]] = {}
    for key, sha256, since, until in rows.values_list("dataset_id", "sha256", "since", "until"):
        uid, version = wanted[key]
        if since <= version < until:
            found.setdefault(uid, []).append(bytes(sha256))
    return found


def paths_at(source: Source, version: int, contents: Collection[bytes]) -> dict[bytes, str]:
    """The first path at which each of some contents stands in a version, without asking the rules: the caller does."""
    rows = bulk.select_in(
        "select sha256, path from datasets_filerow where dataset_id = %s and since <= %s and until > %s "
        "and content_key in ({values})",
        sorted({content_key(sha256) for sha256 in contents}),
        source.row_id,
        version,
        version,
    )
    places = sorted(((bytes(sha256), path) for sha256, path in rows), reverse=True)
    return {sha256: path for sha256, path in places if sha256 in contents}


def contents_at(source: Source, version: int, *, most: int) -> set[bytes] | None:
    """SHA-256 of everything that a version holds; None where that is more than ``most`` files."""
    rows = FileRow.objects.filter(dataset_id=source.row_id, since__lte=version, until__gt=version)
    found = [bytes(sha256) for sha256 in rows.values_list("sha256", flat=True)[: most + 1]]
    return None if len(found) > most else set(found)
