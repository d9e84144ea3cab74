"""Writing items and accepting what is proposed; every value is a value of the description, with its run and its origin."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from django.db import transaction

from tsunagu.data.common_items.errors import BadItemError, ProposalChangedError
from tsunagu.data.common_items.items import ITEMS, Slot
from tsunagu.data.common_items.proposing import proposals
from tsunagu.data.common_items.selectors import kept_as
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy

_SLOTS: Mapping[str, Slot] = {slot.name: slot for item in ITEMS for slot in item.slots if slot.name}
_FORMS = {
    "hosting_institution_ror": re.compile(r"https://ror\.org/0[a-z0-9]{8}"),
    "manager_erad": re.compile(r"[0-9]{8}"),
    "programme_code": re.compile(r"[0-9A-Za-z]{1,5}"),
    "award_number": re.compile(r"JP[0-9A-Za-z-]{2,40}"),
    "contact_mail": re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+"),
}
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

    Returns:
        How many changed.

    Raises:
        ActionDeniedError: the actor may not describe the dataset.
        BadItemError: a value has another form than its item wants, or there is no such item.
    """
    policy.require(actor, "dataset.describe", card.resource)
    said = {one.name: {"value": one.value} for one in description.values(actor, card)}
    changed = 0
    for slot_name, raw in values.items():
        value = raw.replace("\r\n", "\n").strip()
        _check(slot_name, value)
        name = kept_as(said, slot_name)
        before = said.get(name, {}).get("value", "")
        shown = "、".join(map(str, before)) if isinstance(before, list) else str(before)
        if value != shown:
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
        _check(slot_name, value)
        name = kept_as(said, slot_name)
        source = {"kind": found.origin, "source": found.source}
        description.set_value(actor, card.id, name, value, taken_from=source)
        said[name] = {"value": value}
    return len(shown)


def _check(name: str, value: str) -> None:
    slot = _SLOTS.get(name)
    if slot is None:
        raise BadItemError(f"There is no item {name[:100]}.", item=name[:100])
    if not value:
        return
    if slot.choices is not None and value not in slot.choices:
        raise BadItemError(
            f"{value[:100]!r} is none of the values of {name}.",
            remedy=f"Choose one of {', '.join(slot.choices)}.",
            item=name,
        )
    if name in _FORMS and not _FORMS[name].fullmatch(value):
        raise BadItemError(
            f"{value[:100]!r} cannot be the value of {name}.",
            remedy=f"Write it as {_HINTS[name]}.",
            item=name,
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
