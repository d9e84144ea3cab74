"""Asking the rules, and changing who has which role."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from tsunagu.core import clock
from tsunagu.core.errors import NotFoundError
from tsunagu.foundation.identity.api import Actor, StrongerSignInError
from tsunagu.foundation.ledger.api import append
from tsunagu.foundation.policy import holding, rulebook, scoping
from tsunagu.foundation.policy.engine import decide
from tsunagu.foundation.policy.errors import ActionDeniedError, BadPolicyError, LastOwnerError
from tsunagu.foundation.policy.models import Grant, PolicyText
from tsunagu.foundation.policy.types import NODE, Decision, EndedGrant, Resource, Role

_READ_ACTION = {"project": "project.read", "dataset": "dataset.read"}
_DRAFT_ACTION = "dataset.read_draft"


def require(actor: Actor, action: str, resource: Resource, context: Mapping[str, Any] | None = None) -> None:
    """Go on only if the rules allow it.

    Raises:
        NotFoundError: the actor may not even know that the thing exists.
        ActionDeniedError: the actor knows the thing and may not do this.
        StrongerSignInError: the same person might, after showing two factors.
    """
    decision = decide(actor, action, resource, context)
    if decision:
        return
    challenge(actor, decision)
    if resource.kind in _READ_ACTION and not _may_know(actor, resource):
        raise NotFoundError
    raise ActionDeniedError.of(decision, action)


def challenge(actor: Actor, *decisions: Decision) -> None:
    """Say that a stronger sign-in would help, where it would; before anything is hidden or refused.

    Raises:
        StrongerSignInError: the same person might, after showing two factors.
    """
    for decision in decisions:
        if decision.effect == "needs" and actor.kind == "person":
            raise StrongerSignInError(" ".join(decision.reasons), remedy=decision.remedy)


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
    holding.forget()
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
def write_text(actor: Actor, layer: str, text: str, *, project_id: str = "", note: str = "") -> rulebook.Book:
    """Replace the text of a layer; it holds at once here and within a second in other processes.

    Args:
        actor: Whoever edits rules of the node, or an owner for the rules of a project.
        layer: ``law``, ``funder``, ``institution`` or ``project``.
        text: Cedar; empty takes the layer's rules away.
        project_id: ULID of the project of a ``project`` layer.
        note: Why.

    Raises:
        ActionDeniedError: the actor may not edit this layer.
        BadPolicyError: the text cannot be used, or would forbid the editing of rules.
    """
    if layer == "project":
        require(actor, "project.manage", Resource("project", project_id))
    else:
        require(actor, "policy.edit", NODE)
        project_id = ""
    book = draft(layer, text, project_id=project_id)
    if layer != "project" and not decide(actor, "policy.edit", NODE, book=book):
        raise BadPolicyError(
            f"With this {layer} layer you could not edit rules any more.",
            remedy="Leave policy.edit out of what the rule forbids.",
        )
    row = PolicyText.objects.create(
        layer=layer,
        scope_id=project_id,
        text=text,
        note=note[:2000],
        written_by=actor.id,
        written_at=clock.now(),
    )
    digest = hashlib.sha256(text.encode()).hexdigest()
    append(
        "policy",
        {
            "layer": layer,
            "scope": ["project", project_id] if project_id else ["node", "node"],
            "sha256": digest,
            "number": row.pk,
            "by": actor.id,
        },
    )
    # Also after a commit: a reader in between may have kept the old ones.
    rulebook.forget()
    transaction.on_commit(rulebook.forget)
    return book


def draft(layer: str, text: str, *, project_id: str = "") -> rulebook.Book:
    """The rules as they would be with another text of a layer.

    Raises:
        BadPolicyError: there is no such layer, or the text cannot be used.
    """
    if layer not in {"law", "funder", "institution", "project"} or (layer == "project") != bool(project_id):
        raise BadPolicyError(
            f"{layer!r} is no layer that can be written.", remedy="Use law, funder, institution or project."
        )
    return rulebook.compile_book(rulebook.stored() | {(layer, project_id): text})


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
    """Take somebody's role away; one may always give up one's own, by a token only where it may share.

    Raises:
        ActionDeniedError: the actor does not manage the scope.
        LastOwnerError: this would leave a project without an owner.
    """
    if subject_id != actor.id or scoping.outside(actor, f"{scope.kind}.manage", scope) is not None:
        require(actor, f"{scope.kind}.manage", scope)
    _keep_an_owner(scope, subject_id, None)
    Grant.objects.filter(
        subject_kind=subject_kind, subject_id=subject_id, scope_kind=scope.kind, scope_id=scope.id
    ).delete()
    holding.forget()
    append("revoke", {"scope": [scope.kind, scope.id], "subject": [subject_kind, subject_id], "by": actor.id})


def _keep_an_owner(scope: Resource, subject_id: str, role: Role | None, *, ends: bool = False) -> None:
    # An owner whose role ends some day would leave the project without one that day.
    if scope.kind != "project" or (role == Role.OWNER and not ends):
        return
    owners = Grant.objects.filter(scope_kind=scope.kind, scope_id=scope.id, role=Role.OWNER, expires_at=None)
    ids = set(owners.values_list("subject_id", flat=True))
    if ids == {subject_id}:
        raise LastOwnerError
