"""Projects and their members."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from ninja import Router, Status

from tsunagu.data.datasets import api as datasets
from tsunagu.doors.rest import schemas
from tsunagu.doors.roles import give_role
from tsunagu.doors.who import actor_of, require_actor
from tsunagu.experiment.instruments import api as instruments
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.policy import api as policy

router = Router(tags=["projects"])


@router.get("/projects", response=schemas.ProjectList)
def list_projects(request: HttpRequest, after: str = "", limit: int = 50) -> Any:
    """Projects that one is a member of, by name."""
    limit = max(1, min(limit, 200))
    found = datasets.list_projects(actor_of(request), after=after, limit=limit + 1)
    page = found[:limit]
    return {
        "projects": [asdict(card) for card in page],
        "next": page[-1].name if len(found) > limit else None,
    }


@router.post("/projects", response={201: schemas.Project})
def create_project(request: HttpRequest, body: schemas.NewProject) -> Any:
    """Make a project; one becomes its owner."""
    card = datasets.create_project(
        require_actor(request), body.name, title=body.title, description=body.description
    )
    return Status(201, asdict(card))


@router.get("/projects/{project}", response=schemas.Project)
def show_project(request: HttpRequest, project: str) -> Any:
    """One project."""
    return asdict(datasets.get_project(actor_of(request), project))


@router.get("/projects/{project}/members", response=schemas.MemberList)
def list_members(request: HttpRequest, project: str) -> Any:
    """Everybody with a role on the project."""
    card = datasets.get_project(actor_of(request), project)
    return {"members": member_rows(policy.members(card.resource))}


def member_rows(members: list[policy.Member]) -> list[dict[str, Any]]:
    """Members with the names that people know."""
    people = identity.people(member.subject_id for member in members)
    machines = instruments.names(
        member.subject_id for member in members if member.subject_kind == "instrument"
    )
    return [
        {
            "kind": member.subject_kind,
            "id": member.subject_id,
            "name": people[member.subject_id].name
            if member.subject_id in people
            else machines.get(member.subject_id, member.subject_id),
            "role": str(member.role),
            "expires_at": member.expires_at,
        }
        for member in members
    ]


@router.put("/projects/{project}/members", response=schemas.MemberList)
def put_member(request: HttpRequest, project: str, body: schemas.NewMember) -> Any:
    """Give somebody a role, replacing the one before."""
    actor = require_actor(request)
    card = datasets.get_project(actor, project)
    give_role(actor, card.resource, email=body.email, instrument=body.instrument, role=body.role)
    return {"members": member_rows(policy.members(card.resource))}


@router.delete("/projects/{project}/members/{member}", response=schemas.MemberList)
def delete_member(request: HttpRequest, project: str, member: str) -> Any:
    """Take somebody's role away."""
    actor = require_actor(request)
    card = datasets.get_project(actor, project)
    kinds = {found.subject_id: found.subject_kind for found in policy.members(card.resource)}
    policy.revoke(actor, card.resource, subject_kind=kinds.get(member, "person"), subject_id=member)
    return {"members": member_rows(policy.members(card.resource))}
