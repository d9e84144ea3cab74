"""The rules: one table of what each role may do, one function that answers, one filter that says the same.

``decide`` and ``visible`` are the only places that know who may do what. A property test compares them on
random worlds. A later engine (policy texts, federation) replaces this module behind the same door.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from tsunagu.core import clock
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import holds
from tsunagu.foundation.policy.models import Grant
from tsunagu.foundation.policy.types import Access, Decision, Resource, Role, Visibility

_READ = frozenset({"project.read", "dataset.read", "dataset.read_draft"})
_WRITE = _READ | {
    "project.create_dataset",
    "dataset.push",
    "dataset.write",
    "dataset.freeze",
    "dataset.describe",
}
_OWN = _WRITE | {"project.manage", "dataset.manage", "dataset.release"}
ROLE_ACTIONS: Mapping[Role, frozenset[str]] = {
    Role.OWNER: _OWN,
    Role.EDITOR: _WRITE,
    Role.READER: _READ,
    # An instrument writes and does not read: a stolen instrument PC gives nothing away.
    Role.INSTRUMENT: frozenset({"project.create_dataset", "dataset.push"}),
}
ADMIN_ACTIONS = frozenset(
    {
        "node.admin",
        "mapping.edit",
        "instrument.create",
        "instrument.manage",
        "instrument.read",
        "project.create",
    }
)
PERSON_ACTIONS = frozenset({"project.create", "instrument.create", "instrument.list"})
ACTIONS = _OWN | ADMIN_ACTIONS | PERSON_ACTIONS


def roles_of(actor: Actor, resource: Resource) -> frozenset[Role]:
    """The roles in force of an actor on a resource, given there or on the project around it."""
    if actor.kind not in {"person", "instrument"}:
        return frozenset()
    scope = Q(scope_kind=resource.kind, scope_id=resource.id)
    if resource.kind == "dataset":
        scope |= Q(scope_kind="project", scope_id=resource.project_id)
    return frozenset(Role(role) for role in _in_force(actor).filter(scope).values_list("role", flat=True))


def decide(
    actor: Actor, action: str, resource: Resource, context: Mapping[str, Any] | None = None
) -> Decision:
    """Whether the actor may do the action on the resource.

    Args:
        actor: Who acts.
        action: One of ``ACTIONS``.
        resource: On what.
        context: Facts about the request: what access a dataset is to get (``holds.denial``).

    Returns:
        allow, or deny with reasons in words, the basis and the remedy.

    Raises:
        ValueError: the action is not one of ``ACTIONS`` (a mistake in the program).
    """
    if action not in ACTIONS:
        raise ValueError(f"unknown action {action!r}")
    if actor.kind == "service":
        return Decision("allow", basis="node")
    if resource.kind in {"node", "instrument"}:
        return _decide_node(actor, action, resource)
    if resource.kind == "dataset" and action == "dataset.read" and _is_public(actor, resource):
        return Decision("allow", basis=f"access:{resource.access}")
    roles = roles_of(actor, resource)
    for role in roles:
        if action in ROLE_ACTIONS[role]:
            # What a room found to be against a promise forbids, but is told only to those who may else.
            held = holds.denial(action, resource, context)
            return Decision("allow", basis=f"role:{role}") if held is None else held
    if roles:
        have = ", ".join(sorted(roles))
        return Decision(
            "deny",
            (_("Your role here is %(role)s, which does not include this action.") % {"role": have},),
            basis="role",
            remedy=_("Ask an owner of the project for a wider role."),
        )
    return _deny_stranger(actor)


def scopes(actor: Actor, action: str) -> tuple[list[str], list[str]]:
    """Where a role in force allows an action: ULIDs of projects, and of single datasets."""
    if not actor.id:
        return [], []
    roles = [role for role, actions in ROLE_ACTIONS.items() if action in actions]
    held = _in_force(actor).filter(role__in=roles).values_list("scope_kind", "scope_id")
    found: dict[str, list[str]] = {"project": [], "dataset": []}
    for kind, key in held:
        found[kind].append(key)
    return found["project"], found["dataset"]


def visible(actor: Actor, kind: str) -> Visibility:
    """Which rows of a kind the actor may see; says exactly what ``decide(..., "KIND.read", ...)`` says.

    Args:
        actor: Who looks.
        kind: ``dataset`` (rows with ``uid``, ``project_id``, ``access``, ``has_frozen``,
            ``embargo_until_s``) or ``project``
            (rows whose primary key is the ULID).
    """
    if actor.kind == "service":
        return Visibility((Q(pk__isnull=False),), Q(pk__isnull=False))
    projects, single = scopes(actor, f"{kind}.read")
    if kind == "project":
        return Visibility((Q(pk__in=projects),), Q(pk__in=projects)) if projects else Visibility()
    accesses = [Access.OPEN, Access.SHARED] if actor.is_signed_in else [Access.OPEN]
    lifted = Q(embargo_until_s__lte=_now_s())
    everywhere = [Q(access=access, has_frozen=True) & lifted for access in accesses]
    if single:
        everywhere.append(Q(uid__in=single))
    union = Q(project_id__in=projects)
    for branch in everywhere:
        union |= branch
    return Visibility((*everywhere, *(Q(project_id=project) for project in projects)), union)


def _in_force(actor: Actor) -> QuerySet[Grant]:
    grants = Grant.objects.filter(subject_kind=actor.kind, subject_id=actor.id)
    return grants.filter(Q(expires_at=None) | Q(expires_at__gt=clock.now()))


def _now_s() -> int:
    """The server's clock in whole seconds: an embargo lifts itself, and no client has a say in when."""
    return int(clock.now().timestamp())


def _is_public(actor: Actor, resource: Resource) -> bool:
    if not resource.has_frozen or resource.embargo_until_s > _now_s():
        return False
    return resource.access == Access.OPEN or (resource.access == Access.SHARED and actor.is_signed_in)


def _decide_node(actor: Actor, action: str, resource: Resource) -> Decision:
    rules: tuple[tuple[bool, Callable[[], bool], str], ...] = (
        (True, lambda: actor.is_admin and action in ADMIN_ACTIONS, "admin"),
        (True, lambda: actor.is_signed_in and action in PERSON_ACTIONS, "person"),
        (
            resource.kind == "instrument",
            lambda: actor.is_signed_in and resource.owner_id == actor.id and action.startswith("instrument."),
            "instrument:owner",
        ),
    )
    for applies, is_so, basis in rules:
        if applies and is_so():
            return Decision("allow", basis=basis)
    return _deny_stranger(actor)


def _deny_stranger(actor: Actor) -> Decision:
    if actor.kind == "anonymous":
        return Decision(
            "needs",
            (_("This needs a signed-in person."),),
            basis="sign-in",
            remedy=_("Sign in; if you have no account, ask the administrator of this node."),
        )
    return Decision(
        "deny",
        (_("You have no role here."),),
        basis="role",
        remedy=_("Ask an owner of the project to add you as a member."),
    )
