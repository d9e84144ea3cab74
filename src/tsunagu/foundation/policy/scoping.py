"""What a token takes away from what its person may do: the one place where verbs and projects of tokens count.

``decide`` asks ``settled`` and ``visible`` adds ``rows``; both read the same table, and the property test compares them.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Q
from django.utils.translation import gettext as _

from tsunagu.foundation.identity.api import Actor, TokenScope, Verb
from tsunagu.foundation.policy.compiling import EVERY_ROW, NO_ROW
from tsunagu.foundation.policy.errors import ActionDeniedError
from tsunagu.foundation.policy.types import Decision, Resource

# Action -> verb of tokens. An action that is missing here is closed to every token that is not whole.
VERB_OF: Mapping[str, str] = {
    "dataset.read": "read",
    "dataset.read_draft": "read",
    "dataset.ai_use": "read",
    "dataset.read_usage": "read",
    "project.read": "read",
    "instrument.read": "read",
    "instrument.list": "read",
    "dataset.push": "write",
    "dataset.write": "write",
    "dataset.freeze": "write",
    "dataset.describe": "write",
    "project.create": "write",
    "project.create_dataset": "write",
    "compute.run": "write",
    "dataset.compute_elsewhere": "write",
    "dataset.manage": "share",
    "dataset.release": "share",
    "project.manage": "share",
    "publication.request": "share",
    "publication.review": "share",
    "publication.publish": "share",
    "publication.withdraw": "share",
    # What cannot be taken back, what changes the node, and what makes new secrets.
    "dataset.destroy": "admin",
    "instrument.create": "admin",
    "instrument.manage": "admin",
    "mapping.edit": "admin",
    "policy.edit": "admin",
    "node.admin": "admin",
}
_COLUMNS = {"dataset": "project_id", "project": "pk"}


def settled(actor: Actor, action: str, resource: Resource) -> Decision | None:
    """What no rule is asked about: the node itself may, and a token that does not reach may not."""
    if actor.kind == "service":
        return Decision("allow", basis="node")
    return outside(actor, action, resource)


def outside(actor: Actor, action: str, resource: Resource) -> Decision | None:
    """The refusal where the token of an actor does not reach an action on a thing; None where it does."""
    scope = actor.scope
    if scope is None or scope.is_whole:
        return None
    if not _has_verb(scope, action):
        return _refused(_("This access token was not made for this kind of action."))
    if scope.projects and _project(resource) not in scope.projects:
        return _refused(_("This access token was made for other projects."))
    return None


def rows(actor: Actor, action: str, kind: str) -> Q:
    """The rows of a list that the token of an actor reaches."""
    scope = actor.scope
    if scope is None or scope.is_whole:
        return EVERY_ROW
    if not _has_verb(scope, action):
        return NO_ROW
    if scope.projects:
        return Q(**{f"{_COLUMNS[kind]}__in": list(scope.projects)})
    return EVERY_ROW


def within(actor: Actor, action: str, projects: list[str]) -> list[str]:
    """Those of some projects that the token of an actor reaches for an action."""
    scope = actor.scope
    if scope is None or scope.is_whole:
        return projects
    if not _has_verb(scope, action):
        return []
    return [key for key in projects if key in scope.projects] if scope.projects else projects


def require_verb(actor: Actor, verb: Verb) -> None:
    """Go on only if the token lets a verb through: for what people do without asking any rule, such as a request.

    Raises:
        ActionDeniedError: the token was made for less.
    """
    if actor.scope is not None and verb not in actor.scope.verbs:
        raise ActionDeniedError.of(
            _refused(_("This access token was not made for this kind of action.")), verb
        )


def _has_verb(scope: TokenScope, action: str) -> bool:
    return VERB_OF.get(action, "") in scope.verbs


def _project(resource: Resource) -> str:
    return resource.id if resource.kind == "project" else resource.project_id


def _refused(reason: str) -> Decision:
    return Decision(
        "deny",
        (reason,),
        basis="token",
        remedy=_("Make a token with a wider scope on your account page, or sign in yourself."),
    )
