"""Who acts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tsunagu.foundation.identity.federation.assurance import Assurance
from tsunagu.foundation.identity.federation.groups import Membership

_UNKNOWN = Assurance()
ActorKind = Literal["person", "instrument", "service", "anonymous"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody or something that acts; every service takes one first.

    Attributes:
        kind: person, instrument, service (the node itself) or anonymous.
        id: ULID of the person or instrument; a fixed word for services; empty for anonymous.
        name: What people call it; goes into run records.
        is_admin: Whether this person administers the node. Content needs a grant all the same.
        token_id: ULID of the access token that was used, if any.
        assurance: How strongly the session was opened; nothing is known of tokens and machines.
        memberships: Groups of virtual organisations that the institution named in this session.
    """

    kind: ActorKind
    id: str
    name: str
    is_admin: bool = False
    token_id: str = ""
    assurance: Assurance = _UNKNOWN
    memberships: tuple[Membership, ...] = ()

    @property
    def is_signed_in(self) -> bool:
        """Whether this is a known person."""
        return self.kind == "person"


ANONYMOUS = Actor("anonymous", "", "")
SYSTEM = Actor("service", "node", "Tsunagu")


@dataclass(frozen=True, slots=True)
class PersonCard:
    """What others may know of a person."""

    id: str
    email: str
    name: str


@dataclass(frozen=True, slots=True)
class TokenCard:
    """An access token as its owner sees it; the secret is shown once, when it is made."""

    id: str
    label: str
    created_at: str
    expires_at: str | None
    last_used_at: str | None
