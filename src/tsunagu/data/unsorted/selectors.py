"""What was decided."""

from __future__ import annotations

from tsunagu.core import clock
from tsunagu.data.datasets import api as datasets
from tsunagu.data.unsorted import looking
from tsunagu.data.unsorted.models import Decision
from tsunagu.data.unsorted.types import DecisionCard
from tsunagu.foundation.identity.api import Actor


def card_of(row: Decision, inbox: str, target: str) -> DecisionCard:
    """As others see it."""
    return DecisionCard(
        id=row.uid,
        inbox=inbox,
        verdict=row.verdict,
        target=target,
        note=row.note,
        file_count=row.file_count,
        byte_count=row.byte_count,
        state=row.state,
        reason=row.reason,
        run=row.run_id,
        by=row.actor_name,
        made_at=clock.isoformat(row.made_at),
    )


def decisions(actor: Actor, project: str, *, after: str = "", limit: int = 50) -> list[DecisionCard]:
    """Decisions about inboxes that the actor sees, newest first; ``target`` is empty where the actor may not know of it.

    Args:
        actor: Who looks.
        project: Name of the project.
        after: The id of the last decision that was seen.
        limit: How many.

    Raises:
        NotFoundError: no such project for this actor.
    """
    home = datasets.get_project(actor, project)
    names = {card.id: card.name for card in looking.inboxes(actor, home.id)}
    rows = Decision.objects.filter(dataset_id__in=list(names)).defer("files").order_by("-uid")
    shown = list((rows.filter(uid__lt=after) if after else rows)[:limit])
    targets = datasets.visible_names(actor, {row.target_id for row in shown if row.target_id})
    return [card_of(row, names[row.dataset_id], targets.get(row.target_id, "")) for row in shown]
