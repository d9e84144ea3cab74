"""Asking for a version to be made AI-ready."""

from __future__ import annotations

from importlib import metadata

from django.db import transaction

from tsunagu.core import clock
from tsunagu.core.ids import new_id
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.data.readiness.errors import ReadyAlreadyError
from tsunagu.data.readiness.models import Preparation
from tsunagu.data.readiness.selectors import frozen_number, made_as, preparation_card, require_place
from tsunagu.data.readiness.tasks import prepare
from tsunagu.data.readiness.types import PreparationCard
from tsunagu.formats import api as formats
from tsunagu.foundation.identity.api import Actor


def recipe() -> str:
    """What decides how files become tables, besides the files: converter, library, names of fields."""
    mapping = description.current_mapping().version[:16]
    return f"{formats.CONVERTER}/{metadata.version('pyarrow')}/{mapping}"


@transaction.atomic
def start(actor: Actor, card: datasets.DatasetCard, *, version: int | None = None) -> PreparationCard:
    """Queue a frozen version for conversion; asked again for the same one, the same answer comes back.

    Args:
        actor: Who wants it; the dataset that is made is theirs to fill.
        card: The dataset.
        version: Which frozen version; the newest without it.

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
    row, is_new = Preparation.objects.exclude(state="failed").get_or_create(
        dataset_id=card.id,
        version_hash=found.version_hash,
        recipe=recipe(),
        defaults={
            "run_id": new_id(),
            "number": number,
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
