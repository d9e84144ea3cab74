"""Handing over what somebody owns; the rooms above say to whom and record why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from django.db import transaction

from tsunagu.foundation.ledger.api import append
from tsunagu.foundation.policy import holding
from tsunagu.foundation.policy.models import Grant
from tsunagu.foundation.policy.services import place
from tsunagu.foundation.policy.types import Resource, Role


def owned_by(person_id: str) -> list[Resource]:
    """Projects and datasets on which somebody is an owner, whether the role ends some day or not."""
    rows = Grant.objects.filter(subject_kind="person", subject_id=person_id, role=Role.OWNER).order_by("pk")
    return [Resource("project" if row.scope_kind == "project" else "dataset", row.scope_id) for row in rows]


def lasting_owners(project_ids: list[str] | None = None) -> Mapping[str, frozenset[str]]:
    """Project -> the people whose ownership of it does not end by itself; of all projects where none are named."""
    rows = Grant.objects.filter(scope_kind="project", role=Role.OWNER, expires_at=None, subject_kind="person")
    if project_ids is not None:
        rows = rows.filter(scope_id__in=project_ids)
    found: dict[str, set[str]] = defaultdict(set)
    for project, person in rows.values_list("scope_id", "subject_id"):
        found[project].add(person)
    return {project: frozenset(people) for project, people in found.items()}


@transaction.atomic
def hand_over(giver_id: str, successor_id: str, *, by: str) -> list[Resource]:
    """Give a successor every ownership that somebody has, and take it from them.

    Whoever calls has asked the rules; what was handed over stands in the ledger, role by role.

    Args:
        giver_id: ULID of who leaves.
        successor_id: ULID of who takes over; their ownership does not end by itself.
        by: ULID of who decided.
    """
    scopes = owned_by(giver_id)
    for scope in scopes:
        place(scope, subject_kind="person", subject_id=successor_id, role=Role.OWNER, by=by)
        Grant.objects.filter(
            subject_kind="person", subject_id=giver_id, scope_kind=scope.kind, scope_id=scope.id
        ).delete()
        holding.forget()
        append("revoke", {"scope": [scope.kind, scope.id], "subject": ["person", giver_id], "by": by})
    return scopes
