"""Writing items and accepting what is proposed; every value is a value of the description, with its run and its origin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db import transaction

from tsunagu.data.common_items.errors import BadItemError, ProposalChangedError
from tsunagu.data.common_items.items import SLOTS, Slot, fits
from tsunagu.data.common_items.proposing import proposals
from tsunagu.data.common_items.selectors import kept_as, text_of
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy

_HINTS = {
    "hosting_institution_ror": "https://ror.org/00hhkn466",
    "manager_erad": "12345678",
    "programme_code": "MJPF",
    "award_number": "JP24K00366",
    "contact_mail": "data@example.ac.jp",
}


@transaction.atomic
def write(actor: Actor, card: datasets.DatasetCard, values: Mapping[str, str]) -> int:
    """Set values by the names of their inputs; one that is as it was is left alone, an empty one is removed.

    What another list or an import left there stays, whatever its form, until somebody writes something else.

    Returns:
        How many changed.

    Raises:
        ActionDeniedError: the actor may not describe the dataset.
        BadItemError: a value has another form than its item wants, or there is no such item.
    """
    policy.require(actor, "dataset.describe", card.resource)
    said = {one.name: {"value": one.value} for one in description.values(actor, card)}
    changed, written = 0, set[str]()
    for slot_name, raw in values.items():
        slot, value = _slot(slot_name), text_of(raw)
        name = kept_as(said, slot_name)
        # A title for Japanese readers may have no Japanese sign in it: the other one must not take its place.
        name = slot_name if name in written else name
        written |= {name} if value else set()
        if value != text_of(said.get(name, {}).get("value")):
            _check(slot, value)
            description.set_value(actor, card.id, name, value)
            said[name] = {"value": value}
            changed += 1
    return changed


@transaction.atomic
def accept(actor: Actor, card: datasets.DatasetCard, shown: Mapping[str, str]) -> int:
    """Take over proposed values, by the names of their inputs, as they were shown; returns how many.

    Raises:
        ActionDeniedError: the actor may not describe the dataset.
        ProposalChangedError: something else is proposed now.
    """
    policy.require(actor, "dataset.describe", card.resource)
    offered = proposals(actor, card)
    said = {one.name: {"value": one.value} for one in description.values(actor, card)}
    for slot_name, value in shown.items():
        found = offered.get(slot_name)
        if found is None or found.value != value:
            raise ProposalChangedError(item=slot_name[:100])
        _check(_slot(slot_name), value)
        name = kept_as(said, slot_name)
        source = {"kind": found.origin, "source": found.source}
        description.set_value(actor, card.id, name, value, taken_from=source)
        said[name] = {"value": value}
    return len(shown)


def _slot(name: str) -> Slot:
    slot = SLOTS.get(name)
    if slot is None:
        raise BadItemError(f"There is no item {name[:100]}.", item=name[:100])
    return slot


def _check(slot: Slot, value: str) -> None:
    if not value or fits(slot, value):
        return
    if slot.choices is not None:
        raise BadItemError(
            f"{value[:100]!r} is none of the values of {slot.name}.",
            remedy=f"Choose one of {', '.join(slot.choices)}.",
            item=slot.name,
        )
    raise BadItemError(
        f"{value[:100]!r} cannot be the value of {slot.name}.",
        remedy=f"Write it as {_HINTS[slot.name]}.",
        item=slot.name,
    )


def offered(actor: Actor, card: datasets.DatasetCard, names: Iterable[str]) -> dict[str, str]:
    """What is proposed now under some names, for programs that accept without having shown it.

    Raises:
        BadItemError: nothing is proposed under a name.
    """
    policy.require(actor, "dataset.read_draft", card.resource)
    found = proposals(actor, card)
    wanted = list(names)
    for name in wanted:
        if name not in found:
            raise BadItemError(f"Nothing is proposed for {name[:100]}.", item=name[:100])
    return {name: found[name].value for name in wanted}
