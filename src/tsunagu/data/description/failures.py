"""What was tried and did not work: said by people, kept as values of the description like everything else they say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from tsunagu.core.errors import InvalidInputError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import values
from tsunagu.data.description.models import Value
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy

# In the order in which people tell it.
FAILURE = ("negative_tried", "negative_expected", "negative_outcome", "negative_reason")
_MOST_LENGTH = 2000


def is_failure(said: Iterable[str]) -> bool:
    """Whether a description of these names tells of something that did not work."""
    return not set(FAILURE).isdisjoint(said)


def failure_of(said: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """What a description tells of it, in order: name and value."""
    return [(name, said[name]) for name in FAILURE if said.get(name)]


@transaction.atomic
def tell_failure(actor: Actor, dataset_id: str, told: Mapping[str, str]) -> None:
    """Say what was tried, what was expected, what came out and why; an empty text takes it back.

    Args:
        actor: Who says it.
        dataset_id: Of which dataset; versions that are frozen from now on hold it.
        told: Names of ``FAILURE`` -> text; what is not named stays as it is.

    Raises:
        InvalidInputError: another name, a text too long, or nothing at all is said.
        ActionDeniedError: the actor may not describe the dataset.
    """
    texts = {name: text.strip() for name, text in told.items()}
    unknown = set(texts).difference(FAILURE)
    if unknown or not texts:
        raise InvalidInputError(
            "What is told of a failure is what was tried, expected, came out, and why.",
            remedy=f"Use {', '.join(FAILURE)}.",
        )
    if longest := [name for name, text in texts.items() if len(text) > _MOST_LENGTH]:
        raise InvalidInputError(f"{longest[0]} is longer than {_MOST_LENGTH:,} characters.")
    card = datasets.get_dataset_by_id(actor, dataset_id)
    policy.require(actor, "dataset.describe", card.resource)
    rows = Value.objects.filter(dataset_id=dataset_id, is_current=True, name__in=FAILURE)
    before = dict(rows.values_list("name", "value"))
    for name, text in texts.items():
        if text != before.get(name, ""):
            values.set_value(actor, dataset_id, name, text)
