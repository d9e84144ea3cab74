"""The two questions: may they, and what do they see. Rules are texts (``base.cedar`` and what officers wrote).

``decide`` asks Cedar about one thing; ``visible`` compiles the same rules to a filter of lists. Nothing else knows who
may do what. A property test compares the two on random people, datasets and policies.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import cedarpy
from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from tsunagu.core import clock
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import cedar, compiling, holds, leaving, rulebook, scoping
from tsunagu.foundation.policy.compiling import Asked, Scopes
from tsunagu.foundation.policy.labels import LEVELS, labels_of
from tsunagu.foundation.policy.models import Grant
from tsunagu.foundation.policy.types import Decision, Labels, Resource, Role, Visibility

logger = logging.getLogger(__name__)

_READ_DRAFT, _READ = "dataset.read_draft", "dataset.read"
_KINDS = {
    "dataset": "Dataset",
    "project": "Project",
    "publication": "Publication",
    "instrument": "Instrument",
    "node": "Node",
}
# Where roles count; a publication bears the id of its dataset, and the roles are those on the dataset.
_SCOPES = {"dataset": "dataset", "project": "project", "publication": "dataset"}


_BASE = cedar.parse(cedar.base_text(), "base")
_NAMED = [(rule.annotations.get("role"), cedar.actions_of(rule) or frozenset()) for rule in _BASE]
# Read from the base layer: every action that there is, and what each role may do.
ACTIONS: frozenset[str] = frozenset().union(*(named for _role, named in _NAMED))
ROLE_ACTIONS: Mapping[Role, frozenset[str]] = {Role(role): named for role, named in _NAMED if role}


def roles_of(actor: Actor, resource: Resource) -> frozenset[Role]:
    """The roles in force of an actor on a resource, given there or on the project around it."""
    return frozenset(Role(role) for role, _scope in _held(actor, resource))


def decide(
    actor: Actor,
    action: str,
    resource: Resource,
    context: Mapping[str, Any] | None = None,
    *,
    book: rulebook.Book | None = None,
) -> Decision:
    """Whether the actor may do the action on the resource.

    Args:
        actor: Who acts.
        action: One of ``ACTIONS``.
        resource: On what.
        context: Facts about the request: what access a dataset is to get (``holds.denial``), for which node it is to
            leave (``leaving.denial``). Rules themselves know the server's clock alone so far.
        book: Other rules than those in force, for a dry run.

    Returns:
        allow, or deny with reasons in words, the basis and the remedy.

    Raises:
        ValueError: the action is not one of ``ACTIONS`` (a mistake in the program).
    """
    if action not in ACTIONS:
        raise ValueError(f"unknown action {action!r}")
    settled = scoping.settled(actor, action, resource)
    if settled is not None:
        return settled
    book = book or rulebook.current()
    if action == _READ_DRAFT:
        # Whoever may not read does not read drafts either, whatever a rule about reading forgot to say.
        read = decide(actor, _READ, resource, book=book)
        if not read:
            return read
    held = _held(actor, resource) if resource.kind in _SCOPES else []
    project_id = _project_of(resource)
    answer = cedarpy.is_authorized(
        {
            "principal": {"type": compiling.TYPES[actor.kind], "id": actor.id},
            "action": {"type": "Action", "id": action},
            "resource": {"type": _KINDS[resource.kind], "id": resource.id},
            "context": {"now": _now_s()},
        },
        book.policy_set(project_id),
        _entities(actor, resource, held, asks_labels=book.asks_labels(project_id)),
    )
    if answer.diagnostics.errors:
        # Cedar skips a rule that errs; a forbid that is skipped would open. Texts are checked so that none errs.
        logger.error("rule_erred", extra={"action": action, "errors": answer.diagnostics.errors[:3]})
        return Decision("deny", (_("A rule of this node is broken, so nothing is allowed."),), basis="node")
    rules = book.rules_for(project_id)
    deciding = [rules[int(key.removeprefix("policy"))] for key in sorted(answer.diagnostics.reasons)]
    if answer.allowed:
        # What a room found to be against a promise forbids too, but is told only to those who may otherwise.
        promise = _broken_promise(action, resource, context)
        return Decision("allow", basis=deciding[0].id) if promise is None else promise
    if deciding:
        return _forbidden(deciding, helps=_sign_in_helps(actor, action, resource, context, book))
    return _not_permitted(actor, {role for role, _scope in held})


def _broken_promise(action: str, resource: Resource, context: Mapping[str, Any] | None) -> Decision | None:
    """The first denial of a room; not by ``or``, as a denial counts as false."""
    asked = (room(action, resource, context) for room in (holds.denial, leaving.denial))
    return next((one for one in asked if one is not None), None)


def visible(actor: Actor, kind: str, action: str = "", *, book: rulebook.Book | None = None) -> Visibility:
    """Which rows of a kind the actor may see; says exactly what ``decide(..., "KIND.read", ...)`` says.

    Args:
        actor: Who looks.
        kind: ``dataset`` (rows with ``uid``, ``project_id``, ``access``, ``has_frozen``, ``embargo_until_s``) or
            ``project`` (rows whose primary key is the ULID).
        action: Another action than reading.
        book: Other rules than those in force, for a dry run.
    """
    if actor.kind == "service":
        return Visibility((compiling.EVERY_ROW,), compiling.EVERY_ROW)
    action = action or f"{kind}.read"
    reached = scoping.rows(actor, action, kind)
    if reached == compiling.NO_ROW:
        return Visibility()
    book = book or rulebook.current()
    asked = Asked(
        kind=compiling.TYPES[actor.kind],
        id=actor.id,
        attributes=_attributes(actor, _scopes_by_role(actor)),
        action=action,
        resource=_KINDS[kind],
        now_s=_now_s(),
    )
    rules = [rule for rule in book.all_rules if compiling.applies(rule, asked)]
    forbidden = [compiling.condition(rule, asked) for rule in rules if rule.effect == "forbid"]
    forbidden = [q for q in forbidden if q != compiling.NO_ROW]
    if compiling.EVERY_ROW in forbidden:
        return Visibility()
    kept = Q() if reached == compiling.EVERY_ROW else reached
    for q in forbidden:
        kept &= ~q
    walked: list[Q] = []
    union = compiling.NO_ROW
    for rule in rules:
        if rule.effect != "permit":
            continue
        for branch in compiling.branches(rule, asked):
            if branch not in walked and branch != compiling.NO_ROW:
                walked.append(branch)
        union |= compiling.condition(rule, asked)
    if not walked:
        return Visibility()
    return Visibility(tuple(branch & kept for branch in walked), union & kept)


def scopes(actor: Actor, action: str) -> tuple[list[str], list[str]]:
    """Where a role in force would allow an action: ULIDs of projects, and of single datasets.

    For finding candidates along an index; other rules may still forbid what is found, so ask ``decide`` too.
    """
    by_role = _scopes_by_role(actor)
    able = [role for role, allowed in ROLE_ACTIONS.items() if action in allowed]
    projects = scoping.within(
        actor, action, [key for role in able for key in by_role.get(role, Scopes()).projects]
    )
    single = [key for role in able for key in by_role.get(role, Scopes()).datasets]
    return projects, single


def _project_of(resource: Resource) -> str:
    return resource.id if resource.kind == "project" else resource.project_id


# Written out, because making this query costs Django more than the whole decision costs Cedar.
_HELD = (
    "select role, scope_id from policy_grant where subject_kind = %s and subject_id = %s and (expires_at is null or"
    " expires_at > %s) and (scope_kind = %s and scope_id = %s or scope_kind = 'project' and scope_id = %s)"
)


def _held(actor: Actor, resource: Resource) -> list[tuple[str, str]]:
    if actor.kind not in {"person", "instrument"}:
        return []
    now = connection.ops.adapt_datetimefield_value(clock.now())
    place = [_SCOPES.get(resource.kind, resource.kind), resource.id, _project_of(resource)]
    with connection.cursor() as cursor:
        cursor.execute(_HELD, [actor.kind, actor.id, now, *place])
        return list(cursor.fetchall())


def _scopes_by_role(actor: Actor) -> dict[str, Scopes]:
    if actor.kind not in {"person", "instrument"}:
        return {}
    found: dict[str, dict[str, list[str]]] = {}
    for role, kind, key in _in_force(actor).values_list("role", "scope_kind", "scope_id"):
        found.setdefault(role, {"project": [], "dataset": []})[kind].append(key)
    return {
        role: Scopes(tuple(sorted(kinds["project"])), tuple(sorted(kinds["dataset"])))
        for role, kinds in found.items()
    }


def _in_force(actor: Actor) -> QuerySet[Grant]:
    grants = Grant.objects.filter(subject_kind=actor.kind, subject_id=actor.id)
    return grants.filter(Q(expires_at=None) | Q(expires_at__gt=clock.now()))


def _attributes(actor: Actor, by_role: Mapping[str, Scopes]) -> dict[str, Any]:
    sets = {f"{role}_of": by_role.get(role, Scopes()) for role in Role}
    return {"id": actor.id, "is_admin": actor.is_admin, **sets, **_signed_in(actor)}


def _signed_in(actor: Actor) -> dict[str, Any]:
    """How the actor came in, as rules may ask."""
    found = actor.assurance
    return {
        "ial": found.ial,
        "aal": found.aal,
        "mfa": found.mfa,
        "phishing_resistant": found.phishing_resistant,
        "stand_in": found.is_stand_in,
        "by_program": bool(actor.agent),
    }


def _entities(actor: Actor, resource: Resource, held: Iterable[tuple[str, str]], *, asks_labels: bool) -> Any:
    """The actor with the roles that matter here, and the resource, as Cedar takes them."""
    sets: dict[str, list[str]] = {f"{role}_of": [] for role in Role}
    for role, scope in held:
        sets[f"{role}_of"].append(scope)
    somebody = {"id": actor.id, "is_admin": actor.is_admin, **sets, **_signed_in(actor)}
    thing: dict[str, Any] = {"id": resource.id}
    if resource.kind == "instrument":
        thing["owner"] = resource.owner_id
    elif resource.kind == "project":
        thing["project"] = resource.id
    elif resource.kind in {"dataset", "publication"}:
        labels = Labels()
        if asks_labels:
            labels = labels_of([resource.id]).get(resource.id, labels)
        thing |= {
            "project": resource.project_id,
            "access": str(resource.access),
            "origins": list(labels.origins),
            **{name: labels.levels[name] for name in LEVELS},
            **_only_of(resource),
        }
    entities = [
        {"uid": {"type": compiling.TYPES[actor.kind], "id": actor.id}, "attrs": somebody, "parents": []},
        {"uid": {"type": _KINDS[resource.kind], "id": resource.id}, "attrs": thing, "parents": []},
    ]
    return cedarpy.Entities.from_json_str(json.dumps(entities))


def _only_of(resource: Resource) -> dict[str, Any]:
    if resource.kind == "dataset":
        return {"has_frozen": resource.has_frozen, "embargo_until": resource.embargo_until_s}
    return {
        "curators": list(resource.curators),
        "asked_by": resource.asked_by,
        "members_may_publish": resource.members_may_publish,
    }


def _now_s() -> int:
    """The server's clock in whole seconds: an embargo lifts itself, and no client has a say in when."""
    return int(clock.now().timestamp())


def _sign_in_helps(
    actor: Actor, action: str, resource: Resource, context: Mapping[str, Any] | None, book: rulebook.Book
) -> bool:
    """Whether the same person might, had they shown two factors: then the answer is to show them."""
    known = actor.assurance
    strong = replace(known, aal=max(known.aal, 2), mfa=True, phishing_resistant=True)
    if actor.kind != "person" or strong == known:
        return False
    return bool(decide(replace(actor, assurance=strong), action, resource, context, book=book))


def _forbidden(rules: Iterable[cedar.Rule], *, helps: bool) -> Decision:
    rules = list(rules)
    language = "ja" if (get_language() or "").startswith("ja") else "en"
    first = rules[0].annotations
    remedy = first.get(f"remedy_{language}", "")
    if helps:
        remedy = _("Confirm with a passkey, a one-time code or your institution's second factor.")
    return Decision(
        "needs" if helps else "deny",
        tuple(rule.annotations[language] for rule in rules),
        basis=first.get("basis") or f"{rules[0].layer}:{rules[0].id}",
        remedy=remedy,
    )


def _not_permitted(actor: Actor, roles: set[str]) -> Decision:
    if roles:
        have = ", ".join(sorted(roles))
        return Decision(
            "deny",
            (_("Your role here is %(role)s, which does not include this action.") % {"role": have},),
            basis="role",
            remedy=_("Ask an owner of the project for a wider role."),
        )
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
