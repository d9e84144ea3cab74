"""Who sees which use: the provider those of the dataset, everybody their own."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence

from django.db.models import QuerySet

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


def begun(
    card: datasets.DatasetCard, *, since: dt.datetime, until: dt.datetime
) -> list[tuple[dt.datetime, int]]:
    """When trainings of anybody began to read the dataset, and which version; the caller has asked the rules."""
    rows = TrainingUse.objects.filter(dataset_id=card.id, started_at__gte=since, started_at__lt=until)
    return list(rows.order_by("started_at").values_list("started_at", "version"))


def trainings(actor: Actor) -> list[TrainingCard]:
    """The actor's trainings, newest first, each with what it read."""
    return _trainings(actor, TrainingUse.objects.filter(actor_id=actor.id))


def training(actor: Actor, name: str) -> TrainingCard:
    """One of the actor's trainings.

    Raises:
        NoSuchTrainingError: the actor has none of that name.
    """
    found = _trainings(actor, TrainingUse.objects.filter(actor_id=actor.id, training=name))
    if not found:
        raise NoSuchTrainingError(training=name)
    return found[0]


def _trainings(actor: Actor, uses: QuerySet[TrainingUse]) -> list[TrainingCard]:
    rows = list(uses.order_by("-pk")[:_MOST])
    names = datasets.visible_names(actor, {row.dataset_id for row in rows})
    seen: dict[str, list[UseCard]] = {row.training: [] for row in rows}
    for card in _cards([row for row in rows if row.dataset_id in names], names):
        seen[card.training].append(card)
    counts = Counter(row.training for row in rows)
    return [TrainingCard(name, tuple(cards), counts[name] - len(cards)) for name, cards in seen.items()]


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
