"""Legal holds: an officer forbids that something is destroyed, with a reason, until an officer lifts the hold."""

from __future__ import annotations

from django.db import transaction

from tsunagu.core import clock
from tsunagu.core.errors import NotFoundError
from tsunagu.core.ids import new_id
from tsunagu.data.datasets import api as datasets
from tsunagu.data.keeping import retention
from tsunagu.data.keeping.errors import NoReasonError
from tsunagu.data.keeping.models import LegalHold
from tsunagu.data.keeping.types import HoldCard
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.ledger import api as ledger
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs


@transaction.atomic
def place_hold(actor: Actor, place: str, *, reason: str) -> HoldCard:
    """Hold a dataset, or everything that a project has or will have.

    An officer need not be able to read what is held.

    Args:
        actor: Who may edit the rules of the node.
        place: ``PROJECT/DATASET`` or ``PROJECT``.
        reason: Why; those who manage the dataset see it.

    Raises:
        ActionDeniedError: the actor is no officer.
        NoReasonError: no reason was given.
        NotFoundError: there is no such place.
    """
    policy.require(actor, "policy.edit", policy.NODE)
    if not reason.strip():
        raise NoReasonError
    name, _, dataset = place.partition("/")
    project = datasets.any_project(name)
    dataset_id = (datasets.find_dataset(name, dataset) or "") if dataset else ""
    if dataset and not dataset_id:
        raise NotFoundError(f"There is no dataset {place}.", dataset=place)
    hold_id = new_id()
    run_id = runs.record(
        actor,
        "hold",
        dataset_id=dataset_id,
        parameters={"name": place, "hold": hold_id},
        links=[_link(project.id, dataset_id, place)],
        reason=reason[:4000],
    )
    row = LegalHold.objects.create(
        uid=hold_id,
        place=place,
        project_id=project.id,
        dataset_id=dataset_id,
        reason=reason[:4000],
        placed_by=actor.id,
        placed_by_name=actor.name[:200],
        placed_at=clock.now(),
        run_id=run_id,
    )
    _enter("hold", row, actor)
    retention.place_holds(project.id)
    return _card(row)


@transaction.atomic
def lift_hold(actor: Actor, hold_id: str, *, reason: str) -> HoldCard:
    """Lift a hold; others on the same thing stay.

    Raises:
        ActionDeniedError: the actor is no officer.
        NoReasonError: no reason was given.
        NotFoundError: there is no such hold, or it was lifted.
    """
    policy.require(actor, "policy.edit", policy.NODE)
    if not reason.strip():
        raise NoReasonError
    row = LegalHold.objects.select_for_update().filter(uid=hold_id, lifted_at=None).first()
    if row is None:
        raise NotFoundError(f"There is no hold {hold_id} that stands.")
    runs.record(
        actor,
        "lift_hold",
        dataset_id=row.dataset_id,
        parameters={"name": row.place, "hold": row.uid},
        links=[_link(row.project_id, row.dataset_id, row.place)],
        reason=reason[:4000],
    )
    row.lifted_at, row.lifted_by_name, row.lift_reason = clock.now(), actor.name[:200], reason[:4000]
    row.save(update_fields=["lifted_at", "lifted_by_name", "lift_reason"])
    _enter("hold_lifted", row, actor)
    retention.place_holds(row.project_id)
    return _card(row)


def list_holds(actor: Actor, *, limit: int = 200) -> list[HoldCard]:
    """Every hold of the node, those that stand first.

    Raises:
        ActionDeniedError: the actor is no officer.
    """
    policy.require(actor, "policy.edit", policy.NODE)
    standing = LegalHold.objects.filter(lifted_at=None).order_by("-placed_at", "pk")[:limit]
    lifted = LegalHold.objects.exclude(lifted_at=None).order_by("-lifted_at", "pk")[:limit]
    return [_card(row) for row in (*standing, *lifted)]


def holds_on(dataset_id: str, project_id: str) -> tuple[HoldCard, ...]:
    """The holds that stand on a dataset or its project; the caller has asked the rules."""
    rows = LegalHold.objects.filter(project_id=project_id, lifted_at=None, dataset_id__in=("", dataset_id))
    return tuple(_card(row) for row in rows.order_by("placed_at", "pk"))


def _enter(kind: str, row: LegalHold, actor: Actor) -> None:
    """Put it into the ledger under what is held, where ``verify`` looks for it."""
    scope = ["dataset", row.dataset_id] if row.dataset_id else ["project", row.project_id]
    ledger.append(kind, {"scope": scope, "hold": row.uid, "by": actor.id})


def _link(project_id: str, dataset_id: str, place: str) -> runs.Link:
    return runs.Link("in", "dataset" if dataset_id else "project", dataset_id or project_id, place)


def _card(row: LegalHold) -> HoldCard:
    return HoldCard(
        id=row.uid,
        place=row.place,
        reason=row.reason,
        placed_by=row.placed_by_name,
        placed_at=clock.isoformat(row.placed_at),
        lifted_by=row.lifted_by_name,
        lifted_at=clock.isoformat(row.lifted_at) if row.lifted_at else "",
        lift_reason=row.lift_reason,
    )
