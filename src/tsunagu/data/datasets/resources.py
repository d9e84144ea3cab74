"""Rows as rules see them."""

from __future__ import annotations

from tsunagu.data.datasets.models import Dataset, Tombstone
from tsunagu.foundation.policy import api as policy


def resource_of(row: Dataset | Tombstone) -> policy.Resource:
    """A dataset's row as rules see it; a tombstone counts as the dataset that it was."""
    return policy.Resource(
        "dataset",
        row.uid,
        project_id=row.project_id,
        access=policy.Access(row.access),
        has_frozen=row.has_frozen,
        embargo_until_s=row.embargo_until_s,
    )
