"""The data management plan of a project, and whether it holds."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Body, Router

from tsunagu.data.datasets import api as datasets
from tsunagu.data.plans import api as plans
from tsunagu.doors.rest import plan_schemas as schemas
from tsunagu.doors.who import actor_of, require_actor

router = Router(tags=["plans"])


@router.get("/projects/{project}/plan", response=dict[str, Any])
def get_plan(request: HttpRequest, project: str, version: int | None = None) -> Any:
    """The plan as maDMP 1.2, with the Japanese common metadata items prefilled under `jp.common`."""
    actor = actor_of(request)
    return plans.export_plan(actor, datasets.get_project(actor, project), number=version)


@router.put("/projects/{project}/plan", response=schemas.PlanVersion)
def put_plan(request: HttpRequest, project: str, body: Body[dict[str, Any]], note: str = "") -> Any:
    """Add a version of the plan: a maDMP 1.2 document; fields that the node does not know are kept."""
    actor = require_actor(request)
    return _version(plans.write_plan(actor, datasets.get_project(actor, project), body, note=note))


@router.get("/projects/{project}/plan/versions", response=schemas.PlanVersions)
def list_plan_versions(request: HttpRequest, project: str) -> Any:
    """Every version of the plan, newest first; at most 200."""
    actor = actor_of(request)
    found = plans.list_plans(actor, datasets.get_project(actor, project), limit=200)
    return {"versions": [_version(one) for one in found]}


@router.get("/projects/{project}/plan/findings", response=schemas.PlanFindings)
def list_findings(request: HttpRequest, project: str) -> Any:
    """What the last check found, broken first."""
    actor = actor_of(request)
    return _findings(plans.findings(actor, datasets.get_project(actor, project)))


@router.post("/projects/{project}/plan/check", response=schemas.PlanFindings)
def check_plan(request: HttpRequest, project: str) -> Any:
    """Check the plan against what lies here now; a run."""
    actor = require_actor(request)
    card = datasets.get_project(actor, project)
    plans.check(actor, card)
    return _findings(plans.findings(actor, card))


def _version(card: plans.PlanCard) -> dict[str, Any]:
    return {
        "number": card.number,
        "title": card.title,
        "note": card.note,
        "run": card.run_id,
        "written_at": card.written_at,
    }


def _findings(found: list[plans.FindingCard]) -> dict[str, Any]:
    counts = {state: sum(one.state == state for one in found) for state in ("broken", "due", "green")}
    rows = [
        {
            "check": one.check,
            "place": one.place,
            "state": one.state,
            "severity": one.severity,
            "blocks": list(one.blocks),
            "title": dict(one.title),
            "says": dict(one.says),
            "todo": dict(one.todo),
            "basis": dict(one.basis),
            "basis_date": one.basis_date,
            "due_on": one.due_on,
        }
        for one in found
    ]
    return {
        **counts,
        "run": found[0].run_id if found else "",
        "checked_at": found[0].checked_at if found else "",
        "findings": rows,
    }
