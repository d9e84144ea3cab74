"""What other rooms found to be against a promise: stored denials that ``decide`` reads.

A hold only ever forbids. It is asked for the few actions that can carry one, so every other decision costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import get_language

from tsunagu.core import clock
from tsunagu.foundation.ledger.api import append
from tsunagu.foundation.policy.models import Hold
from tsunagu.foundation.policy.types import Decision, HeldAction, Resource

_NAMED = {"dataset.freeze": "freeze", "dataset.destroy": "destroy"}
_MANAGE, _WRITE = "dataset.manage", "dataset.write"


def denial(action: str, resource: Resource, context: Mapping[str, Any] | None) -> Decision | None:
    """The hold that forbids this, as a decision; None where nothing stands against it.

    Args:
        action: ``dataset.freeze``, ``dataset.destroy``; ``dataset.manage`` where ``context`` says that it opens the
            dataset; or ``dataset.write`` where ``context`` says that it removes files.
        resource: The dataset.
        context: ``access`` (what the dataset is to become) and ``opens_s`` (seconds since 1970; 0: at once);
            ``removes``.
    """
    context = context or {}
    name = _name(action, context)
    if resource.kind != "dataset" or not name:
        return None
    at_s = int(context.get("opens_s", 0)) if action == _MANAGE else int(clock.now().timestamp())
    for row in Hold.objects.filter(dataset_id=resource.id, action=name).order_by("pk"):
        if name == "freeze" or not row.lifts_s or at_s < row.lifts_s:
            return Decision("deny", (_in(row.reason),), basis=_in(row.basis), remedy=_in(row.remedy))
    return None


def _name(action: str, context: Mapping[str, Any]) -> str:
    if action == _MANAGE:
        return str(context.get("access", ""))
    if action == _WRITE:
        return "remove" if context.get("removes") else ""
    return _NAMED.get(action, "")


@transaction.atomic
def place_holds(source: str, project_id: str, holds: Iterable[HeldAction]) -> None:
    """Replace every hold of a source on the datasets of a project; a change is put into the ledger.

    Args:
        source: The room that found it.
        project_id: ULID.
        holds: What is forbidden from now on.
    """
    mine = Hold.objects.filter(source=source, project_id=project_id)
    before = sorted(mine.values_list("dataset_id", "action"))
    mine.delete()
    rows = [
        Hold(
            source=source,
            project_id=project_id,
            dataset_id=one.dataset_id,
            action=one.action,
            lifts_s=one.lifts_s,
            reason=dict(one.reason),
            basis=dict(one.basis),
            remedy=dict(one.remedy),
        )
        for one in holds
    ]
    Hold.objects.bulk_create(rows)
    now = sorted((row.dataset_id, row.action) for row in rows)
    if now != before:
        append("holds", {"source": source, "project": project_id, "held": [list(one) for one in now]})


def _in(texts: Mapping[str, str]) -> str:
    language = (get_language() or "en")[:2]
    return str(texts.get(language) or texts.get("en", ""))
