"""The door of policy: one function that decides, one filter that says the same, and the roles."""

from tsunagu.foundation.policy.engine import ACTIONS, ROLE_ACTIONS, decide, roles_of, scopes, visible
from tsunagu.foundation.policy.errors import ActionDeniedError, LastOwnerError
from tsunagu.foundation.policy.selectors import members
from tsunagu.foundation.policy.services import grant, place, require, revoke, take_ended
from tsunagu.foundation.policy.types import (
    NODE,
    Access,
    Decision,
    EndedGrant,
    Member,
    Resource,
    Role,
    Visibility,
)

__all__ = [
    "ACTIONS",
    "NODE",
    "ROLE_ACTIONS",
    "Access",
    "ActionDeniedError",
    "Decision",
    "EndedGrant",
    "LastOwnerError",
    "Member",
    "Resource",
    "Role",
    "Visibility",
    "decide",
    "grant",
    "members",
    "place",
    "require",
    "revoke",
    "roles_of",
    "scopes",
    "take_ended",
    "visible",
]
