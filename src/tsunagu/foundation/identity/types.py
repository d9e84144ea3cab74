"""Who acts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tsunagu.foundation.identity.federation.assurance import Assurance
from tsunagu.foundation.identity.federation.groups import Membership

_UNKNOWN = Assurance()
ActorKind = Literal["person", "instrument", "service", "anonymous"]


Verb = Literal["read", "write", "share", "admin"]
VERBS: tuple[Verb, ...] = ("read", "write", "share", "admin")


@dataclass(frozen=True, slots=True)
class TokenScope:
    """What a token was made for. It only ever takes away from what its person may do.

    Attributes:
        verbs: Some of ``VERBS``.
        projects: ULIDs of the only projects that it reaches; empty reaches all.
    """

    verbs: tuple[str, ...] = VERBS
    projects: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether it takes nothing away."""
        return not self.projects and set(VERBS) <= set(self.verbs)

    def narrowed(self, other: TokenScope) -> TokenScope | None:
        """What both let through; None where that is nothing."""
        verbs = tuple(verb for verb in self.verbs if verb in other.verbs)
        if self.projects and other.projects:
            projects = tuple(key for key in self.projects if key in other.projects)
            return TokenScope(verbs, projects) if verbs and projects else None
        return TokenScope(verbs, self.projects or other.projects) if verbs else None


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
        scope: What the token that was used lets through; None for sessions and machines, which have no token of that
            kind.
        agent: The program that acts for the person, by the name that the person agreed to; empty for the person's own
            hand.
    """

    kind: ActorKind
    id: str
    name: str
    is_admin: bool = False
    token_id: str = ""
    assurance: Assurance = _UNKNOWN
    memberships: tuple[Membership, ...] = ()
    scope: TokenScope | None = None
    agent: str = ""

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
    scope: TokenScope = TokenScope()
