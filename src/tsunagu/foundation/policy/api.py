"""The door of policy: one function that decides, one filter that says the same, and the roles."""

from tsunagu.foundation.policy.cedar import LAYERS, Rule, base_text, parse
from tsunagu.foundation.policy.engine import ACTIONS, ROLE_ACTIONS, decide, roles_of, scopes, visible
from tsunagu.foundation.policy.errors import ActionDeniedError, BadPolicyError, LastOwnerError, NoReasonError
from tsunagu.foundation.policy.holds import place_holds
from tsunagu.foundation.policy.labelling import set_label
from tsunagu.foundation.policy.labels import (
    LABELLED,
    LEVELS,
    ORIGIN,
    inherit,
    labels_of,
    strictest,
    value_of,
)
from tsunagu.foundation.policy.rulebook import Book, compile_book, current, forget, history, stored
from tsunagu.foundation.policy.scoping import VERB_OF, require_verb
from tsunagu.foundation.policy.selectors import members, people_with_roles
from tsunagu.foundation.policy.services import (
    challenge,
    draft,
    grant,
    place,
    require,
    revoke,
    take_ended,
    write_text,
)
from tsunagu.foundation.policy.succession import hand_over, lasting_owners, owned_by
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
    TextCard,
    Visibility,
)

__all__ = [
    "ACTIONS",
    "LABELLED",
    "LAYERS",
    "LEVELS",
    "NODE",
    "ORIGIN",
    "ROLE_ACTIONS",
    "VERB_OF",
    "Access",
    "ActionDeniedError",
    "BadPolicyError",
    "Book",
    "Decision",
    "EndedGrant",
    "HeldAction",
    "Labels",
    "LastOwnerError",
    "Member",
    "NoReasonError",
    "Resource",
    "Role",
    "Rule",
    "TextCard",
    "Visibility",
    "base_text",
    "challenge",
    "compile_book",
    "current",
    "decide",
    "draft",
    "forget",
    "grant",
    "hand_over",
    "history",
    "inherit",
    "labels_of",
    "lasting_owners",
    "members",
    "owned_by",
    "parse",
    "people_with_roles",
    "place",
    "place_holds",
    "require",
    "require_verb",
    "revoke",
    "roles_of",
    "scopes",
    "set_label",
    "stored",
    "strictest",
    "take_ended",
    "value_of",
    "visible",
    "write_text",
]
