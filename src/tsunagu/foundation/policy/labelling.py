"""Putting labels on datasets by hand, and releasing them."""

from __future__ import annotations

import re

from django.db import transaction

from tsunagu.core.errors import InvalidInputError
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.ledger.api import append
from tsunagu.foundation.policy import labels
from tsunagu.foundation.policy.errors import NoReasonError
from tsunagu.foundation.policy.models import LabelSet
from tsunagu.foundation.policy.services import require
from tsunagu.foundation.policy.types import Labels, Resource

_MEANT = {"personal": "yes", "export_control": "controlled", "contract": "yes", "consent": "specific"}
_COUNTRY = re.compile(r"[A-Z]{2}\Z")


@transaction.atomic
def set_label(actor: Actor, resource: Resource, name: str, value: str = "", *, reason: str = "") -> bool:
    """Put a label on a dataset, or another value; making it stricter is easy, releasing it needs a right and a reason.

    Args:
        actor: A person; whoever describes the dataset may make it stricter, its owners may release.
        resource: The dataset.
        name: One of ``LEVELS``, or ``origin``.
        value: A level of the label; empty: the usual one (``personal`` is ``yes``). For ``origin`` two-letter codes
            of ISO 3166 with commas.
        reason: Why it may be treated as less strict than now.

    Returns:
        Whether this released the dataset from a stricter label.

    Raises:
        InvalidInputError: no such label or level.
        ActionDeniedError: the actor may not do this.
        NoReasonError: a release without a reason.
    """
    before = labels.labels_of([resource.id]).get(resource.id, Labels())
    row = LabelSet(
        entity_id=resource.id,
        **before.levels,
        origins=labels.joined(before.origins),
        inherited=before.inherited,
    )
    if name == labels.ORIGIN:
        codes = _countries(value)
        is_release = needs_owner = not set(before.origins) <= set(codes)
        row.origins = labels.joined(codes)
    else:
        level, held = _level(name, value), before.levels[name]
        is_release = level < held
        # An all-clear is for owners, even where nothing was decided before.
        needs_owner = is_release or (level == labels.HARMLESS and held == 0)
        setattr(row, name, level)
    require(actor, "dataset.release" if needs_owner else "dataset.describe", resource)
    if is_release and not reason.strip():
        raise NoReasonError
    row.inherited = {key: run for key, run in row.inherited.items() if key != name}
    labels.save(row)
    append(
        "label",
        {"dataset": resource.id, "name": name, "value": labels.value(row, name), "by": actor.id, "run": None},
    )
    return is_release


def _level(name: str, value: str) -> int:
    if name not in labels.LEVELS:
        known = ", ".join((*labels.LEVELS, labels.ORIGIN))
        raise InvalidInputError(f"{name!r} is no label.", remedy=f"Labels are {known}.")
    chosen = value or _MEANT.get(name, "")
    if chosen not in labels.LEVELS[name]:
        levels = ", ".join(labels.LEVELS[name])
        raise InvalidInputError(f"{name} has no level {value!r}.", remedy=f"Levels are {levels}.")
    return labels.LEVELS[name].index(chosen)


def _countries(value: str) -> tuple[str, ...]:
    codes = tuple(sorted({code.strip().upper() for code in value.split(",") if code.strip()}))
    wrong = [code for code in codes if not _COUNTRY.match(code)]
    if wrong:
        raise InvalidInputError(f"{wrong[0]!r} is no country code.", remedy="Write two letters, as JP or US.")
    return codes
