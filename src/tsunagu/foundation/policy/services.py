"""Asking the rules, and changing who has which role."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from tsunagu.core import clock
from tsunagu.core.errors import NotFoundError
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.ledger.api import append
from tsunagu.foundation.policy.engine import decide
from tsunagu.foundation.policy.errors import ActionDeniedError, LastOwnerError
from tsunagu.foundation.policy.models import Grant
from tsunagu.foundation.policy.types import Resource, Role

_READ_ACTION = {"project": "project.read", "dataset": "dataset.read"}
_DRAFT_ACTION = "dataset.read_draft"


def require(actor: Actor, action: str, resource: Resource) -> None:
    """Go on only if the rules allow it.

    Raises:
        NotFoundError: the actor may not even know that the thing exists.
        ActionDeniedError: the actor knows the thing and may not do this.
    """
    decision = decide(actor, action, resource)
    if decision:
        return
    if resource.kind in _READ_ACTION and not _may_know(actor, resource):
        raise NotFoundError
    raise ActionDeniedError.of(decision, action)


def _may_know(actor: Actor, resource: Resource) -> bool:
    if decide(actor, _READ_ACTION[resource.kind], resource):
        return True
    return actor.kind == "instrument" and bool(decide(actor, "dataset.push", resource))


@transaction.atomic
def grant(
    actor: Actor,
    scope: Resource,
    *,
    subject_kind: str,
    subject_id: str,
    role: Role,
    expires_at: dt.datetime | None = None,
) -> None:
    """Give somebody a role, replacing the one before.

    Raises:
        ActionDeniedError: the actor does not manage the scope.
        LastOwnerError: this would leave a project without an owner.
    """
    require(actor, f"{scope.kind}.manage", scope)
    _keep_an_owner(scope, subject_id, role)
    place(
        scope, subject_kind=subject_kind, subject_id=subject_id, role=role, by=actor.id, expires_at=expires_at
    )


def place(
    scope: Resource,
    *,
    subject_kind: str,
    subject_id: str,
    role: Role,
    by: str,
    expires_at: dt.datetime | None = None,
) -> None:
    """Write a role without asking: for the room that makes a new project and names its first owner."""
    Grant.objects.update_or_create(
        subject_kind=subject_kind,
        subject_id=subject_id,
        scope_kind=scope.kind,
        scope_id=scope.id,
        defaults={"role": role, "granted_by": by, "granted_at": clock.now(), "expires_at": expires_at},
    )
    append(
        "grant",
        {"scope": [scope.kind, scope.id], "subject": [subject_kind, subject_id], "role": role, "by": by},
    )


@transaction.atomic
def revoke(actor: Actor, scope: Resource, *, subject_kind: str, subject_id: str) -> None:
    """Take somebody's role away; one may always give up one's own.

    Raises:
        ActionDeniedError: the actor does not manage the scope.
        LastOwnerError: this would leave a project without an owner.
    """
    if subject_id != actor.id:
        require(actor, f"{scope.kind}.manage", scope)
    _keep_an_owner(scope, subject_id, None)
    Grant.objects.filter(
        subject_kind=subject_kind, subject_id=subject_id, scope_kind=scope.kind, scope_id=scope.id
    ).delete()
    append("revoke", {"scope": [scope.kind, scope.id], "subject": [subject_kind, subject_id], "by": actor.id})


def _keep_an_owner(scope: Resource, subject_id: str, role: Role | None) -> None:
    if scope.kind != "project" or role == Role.OWNER:
        return
    owners = Grant.objects.filter(scope_kind=scope.kind, scope_id=scope.id, role=Role.OWNER, expires_at=None)
    ids = set(owners.values_list("subject_id", flat=True))
    if ids == {subject_id}:
        raise LastOwnerError
