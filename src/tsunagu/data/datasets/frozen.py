"""Frozen versions of a dataset. Whoever calls has been shown the dataset, as a card; versions that one does not see are none."""

from __future__ import annotations

from tsunagu.core import clock
from tsunagu.data.datasets.errors import NoSuchVersionError
from tsunagu.data.datasets.models import Version
from tsunagu.data.datasets.types import DatasetCard, VersionRef


def version_ref(row: Version) -> VersionRef:
    """A version row as others see it."""
    return VersionRef(
        number=row.number,
        version_hash=row.version_hash,
        root=row.root,
        record=row.record,
        file_count=row.file_count,
        byte_count=row.byte_count,
        note=row.note,
        run_id=row.run_id,
        frozen_by=row.frozen_by,
        frozen_at=clock.isoformat(row.frozen_at),
        described=row.described,
        is_released=row.is_released,
    )


def list_versions(dataset: DatasetCard, *, before: int = 2**31 - 1, limit: int = 50) -> list[VersionRef]:
    """Versions of a dataset, newest first."""
    rows = Version.objects.filter(dataset_id=dataset.row_id, number__lt=before).order_by("-number")
    if not dataset.sees_unreleased:
        rows = rows.filter(is_released=True)
    return [version_ref(row) for row in rows[:limit]]


def get_version(dataset: DatasetCard, number: int) -> VersionRef:
    """One version.

    Raises:
        NoSuchVersionError: there is none of that number.
    """
    row = Version.objects.filter(dataset_id=dataset.row_id, number=number).first()
    if row is None or not (row.is_released or dataset.sees_unreleased):
        raise _missing(dataset, number)
    return version_ref(row)


def need_version(dataset: DatasetCard, number: int) -> None:
    """Refuse a frozen version that is not there, or that the asker does not see.

    Raises:
        NoSuchVersionError: it is so.
    """
    is_there = 1 <= number < dataset.draft_number  # frozen versions are numbered one by one and stay
    if is_there and not dataset.sees_unreleased:
        rows = Version.objects.filter(dataset_id=dataset.row_id, number=number, is_released=True)
        is_there = rows.exists()
    if not is_there:
        raise _missing(dataset, number)


def version_hash_of(dataset: DatasetCard, number: int) -> str:
    """The name of a frozen version, without all that it holds; the caller has asked for the version.

    Raises:
        NoSuchVersionError: there is none of that number.
    """
    rows = Version.objects.filter(dataset_id=dataset.row_id, number=number)
    found: str | None = rows.values_list("version_hash", flat=True).first()
    if found is None:
        raise _missing(dataset, number)
    return found


def _missing(dataset: DatasetCard, number: int) -> NoSuchVersionError:
    return NoSuchVersionError(f"{dataset.slug} has no version {number}.", version=number)
