"""Projects."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from ninja import Router, Status

from tsunagu.data.datasets import api as datasets
from tsunagu.doors.rest import schemas
from tsunagu.doors.who import actor_of, require_actor

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
