"""Making projects and datasets and changing what they say of themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction

from tsunagu.core import clock, events, settings
from tsunagu.core.errors import InvalidInputError
from tsunagu.data.datasets import selectors, tombstones
from tsunagu.data.datasets.errors import BadNameError, NameTakenError
from tsunagu.data.datasets.models import Dataset, Project
from tsunagu.data.datasets.resources import resource_of
from tsunagu.data.datasets.types import DatasetCard, ProjectCard
from tsunagu.foundation.identity.api import SYSTEM, Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,98}[a-z0-9])?\Z")


def check_name(name: str) -> str:
    """The name, if it can stand in an address.

    Raises:
        BadNameError: it cannot.
    """
    if not _NAME.match(name):
        raise BadNameError(f"The name {name!r} cannot stand in an address.", name=name)
    return name


def create_project(actor: Actor, name: str, *, title: str = "", description: str = "") -> ProjectCard:
    """A new project; the actor is its owner.

    Raises:
        BadNameError: the name cannot stand in an address.
        NameTakenError: there is a project of that name.
        ActionDeniedError: the actor may not make projects.
    """
    policy.require(actor, "project.create", policy.NODE)
    check_name(name)
    try:
        with transaction.atomic():
            project = Project.objects.create(
                name=name,
                title=title[:300],
                description=description,
                created_by=actor.id,
                created_at=clock.now(),
            )
            scope = policy.Resource("project", project.uid)
            policy.place(
                scope, subject_kind="person", subject_id=actor.id, role=policy.Role.OWNER, by=actor.id
            )
    except IntegrityError:
        raise NameTakenError(f"There is a project named {name} already.", name=name) from None
    return selectors.project_card(project)


def create_dataset(actor: Actor, project: str, name: str, *, title: str = "") -> DatasetCard:
    """A new, empty, closed dataset in a project.

    Raises:
        NotFoundError: there is no such project for this actor.
        ActionDeniedError: the actor may not add datasets to it.
        NameTakenError: the project has a dataset of that name.
        DatasetRemovedError: it had one, which was destroyed.
    """
    home = selectors.project_to(actor, project, "project.create_dataset")
    check_name(name)
    # The name of a destroyed dataset stays with its tombstone: an address must not come to mean something else.
    tombstones.refuse_removed(SYSTEM, project_id=home.id, name=name)
    now = clock.now()
    try:
        with transaction.atomic():
            dataset = Dataset.objects.create(
                project_id=home.id,
                name=name,
                title=title[:300],
                created_by=actor.id,
                created_at=now,
                updated_at=now,
            )
            runs.record(
                actor,
                "create",
                dataset_id=dataset.uid,
                links=[runs.Link("out", "dataset", dataset.uid, f"{project}/{name}")],
            )
            events.record("datasets.created", dataset_id=dataset.uid)
    except IntegrityError:
        raise NameTakenError(
            f"The project {project} has a dataset named {name} already.", name=name
        ) from None
    return selectors.dataset_card(dataset, sees_draft=True)


@transaction.atomic
def set_access(
    actor: Actor, dataset_id: str, access: policy.Access, *, embargo_until: str | None = None
) -> None:
    """Change who beyond the members may see frozen versions, and from when on; a recorded decision.

    Args:
        actor: Who decides.
        dataset_id: Which dataset.
        access: What holds once there is no embargo.
        embargo_until: The day (in the node's time zone) or moment on which it opens by itself; until then it counts
            as closed everywhere. Empty lifts the embargo; None leaves it as it is.

    Raises:
        ActionDeniedError: the actor does not manage the dataset.
        InvalidInputError: the embargo's end is no date or is past.
    """
    dataset = selectors.locked_row(dataset_id)
    opens_s = dataset.embargo_until_s if embargo_until is None else _opening_s(embargo_until)
    # What only narrows must pass whatever holds there are: it is how something that went too far is put right.
    is_wider = _ORDER.index(access) > _ORDER.index(policy.Access(dataset.access)) or (
        _from_now(opens_s) < _from_now(dataset.embargo_until_s)
    )
    wish = {"access": str(access), "opens_s": opens_s} if is_wider else None
    policy.require(actor, "dataset.manage", resource_of(dataset), wish)
    before, dataset.access, dataset.embargo_until_s = dataset.access, access, opens_s
    dataset.updated_at = clock.now()
    dataset.save(update_fields=["access", "embargo_until_s", "updated_at"])
    said: dict[str, Any] = {"before": before, "now": str(access)}
    if opens := selectors.dataset_card(dataset, sees_draft=True).embargo_until:
        said["embargo_until"] = opens
    runs.record(actor, "set_access", dataset_id=dataset_id, parameters=said)
    events.record("datasets.access_changed", dataset_id=dataset_id)


_ORDER = (policy.Access.CLOSED, policy.Access.SHARED, policy.Access.OPEN)


def _from_now(moment_s: int) -> int:
    return max(moment_s, int(clock.now().timestamp()))


def _opening_s(text: str) -> int:
    if not text:
        return 0
    try:
        moment = clock.start_of(text, settings.current().time_zone)
        opens = int(moment.timestamp())
    except (ValueError, OverflowError):
        raise InvalidInputError(
            f"{text!r} is no date.", remedy="Write a date as 2027-04-01; the dataset opens on that day."
        ) from None
    if moment <= clock.now():
        raise InvalidInputError(f"{text} is past.", remedy="Give a date that is still to come, or none.")
    return opens


@transaction.atomic
def set_described(
    actor: Actor, dataset_id: str, described: Mapping[str, Any], *, title: str | None = None
) -> None:
    """Replace the snapshot of the draft's description; the description room calls it in its own transaction.

    Args:
        actor: Who changed it.
        dataset_id: Which dataset.
        described: name -> {value, unit, origin ...}, JSON values; the next version freezes it.
        title: The new title for lists, or None.

    Raises:
        ActionDeniedError: the actor may not describe the dataset.
    """
    dataset = selectors.locked_row(dataset_id)
    policy.require(actor, "dataset.describe", resource_of(dataset))
    dataset.described, dataset.is_description_changed, dataset.updated_at = dict(described), True, clock.now()
    if title is not None:
        dataset.title = title[:300]
    dataset.save(update_fields=["described", "is_description_changed", "updated_at", "title"])
    events.record("datasets.described", dataset_id=dataset_id)
