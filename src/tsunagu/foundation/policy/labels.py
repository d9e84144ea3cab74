"""Labels that travel: what an entity must be treated as, and how the strictest of several is found.

A label has levels, from the loosest to the strictest; 0 is "nobody has decided yet". Countries of origin add up.
Where an undecided input meets one that is decided to be harmless, what is derived is undecided: a machine must not
turn ignorance into an all-clear.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tsunagu.core import clock, events
from tsunagu.foundation.ledger.api import append
from tsunagu.foundation.policy.models import LabelSet
from tsunagu.foundation.policy.types import Labels

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
HARMLESS = 1


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
        row = LabelSet(entity_id=key, **merged.levels, origins=joined(merged.origins), inherited=inherited)
        save(row)
        for name in sorted(changed):
            append(
                "label", {"dataset": key, "name": name, "value": value(row, name), "by": "", "run": run_id}
            )


def strictest(several: Sequence[Labels]) -> Labels:
    """The labels of something made from all of these."""
    levels = {}
    for name in LEVELS:
        found = [one.levels[name] for one in several]
        highest = max(found, default=0)
        levels[name] = 0 if highest <= HARMLESS and 0 in found else highest
    return Labels(levels, tuple(sorted({code for one in several for code in one.origins})))


def value_of(labels: Labels, name: str) -> str:
    """A label's value in the words of the command line."""
    return ",".join(labels.origins) if name == ORIGIN else LEVELS[name][labels.levels[name]]


def value(row: LabelSet, name: str) -> str:
    """The same of a row."""
    return value_of(_labels(row), name)


def save(row: LabelSet) -> None:
    """Write a row, new or old."""
    fields: dict[str, Any] = {name: getattr(row, name) for name in (*LEVELS, "origins", "inherited")}
    LabelSet.objects.update_or_create(entity_id=row.entity_id, defaults=fields | {"updated_at": clock.now()})
    events.record("policy.labels_changed", entity_id=row.entity_id)


def joined(codes: Iterable[str]) -> str:
    """``,JP,US,``: a whole code is found by a plain search for ``,JP,``."""
    return "".join(f",{code}" for code in codes) + ","
