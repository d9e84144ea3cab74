"""What a new reading of the same bytes says differently."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tsunagu.formats.types import Field, Outcome


def diff_fields(before: Outcome, now: Outcome) -> dict[str, list[dict[str, Any]]]:
    """Fields that came, went or changed between two readings; empty when there is no difference.

    Returns:
        ``added`` and ``removed`` with key, where and value; ``changed`` with key, where, before and now, each of
        these with value, unit, name, normal_value and normal_unit.
    """
    old, new = _by_place(before), _by_place(now)
    found: dict[str, list[dict[str, Any]]] = {"added": [], "removed": [], "changed": []}
    for place in dict.fromkeys((*old, *new)):
        was, stands = old.get(place, []), new.get(place, [])
        key, where = place
        for one, other in zip(was, stands, strict=False):
            if _said(one) != _said(other):
                found["changed"].append(
                    {"key": key, "where": where, "before": _said(one), "now": _said(other)}
                )
        found["removed"] += [{"key": key, "where": where, **_said(item)} for item in was[len(stands) :]]
        found["added"] += [{"key": key, "where": where, **_said(item)} for item in stands[len(was) :]]
    return found if any(found.values()) else {}


def _by_place(outcome: Outcome) -> dict[tuple[str, str], list[Field]]:
    places: dict[tuple[str, str], list[Field]] = defaultdict(list)
    for item in outcome.reading.fields:
        places[item.key, item.where].append(item)
    return places


def _said(item: Field) -> dict[str, Any]:
    return {
        "value": item.value,
        "unit": item.unit,
        "name": item.name,
        "normal_value": item.normal_value,
        "normal_unit": item.normal_unit,
    }
