"""Values that people set, and proposals that they decide."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from tsunagu.core import clock
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description.errors import BadValueError, NoSuchProposalError, ProposalDecidedError
from tsunagu.data.description.models import Proposal, Value
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

_LONGEST = 100_000


@transaction.atomic
def set_value(
    actor: Actor,
    dataset_id: str,
    name: str,
    value: Any,
    *,
    unit: str = "",
    taken_from: Mapping[str, str] | None = None,
) -> None:
    """Set a value of the description; a person's word, which no machine overwrites. An empty value removes it.

    Args:
        actor: Who says so.
        dataset_id: The dataset.
        name: Of the value.
        value: Anything that JSON can hold.
        unit: Its unit.
        taken_from: Where the person took it from, unchanged: ``kind`` (``plan``, ``institution``) and ``source``, its name.

    Raises:
        BadValueError: no name, or a value too long.
        ActionDeniedError: the actor may not describe the dataset.
    """
    card = datasets.get_dataset_by_id(actor, dataset_id)
    policy.require(actor, "dataset.describe", card.resource)
    name = name.strip()
    _check(name, value)
    before = Value.objects.filter(dataset_id=dataset_id, name=name, is_current=True).first()
    run_id = runs.record(
        actor,
        "describe",
        dataset_id=dataset_id,
        parameters={"name": name, "before": before.value if before else None, "now": value, "unit": unit},
        links=[runs.Link("out", "value", f"{dataset_id}:{name}"[:80], name)],
    )
    origin = {"kind": "person", "id": actor.id, "by": actor.name, **(taken_from or {})}
    _write(actor, dataset_id, name, value, unit, origin=origin, run_id=run_id)


@transaction.atomic
def decide_proposal(
    actor: Actor,
    dataset_id: str,
    proposal_id: str,
    verdict: str,
    *,
    value: Any = None,
    unit: str | None = None,
) -> None:
    """Accept (as it is, or edited when ``value`` is given) or reject what a machine proposed.

    Args:
        actor: Who decides.
        dataset_id: The dataset.
        proposal_id: The proposal.
        verdict: ``accept`` or ``reject``.
        value: An edited value.
        unit: An edited unit.

    Raises:
        NoSuchProposalError, ProposalDecidedError: unknown, or decided already.
        ActionDeniedError: the actor may not describe the dataset.
    """
    card = datasets.get_dataset_by_id(actor, dataset_id)
    policy.require(actor, "dataset.describe", card.resource)
    row = Proposal.objects.select_for_update().filter(uid=proposal_id, dataset_id=dataset_id).first()
    if row is None:
        raise NoSuchProposalError
    if row.state != "open":
        raise ProposalDecidedError(state=row.state)
    is_edited = verdict == "accept" and value is not None and value != row.value
    row.state = "edited" if is_edited else {"accept": "accepted", "reject": "rejected"}[verdict]
    row.decided_by, row.decided_at = actor.id, clock.now()
    row.save(update_fields=["state", "decided_by", "decided_at"])
    chosen, chosen_unit = (value if is_edited else row.value), (row.unit if unit is None else unit)
    run_id = runs.record(
        actor,
        "decide",
        dataset_id=dataset_id,
        parameters={
            "name": row.name,
            "verdict": row.state,
            "proposed": row.value,
            "now": chosen,
            "rule": row.rule,
        },
        links=[runs.Link("in", "proposal", row.uid, row.name)],
    )
    if verdict == "accept":
        origin = {
            "kind": "proposal",
            "id": row.uid,
            "rule": row.rule,
            "confidence": row.confidence,
            "evidence": row.evidence[:20],
            "is_edited": is_edited,
            "accepted_by": actor.name,
            "by": actor.name,
        }
        _write(actor, dataset_id, row.name, chosen, chosen_unit, origin=origin, run_id=run_id)


@transaction.atomic
def carry_over(
    actor: Actor, dataset_id: str, described: Mapping[str, Any], *, source: str, run_id: str
) -> int:
    """Say of a derived dataset what its source says of itself, wherever nobody has said anything else of it.

    Args:
        actor: Who derived it.
        dataset_id: The derived dataset.
        described: The description of the source's version.
        source: Its name, ``PROJECT/DATASET@VERSION``.
        run_id: The run that derived it.

    Returns:
        How many values changed.

    Raises:
        ActionDeniedError: the actor may not describe the dataset.
    """
    card = datasets.get_dataset_by_id(actor, dataset_id)
    policy.require(actor, "dataset.describe", card.resource)
    held = {row.name: row for row in Value.objects.filter(dataset_id=dataset_id, is_current=True)}
    changed = 0
    for name, found in described.items():
        own = held.get(name)
        is_open = own is None or own.origin.get("kind") == "derived"
        if is_open and (own is None or (own.value, own.unit) != (found["value"], found["unit"])):
            origin = {"kind": "derived", "source": source, "by": actor.name}
            _write(actor, dataset_id, name, found["value"], found["unit"], origin=origin, run_id=run_id)
            changed += 1
    return changed


@transaction.atomic
def take_over(actor: Actor, dataset_id: str, described: Mapping[str, Any], *, source: str) -> None:
    """Say of a dataset exactly what another node said of it there; where each value came from goes along.

    Args:
        actor: Who moves it.
        dataset_id: The dataset.
        described: The description of the version there.
        source: Its page there.

    Raises:
        BadValueError: no name, or a value too long.
        ActionDeniedError: the actor may not describe the dataset.
    """
    card = datasets.get_dataset_by_id(actor, dataset_id)
    policy.require(actor, "dataset.describe", card.resource)
    for name, found in described.items():
        _check(name, found["value"])
    held = {row.name: row for row in Value.objects.filter(dataset_id=dataset_id, is_current=True)}
    names = sorted({*held, *described})
    run_id = runs.record(
        actor,
        "describe",
        dataset_id=dataset_id,
        parameters={"from": source, "names": names},
        links=[runs.Link("out", "dataset", dataset_id)],
    )
    for name in names:
        found = described.get(name)
        if found is None:
            _put(dataset_id, name, "", "", origin={}, run_id=run_id)
            continue
        origin = {"kind": "derived", "source": source, "by": actor.name, "was": found["origin"]}
        own = held.get(name)
        if own is None or (own.value, own.unit, own.origin) != (found["value"], found["unit"], origin):
            _put(dataset_id, name, found["value"], found["unit"], origin=origin, run_id=run_id)
    _snapshot(actor, dataset_id, names)


def _check(name: str, value: Any) -> None:
    if not name or len(name) > 100:  # noqa: PLR2004 - the column's length
        raise BadValueError("A value needs a name of at most 100 characters.", name=name[:100])
    if len(json.dumps(value)) > _LONGEST:
        raise BadValueError(f"A value is longer than {_LONGEST:,} characters.", name=name)


def _write(
    actor: Actor, dataset_id: str, name: str, value: Any, unit: str, *, origin: dict[str, Any], run_id: str
) -> None:
    _put(dataset_id, name, value, unit, origin=origin, run_id=run_id)
    _snapshot(actor, dataset_id, [name])


def _put(dataset_id: str, name: str, value: Any, unit: str, *, origin: dict[str, Any], run_id: str) -> None:
    Value.objects.filter(dataset_id=dataset_id, name=name, is_current=True).update(is_current=False)
    if value in ("", None, []):
        return
    Value.objects.create(
        dataset_id=dataset_id,
        name=name,
        value=value,
        unit=unit,
        origin=origin,
        run_id=run_id,
        set_at=clock.now(),
    )
    Proposal.objects.filter(dataset_id=dataset_id, name=name, state="open").update(state="superseded")


def _snapshot(actor: Actor, dataset_id: str, changed: Sequence[str]) -> None:
    """What the next version freezes, and the title that lists show."""
    current = Value.objects.filter(dataset_id=dataset_id, is_current=True).order_by("name")
    snapshot = {
        row.name: {"value": row.value, "unit": row.unit, "origin": row.origin, "run": row.run_id}
        for row in current
    }
    title = str(snapshot["title"]["value"]) if "title" in snapshot else None
    if "title" in changed and title is None:
        title = ""
    datasets.set_described(actor, dataset_id, snapshot, title=title)
