"""The door of identity: people, access tokens, sign-in links."""

from tsunagu.foundation.identity.errors import BadEmailError, NotSignedInError
from tsunagu.foundation.identity.selectors import (
    find_person,
    has_own_sign_in,
    has_people,
    is_active,
    people,
    tokens_of,
)
from tsunagu.foundation.identity.services import (
    actor_for_person,
    actor_for_token,
    ensure_person,
    issue_instrument_token,
    issue_token,
    make_sign_in_link,
    revoke_instrument_tokens,
    revoke_token,
    set_preferences,
    use_sign_in_link,
)
from tsunagu.foundation.identity.types import ANONYMOUS, SYSTEM, Actor, PersonCard, TokenCard

__all__ = [
    "ANONYMOUS",
    "SYSTEM",
    "Actor",
    "BadEmailError",
    "NotSignedInError",
    "PersonCard",
    "TokenCard",
    "actor_for_person",
    "actor_for_token",
    "ensure_person",
    "find_person",
    "has_own_sign_in",
    "has_people",
    "is_active",
    "issue_instrument_token",
    "issue_token",
    "make_sign_in_link",
    "people",
    "revoke_instrument_tokens",
    "revoke_token",
    "set_preferences",
    "tokens_of",
    "use_sign_in_link",
]
