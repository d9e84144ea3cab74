"""Asking the rules, and changing who has which role."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from tsunagu.core import clock
from tsunagu.core.errors import NotFoundError
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.ledger.api import append
from tsunagu.foundation.policy.engine import decide
from tsunagu.foundation.policy.errors import ActionDeniedError, LastOwnerError
from tsunagu.foundation.policy.models import Grant
from tsunagu.foundation.policy.types import EndedGrant, Resource, Role

_READ_ACTION = {"project": "project.read", "dataset": "dataset.read"}
_DRAFT_ACTION = "dataset.read_draft"


def require(actor: Actor, action: str, resource: Resource, context: Mapping[str, Any] | None = None) -> None:
    """Go on only if the rules allow it.

    Raises:
        NotFoundError: the actor may not even know that the thing exists.
        ActionDeniedError: the actor knows the thing and may not do this.
    """
    decision = decide(actor, action, resource, context)
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
    _keep_an_owner(scope, subject_id, role, ends=expires_at is not None)
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
        {
            "scope": [scope.kind, scope.id],
            "subject": [subject_kind, subject_id],
            "role": role,
            "by": by,
            "until": clock.isoformat(expires_at) if expires_at else None,
        },
    )


@transaction.atomic
def take_ended(*, limit: int = 500) -> list[EndedGrant]:
    """Take away the rows of roles that are over, and put that into the ledger.

    The rules stopped counting them at their moment; this only makes the end a record. Call it again while it
    returns ``limit`` of them.
    """
    over = Grant.objects.filter(expires_at__lte=clock.now()).order_by("pk")
    ended = []
    for row in over.select_for_update()[:limit]:
        assert row.expires_at is not None
        moment = clock.isoformat(row.expires_at)
        scope, subject = [row.scope_kind, row.scope_id], [row.subject_kind, row.subject_id]
        append("grant_ended", {"scope": scope, "subject": subject, "role": row.role, "at": moment})
        ended.append(
            EndedGrant(row.scope_kind, row.scope_id, row.subject_kind, row.subject_id, row.role, moment)
        )
        row.delete()
    return ended


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


def _keep_an_owner(scope: Resource, subject_id: str, role: Role | None, *, ends: bool = False) -> None:
    # An owner whose role ends some day would leave the project without one that day.
    if scope.kind != "project" or (role == Role.OWNER and not ends):
        return
    owners = Grant.objects.filter(scope_kind=scope.kind, scope_id=scope.id, role=Role.OWNER, expires_at=None)
    ids = set(owners.values_list("subject_id", flat=True))
    if ids == {subject_id}:
        raise LastOwnerError
