"""Labels that travel: what an entity must be treated as, and how the strictest of several is found.

A label has levels, from the loosest to the strictest; 0 is "nobody has decided yet". Countries of origin add up.
Where an undecided input meets one that is decided to be harmless, what is derived is undecided: a machine must not
turn ignorance into an all-clear.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction

from tsunagu.core import clock
from tsunagu.core.errors import InvalidInputError
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.ledger.api import append
from tsunagu.foundation.policy.errors import NoReasonError
from tsunagu.foundation.policy.models import LabelSet
from tsunagu.foundation.policy.services import require
from tsunagu.foundation.policy.types import Labels, Resource

# Kinds of entities that carry labels, as runs name them.
LABELLED = frozenset({"dataset", "version"})
LEVELS: Mapping[str, tuple[str, ...]] = {
    "sensitivity": ("undecided", "1", "2", "3", "4", "5"),
    "personal": ("undecided", "no", "anonymised", "pseudonymised", "yes", "special"),
    "export_control": ("undecided", "no", "review", "controlled"),
    "contract": ("undecided", "no", "yes"),
    "consent": ("undecided", "not-needed", "broad", "specific", "withdrawn"),
}
ORIGIN = "origin"
_MEANT = {"personal": "yes", "export_control": "controlled", "contract": "yes", "consent": "specific"}
_HARMLESS = 1
_COUNTRY = re.compile(r"[A-Z]{2}\Z")


def labels_of(entity_ids: Iterable[str]) -> dict[str, Labels]:
    """Labels of datasets and versions by id; an entity without a row has none decided."""
    rows = LabelSet.objects.filter(entity_id__in=set(entity_ids))
    return {row.entity_id: _labels(row) for row in rows}


def _labels(row: LabelSet) -> Labels:
    return Labels(
        levels={name: getattr(row, name) for name in LEVELS},
        origins=tuple(code for code in row.origins.split(",") if code),
        inherited=dict(row.inherited),
    )


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
    before = labels_of([resource.id]).get(resource.id, Labels())
    row = LabelSet(
        entity_id=resource.id, **before.levels, origins=_joined(before.origins), inherited=before.inherited
    )
    if name == ORIGIN:
        codes = _countries(value)
        is_release = needs_owner = not set(before.origins) <= set(codes)
        row.origins = _joined(codes)
    else:
        level, held = _level(name, value), before.levels[name]
        is_release = level < held
        # An all-clear is for owners, even where nothing was decided before.
        needs_owner = is_release or (level == _HARMLESS and held == 0)
        setattr(row, name, level)
    require(actor, "dataset.release" if needs_owner else "dataset.describe", resource)
    if is_release and not reason.strip():
        raise NoReasonError
    row.inherited = {key: run for key, run in row.inherited.items() if key != name}
    _save(row)
    append(
        "label",
        {"entity": resource.id, "name": name, "value": _value(row, name), "by": actor.id, "run": None},
    )
    return is_release


def inherit(run_id: str, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """Give what a run makes the strictest labels of what it uses and of what it had; in the run's own transaction.

    Args:
        run_id: The run.
        inputs: Ids of datasets and versions that it uses.
        outputs: Ids of datasets and versions that it makes.
    """
    outputs = [key for key in outputs if key not in set(inputs)]
    if not inputs or not outputs:
        return
    held = labels_of([*inputs, *outputs])
    if not any(key in held for key in inputs):
        return
    sources = [held.get(key, Labels()) for key in inputs]
    for key in outputs:
        mine = held.get(key)
        merged = strictest([*sources, *([mine] if mine else [])])
        mine = mine or Labels()
        changed = {name for name, level in merged.levels.items() if level != mine.levels[name]}
        if set(merged.origins) != set(mine.origins):
            changed.add(ORIGIN)
        if not changed:
            continue
        inherited = {**mine.inherited, **dict.fromkeys(changed, run_id)}
        row = LabelSet(entity_id=key, **merged.levels, origins=_joined(merged.origins), inherited=inherited)
        _save(row)
        for name in sorted(changed):
            append(
                "label", {"entity": key, "name": name, "value": _value(row, name), "by": "", "run": run_id}
            )


def strictest(several: Sequence[Labels]) -> Labels:
    """The labels of something made from all of these."""
    levels = {}
    for name in LEVELS:
        found = [one.levels[name] for one in several]
        highest = max(found, default=0)
        levels[name] = 0 if highest <= _HARMLESS and 0 in found else highest
    return Labels(levels, tuple(sorted({code for one in several for code in one.origins})))


def value_of(labels: Labels, name: str) -> str:
    """A label's value in the words of the command line."""
    return ",".join(labels.origins) if name == ORIGIN else LEVELS[name][labels.levels[name]]


def _value(row: LabelSet, name: str) -> str:
    return value_of(_labels(row), name)


def _save(row: LabelSet) -> None:
    fields: dict[str, Any] = {name: getattr(row, name) for name in (*LEVELS, "origins", "inherited")}
    LabelSet.objects.update_or_create(entity_id=row.entity_id, defaults=fields | {"updated_at": clock.now()})


def _level(name: str, value: str) -> int:
    if name not in LEVELS:
        known = ", ".join((*LEVELS, ORIGIN))
        raise InvalidInputError(f"{name!r} is no label.", remedy=f"Labels are {known}.")
    chosen = value or _MEANT.get(name, "")
    if chosen not in LEVELS[name]:
        levels = ", ".join(LEVELS[name])
        raise InvalidInputError(f"{name} has no level {value!r}.", remedy=f"Levels are {levels}.")
    return LEVELS[name].index(chosen)


def _countries(value: str) -> tuple[str, ...]:
    codes = tuple(sorted({code.strip().upper() for code in value.split(",") if code.strip()}))
    wrong = [code for code in codes if not _COUNTRY.match(code)]
    if wrong:
        raise InvalidInputError(f"{wrong[0]!r} is no country code.", remedy="Write two letters, as JP or US.")
    return codes


def _joined(codes: Iterable[str]) -> str:
    """``,JP,US,``: a whole code is found by a plain search for ``,JP,``."""
    return "".join(f",{code}" for code in codes) + ","
