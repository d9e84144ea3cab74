"""Reading plans and findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tsunagu.core import clock
from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets.api import DatasetCard, ProjectCard
from tsunagu.data.plans import items, packs
from tsunagu.data.plans.errors import NoPlanError
from tsunagu.data.plans.models import Plan, PlanFinding
from tsunagu.data.plans.types import FindingCard, PlanCard
from tsunagu.data.plans.wording import in_words
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy


def plan_card(row: Plan) -> PlanCard:
    """A version of a plan as others see it."""
    return PlanCard(
        number=row.number,
        body=row.body,
        note=row.note,
        written_by=row.written_by,
        written_at=clock.isoformat(row.written_at),
        run_id=row.run_id,
    )


def get_plan(actor: Actor, project: ProjectCard, *, number: int | None = None) -> PlanCard:
    """The newest version of the plan, or one of a number.

    Raises:
        NotFoundError: the actor may not see the project.
        NoPlanError: there is no plan, or no such version.
    """
    policy.require(actor, "project.read", project.resource)
    rows = Plan.objects.filter(project_id=project.id).order_by("-number")
    row = (rows if number is None else rows.filter(number=number)).first()
    if row is None:
        raise NoPlanError
    return plan_card(row)


def find_plan(project_id: str) -> PlanCard | None:
    """The newest version, without asking the rules: the caller has."""
    row = Plan.objects.filter(project_id=project_id).order_by("-number").first()
    return plan_card(row) if row else None


def list_plans(actor: Actor, project: ProjectCard, *, limit: int = 50) -> list[PlanCard]:
    """Versions of the plan, newest first.

    Raises:
        NotFoundError: the actor may not see the project.
    """
    policy.require(actor, "project.read", project.resource)
    return [plan_card(row) for row in Plan.objects.filter(project_id=project.id).order_by("-number")[:limit]]


def projects_with_plans() -> list[str]:
    """ULIDs of projects that have a plan."""
    return list(Plan.objects.values_list("project_id", flat=True).distinct().order_by("project_id"))


def export_plan(actor: Actor, project: ProjectCard, *, number: int | None = None) -> dict[str, Any]:
    """The plan as maDMP 1.2, with the Japanese common metadata items filled where they were empty.

    Raises:
        NotFoundError: the actor may not see the project.
        NoPlanError: there is no plan, or no such version.
    """
    plan = get_plan(actor, project, number=number)
    owners = [one.subject_id for one in policy.members(project.resource) if one.role == policy.Role.OWNER]
    people = identity.people(owners)
    owner = next((people[key] for key in owners if key in people), None)
    return items.prefilled(plan.body, project, list(every_dataset(actor, project)), owner)


def every_dataset(actor: Actor, project: ProjectCard) -> Iterator[DatasetCard]:
    """Every dataset of a project that the actor may see, whole: lists leave the description out."""
    after = ""
    while True:
        cards, after = datasets.list_datasets(actor, project_id=project.id, after=after, limit=200)
        for card in cards:
            yield datasets.get_dataset_by_id(actor, card.id)
        if not after:
            return


_ORDER = {"broken": 0, "due": 1, "green": 2}


def findings(actor: Actor, project: ProjectCard) -> list[FindingCard]:
    """What the last check of a project found, broken first, then by due date.

    Raises:
        NotFoundError: the actor may not see the project.
    """
    policy.require(actor, "project.read", project.resource)
    return _cards(PlanFinding.objects.filter(project_id=project.id))


def findings_of(dataset: DatasetCard) -> list[FindingCard]:
    """The same of one dataset, for whom its card says that they see the draft; others get none."""
    if not dataset.sees_draft:
        return []
    return _cards(PlanFinding.objects.filter(dataset_id=dataset.id))


def _cards(rows: Iterable[PlanFinding]) -> list[FindingCard]:
    known = {one.id: one for one in packs.checks()}
    found = []
    for row in rows:
        check = known.get(row.check_id)
        if check is None:
            continue  # a newer pack dropped it; the next check takes the row away
        says, todo = in_words(check, row.code, row.said)
        found.append(
            FindingCard(
                check=row.check_id,
                place=row.place,
                dataset_id=row.dataset_id,
                state=row.state,
                title=check.title,
                says=says,
                todo=todo,
                basis=check.basis,
                basis_date=check.basis_date,
                severity=check.severity,
                blocks=check.blocks,
                due_on=row.due_on,
                run_id=row.run_id,
                checked_at=clock.isoformat(row.checked_at),
            )
        )
    return sorted(found, key=lambda one: (_ORDER[one.state], one.due_on or "9999", one.place, one.check))
