"""Which roles somebody holds in force, asked of the database; within one reading request each question once."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Q, QuerySet

from tsunagu.core import clock
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy.compiling import Scopes
from tsunagu.foundation.policy.models import Grant
from tsunagu.foundation.policy.types import Resource

# Where roles count; a publication bears the id of its dataset, and the roles are those on the dataset.
SCOPES = {"dataset": "dataset", "project": "project", "publication": "dataset"}
_Found = TypeVar("_Found")
_answers: ContextVar[dict[Any, Any] | None] = ContextVar("answers", default=None)


@contextlib.contextmanager
def remembering() -> Iterator[None]:
    """Within it a role is asked for once. Only for what reads: whoever changes roles makes it forget (``forget``)."""
    token = _answers.set({})
    try:
        yield
    finally:
        _answers.reset(token)


def forget() -> None:
    """Ask anew from now on: roles have changed."""
    known = _answers.get()
    if known is not None:
        known.clear()


def _once(key: tuple[Any, ...], ask: Callable[[], _Found]) -> _Found:
    known = _answers.get()
    if known is None:
        return ask()
    if key not in known:
        known[key] = ask()
    found: _Found = known[key]
    return found


# Written out, because making this query costs Django more than the whole decision costs Cedar.
_HELD = (
    "select role, scope_id from policy_grant where subject_kind = %s and subject_id = %s and (expires_at is null or"
    " expires_at > %s) and (scope_kind = %s and scope_id = %s or scope_kind = 'project' and scope_id = %s)"
)


def held(actor: Actor, resource: Resource) -> list[tuple[str, str]]:
    """Roles on the resource and on its project, with the ULID of where each is held."""
    if actor.kind not in {"person", "instrument"}:
        return []
    place = [SCOPES.get(resource.kind, resource.kind), resource.id, project_of(resource)]
    return _once((actor.kind, actor.id, *place), lambda: _asked(actor, place))


def _asked(actor: Actor, place: list[str]) -> list[tuple[str, str]]:
    now = connection.ops.adapt_datetimefield_value(clock.now())
    with connection.cursor() as cursor:
        cursor.execute(_HELD, [actor.kind, actor.id, now, *place])
        return list(cursor.fetchall())


def scopes_by_role(actor: Actor) -> dict[str, Scopes]:
    """All that somebody holds: role -> where."""
    if actor.kind not in {"person", "instrument"}:
        return {}
    return _once((actor.kind, actor.id), lambda: _all(actor))


def _all(actor: Actor) -> dict[str, Scopes]:
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


def project_of(resource: Resource) -> str:
    """ULID of the project that a resource is, or lies in."""
    return resource.id if resource.kind == "project" else resource.project_id
