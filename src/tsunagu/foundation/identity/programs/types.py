"""What rooms and doors see of programs and of what they were allowed."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from tsunagu.foundation.identity.types import VERBS, TokenScope

ABOUT = ("openid", "profile", "email", "entitlements")
SCOPES = (*VERBS, *ABOUT, "offline_access")
CODE = "authorization_code"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
REFRESH = "refresh_token"
GRANTS = (CODE, DEVICE, REFRESH)


@dataclass(frozen=True, slots=True)
class ProgramCard:
    """A program as people see it; times RFC 3339.

    Attributes:
        id: Its client id.
        verbs: The most that it may ask for.
        is_public: Whether it has no secret (it runs on people's devices).
        is_agent: Whether it acts by itself, as AI agents do.
        resource: Its own address where it takes tokens of this node, such as a compute site; empty otherwise.
        origin: ``shipped``, ``admin`` or ``itself`` (it registered itself with an invitation).
    """

    id: str
    name: str
    redirect_uris: tuple[str, ...]
    grants: tuple[str, ...]
    verbs: tuple[str, ...]
    is_public: bool
    is_agent: bool
    resource: str
    origin: str
    created_at: str
    last_used_at: str | None


@dataclass(frozen=True, slots=True)
class ConnectionCard:
    """What a person allowed a program; times RFC 3339."""

    id: str
    program: ProgramCard
    scope: TokenScope
    scopes: tuple[str, ...]
    resource: str
    place: str
    created_at: str
    expires_at: str
    last_used_at: str | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a program asks a person for.

    Attributes:
        verbs: Some of read, write, share, admin.
        about: What it wants to know of the person: some of ``ABOUT``.
        resource: For which service the tokens shall be.
        return_to: Where the browser goes afterwards; empty for devices.
        place: Where the program runs, as it says; for devices.
        asked_at: When a device asked.
        acr_values: How the person should have signed in.
        max_age_s: How long ago at most; None accepts any.
    """

    program: ProgramCard
    verbs: tuple[str, ...]
    about: tuple[str, ...]
    resource: str
    return_to: str = ""
    place: str = ""
    asked_at: str = ""
    acr_values: tuple[str, ...] = ()
    max_age_s: int | None = None


@dataclass(frozen=True, slots=True)
class Consent:
    """What the person chose: never more than was asked for.

    Attributes:
        verbs: The verbs that the person left ticked.
        projects: ULIDs of the only projects; empty for all.
        lifetime: Until when, from now.
        place: From where it was agreed, for the list of connections.
    """

    verbs: tuple[str, ...]
    projects: tuple[str, ...] = ()
    lifetime: dt.timedelta = dt.timedelta(days=30)
    place: str = ""
