"""Labels of datasets, as recorded decisions; and what a run that derives data from others used."""

from __future__ import annotations

from django.db import transaction

from tsunagu.core import events
from tsunagu.data.datasets import frozen, selectors
from tsunagu.data.datasets.types import DatasetCard, LabelCard
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs


@transaction.atomic
def set_label(actor: Actor, card: DatasetCard, name: str, value: str = "", *, reason: str = "") -> None:
    """Put a label on a dataset; ``policy.set_label`` says who may and what may be wrong."""
    before = policy.labels_of([card.id]).get(card.id, policy.Labels())
    is_release = policy.set_label(actor, card.resource, name, value, reason=reason)
    now = policy.labels_of([card.id])[card.id]
    runs.record(
        actor,
        "release_label" if is_release else "label",
        dataset_id=card.id,
        parameters={
            "label": name,
            "before": policy.value_of(before, name),
            "now": policy.value_of(now, name),
        },
        links=[runs.Link("in", "dataset", card.id, card.slug)],
        reason=reason,
    )
    events.record("datasets.label_changed", dataset_id=card.id)


def labels(card: DatasetCard) -> list[LabelCard]:
    """Every label of a dataset; the caller has asked the rules for it."""
    held = policy.labels_of([card.id]).get(card.id, policy.Labels())
    shown = [
        LabelCard(name, policy.value_of(held, name), held.levels[name], steps, held.inherited.get(name, ""))
        for name, steps in policy.LEVELS.items()
    ]
    origin = policy.value_of(held, policy.ORIGIN)
    run = held.inherited.get(policy.ORIGIN, "")
    return [*shown, LabelCard(policy.ORIGIN, origin, len(held.origins), (), run)]


def input_links(actor: Actor, place: str) -> list[runs.Link]:
    """What a run used, from ``PROJECT/DATASET`` or ``PROJECT/DATASET@VERSION``.

    A version counts with its dataset: what was learnt about the data after it was frozen travels too.

    Raises:
        NotFoundError: there is none, or the actor may not see it.
        NoSuchVersionError: the dataset has no such version.
    """
    name, _, number = place.partition("@")
    project, _, dataset = name.partition("/")
    card = selectors.get_dataset(actor, project, dataset)
    policy.require(actor, "dataset.read", card.resource)
    links = [runs.Link("in", "dataset", card.id, card.slug)]
    if number:
        version = frozen.get_version(card, int(number) if number.isdigit() else 0)
        links.append(runs.Link("in", "version", version.version_hash, f"{card.slug}@{number}"))
    return links
