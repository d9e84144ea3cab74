"""Which frozen versions those see who may read a dataset only because it is open or shared.

People with a role see every version. A dataset that was opened by publishing one version shows the others to nobody else;
one that its owners opened themselves shows every version (docs/adr/0073).
"""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction
from django.db.models import Max

from tsunagu.core import clock, events
from tsunagu.data.datasets import selectors
from tsunagu.data.datasets.models import Dataset, Version
from tsunagu.data.datasets.resources import resource_of
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs


@transaction.atomic
def release_only(actor: Actor, dataset_id: str, numbers: Collection[int]) -> None:
    """Show these versions and no other, and from now on only those that are released one by one.

    Args:
        actor: Who decides.
        dataset_id: Which dataset.
        numbers: Of frozen versions.

    Raises:
        NotFoundError: there is no such dataset.
        ActionDeniedError: the actor does not manage the dataset.
    """
    dataset = _held(actor, dataset_id)
    dataset.releases_by_publication = True
    versions = Version.objects.filter(dataset=dataset)
    versions.exclude(number__in=numbers).update(is_released=False)
    versions.filter(number__in=numbers).update(is_released=True)
    _note(actor, dataset, "release_version", numbers)


@transaction.atomic
def release(actor: Actor, dataset_id: str, number: int) -> None:
    """Show one version to all who may read the dataset. Raises the same."""
    _set(actor, dataset_id, number, is_released=True)


@transaction.atomic
def take_back(actor: Actor, dataset_id: str, number: int) -> None:
    """Show one version only to people with a role, whatever the access of the dataset. Raises the same."""
    _set(actor, dataset_id, number, is_released=False)


def _set(actor: Actor, dataset_id: str, number: int, *, is_released: bool) -> None:
    dataset = _held(actor, dataset_id)
    rows = Version.objects.filter(dataset=dataset, number=number).exclude(is_released=is_released)
    if rows.update(is_released=is_released):
        _note(actor, dataset, "release_version" if is_released else "take_back_version", [number])


def _held(actor: Actor, dataset_id: str) -> Dataset:
    dataset = selectors.locked_row(dataset_id)
    policy.require(actor, "dataset.manage", resource_of(dataset))
    return dataset


def _note(actor: Actor, dataset: Dataset, kind: str, numbers: Collection[int]) -> None:
    released = Version.objects.filter(dataset=dataset, is_released=True)
    dataset.last_released = released.aggregate(last=Max("number"))["last"] or 0
    dataset.has_unreleased = Version.objects.filter(dataset=dataset, is_released=False).exists()
    dataset.updated_at = clock.now()
    dataset.save(update_fields=["last_released", "has_unreleased", "releases_by_publication", "updated_at"])
    runs.record(actor, kind, dataset_id=dataset.uid, parameters={"versions": sorted(numbers)})
    events.record("datasets.access_changed", dataset_id=dataset.uid)
