"""Asking for a version to be made AI-ready."""

from __future__ import annotations

from django.db import transaction

from tsunagu.core import clock
from tsunagu.core.ids import new_id
from tsunagu.data.datasets import api as datasets
from tsunagu.data.readiness import choosing, stores
from tsunagu.data.readiness.cards import completed, repaired_columns
from tsunagu.data.readiness.errors import ReadyAlreadyError
from tsunagu.data.readiness.models import Preparation
from tsunagu.data.readiness.selectors import (
    frozen_number,
    made_as,
    preparation_card,
    recipe,
    require_place,
)
from tsunagu.data.readiness.tasks import prepare
from tsunagu.data.readiness.types import PreparationCard
from tsunagu.formats import api as formats
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy


@transaction.atomic
def start(
    actor: Actor, card: datasets.DatasetCard, *, version: int | None = None, shards: bool | None = None
) -> PreparationCard:
    """Queue a frozen version for conversion; asked again for the same one, the same answer comes back.

    Args:
        actor: Who wants it; the dataset that is made is theirs to fill.
        card: The dataset.
        version: Which frozen version; the newest without it.
        shards: Whether pictures are wanted as WebDataset shards, too; None: as the last time.

    Raises:
        NothingFrozenError: there is no frozen version.
        NoSuchVersionError: there is none of that number.
        ActionDeniedError: the actor may not add a dataset to the project, or not write to the one that is there.
        ReadyAlreadyError: the dataset was made so itself.
        ForeignDatasetError: the place is taken by a dataset that was not made from this one.
    """
    number = frozen_number(actor, card, version)
    if made_as(card.id):
        raise ReadyAlreadyError(dataset=card.slug)
    found = datasets.get_version(card, number)
    require_place(actor, card)
    if shards is None:
        last = (
            Preparation.objects.filter(dataset_id=card.id)
            .exclude(state="failed")
            .order_by("-asked_at")
            .first()
        )
        shards = last is not None and last.recipe.endswith(stores.SHARDS)
    row, is_new = Preparation.objects.exclude(state="failed").get_or_create(
        dataset_id=card.id,
        version_hash=found.version_hash,
        recipe=recipe(card.id) + (stores.SHARDS if shards else ""),
        defaults={
            "run_id": new_id(),
            "number": number,
            "choices": [one.uid for one in choosing.in_force(card.id)],
            "total_bytes": found.byte_count,
            "actor_kind": actor.kind,
            "actor_id": actor.id,
            "actor_name": actor.name,
            "token_id": actor.token_id,
            "asked_at": clock.now(),
        },
    )
    if is_new:
        prepare.enqueue(run_id=row.run_id)
    return preparation_card(actor, row)


@transaction.atomic
def repair(
    actor: Actor, card: datasets.DatasetCard, kind: str, *, column: str = "", value: str = "", note: str = ""
) -> None:
    """Repair what the card complains of: choose something about the tables, or say what the description lacks.

    Nothing is converted yet; ``start`` makes the tables anew, with everything that was chosen until then.

    Args:
        actor: Who may describe the dataset.
        card: The dataset.
        kind: Of the repair, as the card offers it.
        column: As the files have it; for ``describe`` the name of the value, for ``leave_out`` the path of the file.
        value: What is chosen; for ``split``, ``split_by_time`` and ``encode`` the profile suggests one.
        note: Why.

    Raises:
        ActionDeniedError: the actor may not describe the dataset.
        NothingFrozenError: there is no version yet whose tables could be repaired.
        ReadyAlreadyError, BadChoiceError: see ``choosing.choose``.
    """
    policy.require(actor, "dataset.describe", card.resource)
    if kind == choosing.DESCRIBE:
        choosing.describe(actor, card, column, value)
        return
    wanted = completed(actor, card, formats.Choice(kind, column.strip(), value.strip()))  # type: ignore[arg-type]
    choosing.choose(actor, card, wanted, columns=repaired_columns(actor, card), note=note)
