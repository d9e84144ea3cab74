"""What the room hands out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tsunagu.compute.runner.api import Limits


@dataclass(frozen=True, slots=True)
class OwnCard:
    """What the administrators of another node need to know of this one."""

    title: str
    address: str
    bytes_address: str
    public_key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class NewOffer:
    """An offer as an administrator makes it.

    Attributes:
        title: What people here call the partner.
        address: Of its control.
        bytes_address: Of its byte server.
        public_key: Base64.
        executor: Where its runs go.
        limits: The most that one run may use.
        input_bytes: The most that one run may fetch.
        slots: Runs at the same time.
        cpu_s: In all; so for the other two.
        until: The last day, ``YYYY-MM-DD``.
    """

    title: str
    address: str
    bytes_address: str
    public_key: str
    until: str
    executor: str = "sandbox"
    limits: Limits = field(default_factory=Limits)
    input_bytes: int = 10 << 30
    slots: int = 1
    cpu_s: float = 36_000.0
    memory_gb_h: float = 100.0
    output_bytes: int = 10**11


@dataclass(frozen=True, slots=True)
class OfferCard:
    """An offer as administrators see it.

    Attributes:
        until: The moment at which it ends; ``last_day`` is the day before it, in the node's time zone.
        is_open: Neither withdrawn nor past its end.
    """

    id: str
    title: str
    address: str
    bytes_address: str
    public_key: str
    fingerprint: str
    executor: str
    limits: Limits
    input_bytes: int
    slots: int
    cpu_s: float
    memory_gb_h: float
    output_bytes: int
    until: dt.datetime
    last_day: str
    is_open: bool
    is_withdrawn: bool


@dataclass(frozen=True, slots=True)
class NewSite:
    """A site as an administrator adds it.

    Attributes:
        name: What ``--on`` takes.
        title: What people call it.
        address: Of its control.
        public_key: Base64.
        country: Where its machines stand, ISO 3166 two-letter code.
        levels: Label -> the strictest level that may leave for it, in the words of ``tsunagu label``; others stay.
        takes_sealed: Whether sealed datasets may leave for it.
    """

    name: str
    title: str
    address: str
    public_key: str
    country: str
    levels: Mapping[str, str] = field(default_factory=dict)
    takes_sealed: bool = False


@dataclass(frozen=True, slots=True)
class SiteCard:
    """A site; ``levels`` are numbers, as rules count them, ``level_words`` the same in words."""

    name: str
    title: str
    address: str
    public_key: str
    fingerprint: str
    country: str
    levels: Mapping[str, int]
    level_words: Mapping[str, str]
    takes_sealed: bool
    is_open: bool


@dataclass(frozen=True, slots=True)
class Request:
    """What a partner asked, when it is proved that it did."""

    offer: OfferCard
    do: str
    content: Mapping[str, Any]
    nonce: str
