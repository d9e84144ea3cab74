"""Who sees which use: the provider those of the dataset, everybody their own."""

from __future__ import annotations

from collections.abc import Sequence

from tsunagu.core import clock
from tsunagu.data.datasets import api as datasets
from tsunagu.data.training.errors import NoSuchTrainingError
from tsunagu.data.training.models import TrainingUse
from tsunagu.data.training.services import totals
from tsunagu.data.training.types import TrainingCard, UseCard
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy

_MOST = 1000


def uses_of(actor: Actor, card: datasets.DatasetCard, *, limit: int = 100) -> list[UseCard]:
    """What trainings read of a dataset, newest first: everybody's for those who manage it, one's own otherwise."""
    rows = TrainingUse.objects.filter(dataset_id=card.id)
    if not policy.decide(actor, "dataset.manage", card.resource):
        rows = rows.filter(actor_id=actor.id)
    return _cards(list(rows.order_by("-pk")[: min(limit, _MOST)]), {card.id: card.slug})


def trainings(actor: Actor) -> list[TrainingCard]:
    """The actor's trainings, newest first, each with what it read."""
    rows = list(TrainingUse.objects.filter(actor_id=actor.id).order_by("-pk")[:_MOST])
    names = datasets.visible_names(actor, {row.dataset_id for row in rows})
    seen = _cards([row for row in rows if row.dataset_id in names], names)
    return [
        TrainingCard(
            name,
            tuple(one for one in seen if one.training == name),
            sum(row.training == name and row.dataset_id not in names for row in rows),
        )
        for name in dict.fromkeys(row.training for row in rows)
    ]


def training(actor: Actor, name: str) -> TrainingCard:
    """One of the actor's trainings.

    Raises:
        NoSuchTrainingError: the actor has none of that name.
    """
    found = next((one for one in trainings(actor) if one.name == name), None)
    if found is None:
        raise NoSuchTrainingError(training=name)
    return found


def _cards(rows: Sequence[TrainingUse], names: dict[str, str]) -> list[UseCard]:
    people = identity.people({row.actor_id for row in rows})
    cards = []
    for row in rows:
        epochs, count, byte_count = totals(row.progress)
        cards.append(
            UseCard(
                run=row.run_id,
                training=row.training,
                dataset=names[row.dataset_id],
                version=row.version,
                version_hash=row.version_hash,
                service=row.service,
                purpose=row.purpose,
                person=people[row.actor_id].name if row.actor_id in people else "",
                started_at=clock.isoformat(row.started_at),
                ended_at=clock.isoformat(row.ended_at) if row.ended_at else "",
                outcome=row.outcome,
                epochs=epochs,
                rows=count,
                bytes=byte_count,
            )
        )
    return cards
