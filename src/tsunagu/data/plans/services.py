"""Writing a plan; every version stays."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from django.db import transaction

from tsunagu.core import clock, events, settings
from tsunagu.core.ids import new_id
from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets.api import DatasetCard, ProjectCard
from tsunagu.data.plans import madmp, selectors
from tsunagu.data.plans.errors import BadPlanError
from tsunagu.data.plans.models import Plan
from tsunagu.data.plans.types import PlanCard
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

CHANGED = "plans.changed"
_LONGEST = 2_000_000


@transaction.atomic
def write_plan(
    actor: Actor, project: ProjectCard, document: Mapping[str, Any], *, note: str = ""
) -> PlanCard:
    """Add a version of the project's plan; the same content again changes nothing.

    Args:
        actor: Somebody who manages the project.
        project: Which project.
        document: A maDMP 1.2 document; fields that nobody here knows are kept as they are.
        note: What changed, for people.

    Raises:
        ActionDeniedError: the actor does not manage the project.
        BadPlanError: the document is no plan, or is too long.
    """
    policy.require(actor, "project.manage", project.resource)
    madmp.check_form(document)
    body = deepcopy(dict(document))
    if len(str(body)) > _LONGEST:
        raise BadPlanError("The plan is longer than two million characters.")
    last = Plan.objects.select_for_update().filter(project_id=project.id).order_by("-number").first()
    if last is not None and last.body == body:
        return selectors.plan_card(last)
    number = last.number + 1 if last else 1
    run_id = runs.record(
        actor,
        "plan",
        parameters={"number": number, "datasets": len(body["dmp"]["dataset"])},
        links=[
            runs.Link("in", "project", project.id, project.name),
            runs.Link("out", "plan", f"{project.id}/{number}", f"v{number}"),
        ],
    )
    row = Plan.objects.create(
        project_id=project.id,
        number=number,
        body=body,
        note=note[:1000],
        run_id=run_id,
        written_by=actor.id,
        written_at=clock.now(),
    )
    events.record(CHANGED, project=project.name)
    return selectors.plan_card(row)


def replace_contact(actor: Actor, project: ProjectCard, old_id: str, new_id: str) -> None:
    """Name another person as the plan's contact where it names one who left; a new version."""
    plan = selectors.find_plan(project.id)
    people = identity.people([old_id, new_id])
    if plan is None or len(people) < 2:  # noqa: PLR2004 - both
        return
    old, new = people[old_id], people[new_id]
    body = deepcopy(dict(plan.body))
    contact = body["dmp"]["contact"]
    if str(contact.get("mbox", "")).strip().lower() != old.email:
        return
    body["dmp"]["contact"] = {
        "name": new.name,
        "mbox": new.email,
        "contact_id": {"identifier": f"urn:tsunagu:person:{new.id}", "type": "other"},
    }
    write_plan(actor, project, body, note=f"{new.name} took over from {old.name}.")


def begin(actor: Actor, project: ProjectCard) -> dict[str, Any]:
    """A plan for a project that has none, from what is known of it; it is not kept.

    Raises:
        NotFoundError: the actor may not see the project.
    """
    policy.require(actor, "project.read", project.resource)
    person = identity.people([actor.id]).get(actor.id)
    now = clock.isoformat(clock.now())
    return {
        "dmp": {
            "title": project.title or project.name,
            "description": project.description,
            "language": "jpn" if settings.current().language == "ja" else "eng",
            "created": now,
            "modified": now,
            "dmp_id": {"identifier": f"urn:tsunagu:plan:{new_id()}", "type": "other"},
            "contact": {
                "name": person.name if person else "",
                "mbox": person.email if person else "",
                "contact_id": {"identifier": f"urn:tsunagu:person:{actor.id}", "type": "other"},
            },
            "ethical_issues_exist": "unknown",
            "project": [{"title": project.title or project.name}],
            "dataset": [
                row_of(card) for card in datasets.list_datasets(actor, project_id=project.id, limit=200)[0]
            ],
        }
    }


def row_of(card: DatasetCard) -> dict[str, Any]:
    """A row for a dataset that lies here; what a person must say is unknown."""
    title = card.title or card.name
    return {
        "title": title,
        "dataset_id": {"identifier": card.slug, "type": "other"},
        "personal_data": "unknown",
        "sensitive_data": "unknown",
        "distribution": [
            {
                "title": title,
                "data_access": str(card.access),
                "host": {"title": "Tsunagu", "url": settings.current().control_address},
            }
        ],
        "jp": {"datasets": [card.name]},
    }
