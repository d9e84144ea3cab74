"""Background work of the room: checks at night and when something changed."""

from __future__ import annotations

import datetime as dt

from tsunagu.core import events, jobs
from tsunagu.core.errors import NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.plans import checking, selectors, services
from tsunagu.foundation.identity.api import SYSTEM


@jobs.every(dt.timedelta(days=1))
@jobs.job(priority=-50)
def check_all() -> None:
    """Queue a check of every project that has a plan."""
    for card in datasets.projects_by_id(selectors.projects_with_plans()):
        check_project.enqueue(project=card.name, why="nightly")


@events.subscribe(services.CHANGED)
@jobs.job(priority=10)
def check_project(project: str, why: str = "plan") -> None:
    """Check one project."""
    checking.check(SYSTEM, datasets.any_project(project), why=why)


@events.subscribe("datasets.created")
@jobs.job(priority=10)
def after_creation(dataset_id: str) -> None:
    """Check a project with a new dataset, so that what the plan forbids is forbidden before the first version."""
    _check_around(dataset_id, "created")


@events.subscribe("datasets.frozen")
@jobs.job(priority=-30)
def after_freeze(dataset_id: str, number: int) -> None:
    """Check after a version was frozen."""
    del number
    _check_around(dataset_id, "freeze")


@events.subscribe("datasets.access_changed")
@jobs.job(priority=-30)
def after_access(dataset_id: str) -> None:
    """Check after a dataset was opened, shared or closed."""
    _check_around(dataset_id, "publish")


@events.subscribe("datasets.label_changed")
@jobs.job(priority=10)
def after_label(dataset_id: str) -> None:
    """Check after a label changed: a dataset that turned out to be personal must not be frozen or opened."""
    _check_around(dataset_id, "label")


@events.subscribe("keeping.succeeded")
@jobs.job(priority=5)
def follow_succession(giver_id: str, successor_id: str, projects: list[str]) -> None:
    """Name a successor as the contact of plans that named somebody who left, as a new version."""
    for card in datasets.projects_by_id(projects):
        services.replace_contact(SYSTEM, card, giver_id, successor_id)


@events.subscribe("datasets.removed")
@jobs.job(priority=-30)
def after_removal(dataset_id: str) -> None:
    """Check again without a dataset that was destroyed."""
    stone = datasets.get_tombstone(SYSTEM, dataset_id)
    if selectors.find_plan(stone.project_id) is not None:
        jobs.enqueue_once(check_project, project=stone.project, why="removed")


@events.subscribe("datasets.described")
@jobs.job(priority=10)
def after_description(dataset_id: str) -> None:
    """Check after the description changed: a licence may have come or gone."""
    _check_around(dataset_id, "described")


def _check_around(dataset_id: str, why: str) -> None:
    try:
        card = datasets.get_dataset_by_id(SYSTEM, dataset_id)
    except NotFoundError:
        return  # gone since
    if selectors.find_plan(card.project_id) is not None:
        jobs.enqueue_once(check_project, project=card.project, why=why)
