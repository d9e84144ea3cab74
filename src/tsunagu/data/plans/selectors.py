"""Reading plans and findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db.models import Case, Count, Max, Min, QuerySet, When

from tsunagu.core import clock
from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets.api import DatasetCard, ProjectCard
from tsunagu.data.plans import items, madmp, packs
from tsunagu.data.plans.errors import NoPlanError
from tsunagu.data.plans.models import Plan, PlanFinding
from tsunagu.data.plans.types import FindingCard, PlanCard, Standing
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


def row_for(body: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    """The row of a plan that a dataset of this name belongs to."""
    found = madmp.row_for(madmp.planned(body), name)
    return None if found is None else body["dmp"]["dataset"][found.number]


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


def findings(
    actor: Actor, project: ProjectCard, *, states: Iterable[str] = tuple(_ORDER), limit: int = 10_000
) -> list[FindingCard]:
    """What the last check of a project found, broken first, then by due date.

    Raises:
        NotFoundError: the actor may not see the project.
    """
    policy.require(actor, "project.read", project.resource)
    rows = _seen_by(actor, project).filter(state__in=list(states))
    worst = Case(*(When(state=state, then=order) for state, order in _ORDER.items()), default=len(_ORDER))
    undated = Case(When(due_on="", then=1), default=0)
    return _cards(rows.order_by(worst, undated, "due_on", "place", "check_id")[:limit])


def standing(actor: Actor, project: ProjectCard, *, first: int = 3) -> Standing | None:
    """How a project's plan stands, in a few queries whatever the project holds; None where it has no plan.

    Raises:
        NotFoundError: the actor may not see the project.
    """
    policy.require(actor, "project.read", project.resource)
    rows = _seen_by(actor, project)
    counted = dict(rows.values_list("state").annotate(count=Count("pk")).order_by("state"))
    if not counted and find_plan(project.id) is None:
        return None
    due = rows.filter(state="due").exclude(due_on="").aggregate(day=Min("due_on"))
    checked = rows.aggregate(at=Max("checked_at"))["at"]
    return Standing(
        counts={state: counted.get(state, 0) for state in _ORDER},
        next_due=due["day"] or "",
        checked_at=clock.isoformat(checked) if checked else "",
        first=tuple(findings(actor, project, states=("broken", "due"), limit=first)),
    )


def _seen_by(actor: Actor, project: ProjectCard) -> QuerySet[PlanFinding]:
    """Findings without those of datasets that a rule hides from this member."""
    rows = PlanFinding.objects.filter(project_id=project.id)
    spoken_of = set(rows.exclude(dataset_id="").values_list("dataset_id", flat=True).distinct())
    hidden = spoken_of.difference(datasets.visible_names(actor, spoken_of))
    return rows.exclude(dataset_id__in=hidden) if hidden else rows


def findings_of(dataset: DatasetCard) -> list[FindingCard]:
    """The same of one dataset, for whom its card says that they see the draft; others get none."""
    if not dataset.sees_draft:
        return []
    return sorted(
        _cards(PlanFinding.objects.filter(dataset_id=dataset.id)),
        key=lambda one: (_ORDER[one.state], one.due_on or "9999", one.check),
    )


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
    return found
