"""What other rooms found to be against a promise: stored denials that ``decide`` reads.

A hold only ever forbids. It is asked for the few actions that can carry one, so every other decision costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import get_language

from tsunagu.foundation.ledger.api import append
from tsunagu.foundation.policy.models import Hold
from tsunagu.foundation.policy.types import Decision, HeldAction, Resource

_NAMED = {"dataset.freeze": "freeze", "dataset.destroy": "destroy"}
_MANAGE = "dataset.manage"


def denial(action: str, resource: Resource, context: Mapping[str, Any] | None) -> Decision | None:
    """The hold that forbids this, as a decision; None where nothing stands against it.

    Args:
        action: ``dataset.freeze``, ``dataset.destroy``; or ``dataset.manage`` where ``context`` says that it opens
            the dataset.
        resource: The dataset.
        context: ``access`` (what the dataset is to become) and ``opens_s`` (seconds since 1970; 0: at once).
    """
    wish = str((context or {}).get("access", "")) if action == _MANAGE else ""
    name = _NAMED.get(action, wish)
    if resource.kind != "dataset" or not name:
        return None
    opens_s = int((context or {}).get("opens_s", 0))
    for row in Hold.objects.filter(dataset_id=resource.id, action=name).order_by("pk"):
        if action in _NAMED or not row.lifts_s or opens_s < row.lifts_s:
            return Decision("deny", (_in(row.reason),), basis=_in(row.basis), remedy=_in(row.remedy))
    return None


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
