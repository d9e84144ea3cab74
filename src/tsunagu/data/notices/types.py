"""What the room hands out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

# What a partner may do: propose relations, reviews, endorsements; tell of what a service made; be told of our articles.
RIGHTS = ("relations", "reviews", "endorsements", "results", "told")
OFFERS = {"review": "ReviewAction", "endorsement": "EndorsementAction"}
ANSWERS = {
    "accept": "Accept",
    "reject": "Reject",
    "tentative_accept": "TentativeAccept",
    "tentative_reject": "TentativeReject",
}


@dataclass(frozen=True, slots=True)
class PartnerCard:
    """A partner service, without its token.

    Attributes:
        holds: How addresses of what lives there begin, or DOI prefixes with their slash.
        has_token: Whether a token is sent along.
    """

    name: str
    title: str
    origin_id: str
    inbox: str
    may: tuple[str, ...]
    holds: tuple[str, ...]
    has_token: bool
    waiting_count: int
    refused_count: int


@dataclass(frozen=True, slots=True)
class NoticeCard:
    """A notice that came. Moments: RFC 3339.

    Attributes:
        partner: Name of the service; empty where nobody took it up.
        pattern: As ``announce-relationship``.
        state: ``quarantined``, ``proposed``, ``accepted``, ``rejected``, ``offered``, ``answered``, ``undone``, ``noted`` or
            ``unmatched`` (names nothing here).
        relation: What it would say in the record; ``said_relation`` is the word of the sender.
        address: The other thing.
    """

    id: str
    notice_id: str
    partner: str
    partner_title: str
    origin_id: str
    origin_inbox: str
    pattern: str
    state: str
    publication: str
    place: str
    number: int
    relation: str
    said_relation: str
    address: str
    actor: str
    received_at: str
    decided_at: str
    body: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SentCard:
    """A notice from here.

    Attributes:
        partner: Its name; empty once it was removed, and ``partner_title`` is the address of the service then.
        state: Of the delivery: ``waiting``, ``sending``, ``done``, ``refused`` or ``given_up``.
        exchange: What the partner said: ``offered``, ``tentatively_accepted``, ``accepted``, ``tentatively_rejected``,
            ``rejected``, ``flagged`` or ``announced``; empty for what expects no answer.
    """

    id: str
    notice_id: str
    partner: str
    partner_title: str
    pattern: str
    publication: str
    about: str
    state: str
    exchange: str
    said: str
    attempts: int
    last_status: int
    last_error: str
    made_at: str
    done_at: str
