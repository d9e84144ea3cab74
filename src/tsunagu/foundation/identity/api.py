"""The door of identity: people, access tokens, sign-in links."""

from tsunagu.foundation.identity.errors import BadEmailError, NotSignedInError
from tsunagu.foundation.identity.federation.errors import FeedRefusedError, UnknownProviderError
from tsunagu.foundation.identity.federation.feeds import is_configured as is_federated
from tsunagu.foundation.identity.federation.feeds import known as known_providers
from tsunagu.foundation.identity.federation.feeds import refresh_all as refresh_feeds
from tsunagu.foundation.identity.federation.feeds import search as search_providers
from tsunagu.foundation.identity.federation.feeds import status as feed_status
from tsunagu.foundation.identity.federation.types import FeedCard, ProviderCard
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
    "FeedCard",
    "FeedRefusedError",
    "NotSignedInError",
    "PersonCard",
    "ProviderCard",
    "TokenCard",
    "UnknownProviderError",
    "actor_for_person",
    "actor_for_token",
    "ensure_person",
    "feed_status",
    "find_person",
    "has_own_sign_in",
    "has_people",
    "is_active",
    "is_federated",
    "issue_instrument_token",
    "issue_token",
    "known_providers",
    "make_sign_in_link",
    "people",
    "refresh_feeds",
    "revoke_instrument_tokens",
    "revoke_token",
    "search_providers",
    "set_preferences",
    "tokens_of",
    "use_sign_in_link",
]
