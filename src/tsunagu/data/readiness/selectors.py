"""Where versions that were made AI-ready lie, and how far they are."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import metadata

from tsunagu.core import clock
from tsunagu.core.errors import NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.data.readiness.errors import ForeignDatasetError, NothingFrozenError
from tsunagu.data.readiness.models import Choice, Preparation
from tsunagu.data.readiness.types import PreparationCard
from tsunagu.formats import api as formats
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy

SUFFIX = "-ready"


def generation(dataset_id: str) -> str:
    """A word that changes whenever something is chosen or taken back; empty before the first choice.

    What was taken back must not lead to older tables, but to new ones: the newest version is what people load.
    """
    rows = Choice.objects.filter(dataset_id=dataset_id)
    count = rows.count()
    return f"{count}.{rows.exclude(ended_at=None).count()}" if count else ""


def recipe(dataset_id: str) -> str:
    """What decides how files become tables, besides the files: converter, library, names of fields, choices."""
    mapping = description.current_mapping().version[:16]
    made = f"{formats.CONVERTER}/{metadata.version('pyarrow')}/{mapping}"
    chosen = generation(dataset_id)
    return f"{made}/{chosen}" if chosen else made


def frozen_number(actor: Actor, card: datasets.DatasetCard, version: int | None) -> int:
    """The frozen version that is meant.

    Raises:
        NothingFrozenError: there is none at all.
        NoSuchVersionError: there is none of that number.
        NotFoundError: the actor may not read the dataset.
    """
    number = version or card.last_version
    if not number:
        datasets.resolve_version(actor, card, None)  # who may not read it learns nothing of its versions
        raise NothingFrozenError
    datasets.resolve_version(actor, card, number)
    datasets.get_version(card, number)
    return number


def derived_name(card: datasets.DatasetCard) -> str:
    """The name of the dataset that holds the AI-ready versions."""
    return f"{card.name}{SUFFIX}"


def require_place(actor: Actor, card: datasets.DatasetCard) -> datasets.DatasetCard | None:
    """The dataset that holds the AI-ready versions; None while there is none and the actor may make it.

    Raises:
        ActionDeniedError: the actor may not make it, or not write to it.
        ForeignDatasetError: it was not made from this one.
        DatasetRemovedError: it was destroyed; its name stays with its tombstone.
    """
    name = datasets.check_name(derived_name(card))
    try:
        place = datasets.get_dataset(actor, card.project, name)
    except datasets.DatasetRemovedError:
        raise
    except NotFoundError:
        project = datasets.get_project(actor, card.project)
        policy.require(actor, "project.create_dataset", project.resource)
        return None
    if not Preparation.objects.filter(dataset_id=card.id, derived_id=place.id).exists():
        raise ForeignDatasetError(dataset=place.slug)
    policy.require(actor, "dataset.push", place.resource)
    policy.require(actor, "dataset.freeze", place.resource)
    return place


def made_as(dataset_id: str, number: int = 0) -> Preparation | None:
    """The preparation that made a version of a dataset (0: any of them); None for what people made."""
    rows = Preparation.objects.filter(derived_id=dataset_id, state="done")
    return (rows.filter(derived_number=number) if number else rows).order_by("-pk").first()


def prepared(dataset_ids: Iterable[str]) -> set[str]:
    """Those of the datasets that have an AI-ready version, without asking the rules: the caller does."""
    rows = Preparation.objects.filter(dataset_id__in=list(dataset_ids), state="done")
    return set(rows.values_list("dataset_id", flat=True))


def newest(dataset_id: str, number: int, **more: str) -> Preparation | None:
    """The newest preparation of a version."""
    return Preparation.objects.filter(dataset_id=dataset_id, number=number, **more).order_by("-pk").first()


def preparation(
    actor: Actor, dataset: datasets.DatasetCard, *, version: int | None = None
) -> PreparationCard:
    """How far a frozen version is on its way to AI-ready; none of its criteria is judged.

    Raises:
        NotFoundError: the actor may not read the dataset, or nobody asked for it.
        NothingFrozenError, NoSuchVersionError: there is no such frozen version.
    """
    number = frozen_number(actor, dataset, version)
    row = newest(dataset.id, number)
    if row is None:
        raise NotFoundError(f"Nobody asked for {dataset.slug}@{number} to be made AI-ready.")
    return preparation_card(actor, row)


def preparation_card(actor: Actor, row: Preparation) -> PreparationCard:
    """A row as others see it; what was made is named for those who may see it."""
    names = datasets.visible_names(actor, [row.derived_id]) if row.derived_id else {}
    shown = names.get(row.derived_id, "")
    return PreparationCard(
        run_id=row.run_id,
        dataset_id=row.dataset_id,
        number=row.number,
        state=row.state,  # type: ignore[arg-type]
        reason=row.reason,
        done_bytes=row.done_bytes,
        total_bytes=row.total_bytes,
        derived_id=row.derived_id if shown else "",
        derived=shown,
        derived_number=row.derived_number if shown else 0,
        asked_at=clock.isoformat(row.asked_at),
        ended_at=clock.isoformat(row.ended_at) if row.ended_at else "",
    )
