"""The door of policy: one function that decides, one filter that says the same, and the roles."""

from tsunagu.foundation.policy.engine import ACTIONS, ROLE_ACTIONS, decide, roles_of, scopes, visible
from tsunagu.foundation.policy.errors import ActionDeniedError, LastOwnerError, NoReasonError
from tsunagu.foundation.policy.holds import place_holds
from tsunagu.foundation.policy.labels import (
    LABELLED,
    LEVELS,
    ORIGIN,
    inherit,
    labels_of,
    set_label,
    strictest,
    value_of,
)
from tsunagu.foundation.policy.selectors import members
from tsunagu.foundation.policy.services import grant, place, require, revoke, take_ended
from tsunagu.foundation.policy.types import (
    NODE,
    Access,
    Decision,
    EndedGrant,
    HeldAction,
    Labels,
    Member,
    Resource,
    Role,
    Visibility,
)

__all__ = [
    "ACTIONS",
    "LABELLED",
    "LEVELS",
    "NODE",
    "ORIGIN",
    "ROLE_ACTIONS",
    "Access",
    "ActionDeniedError",
    "Decision",
    "EndedGrant",
    "HeldAction",
    "Labels",
    "LastOwnerError",
    "Member",
    "NoReasonError",
    "Resource",
    "Role",
    "Visibility",
    "decide",
    "grant",
    "inherit",
    "labels_of",
    "members",
    "place",
    "place_holds",
    "require",
    "revoke",
    "roles_of",
    "scopes",
    "set_label",
    "strictest",
    "take_ended",
    "value_of",
    "visible",
]
