"""What the REST interface takes and gives about computers that nodes lend each other."""

from __future__ import annotations

from typing import Any

from ninja import Schema
from pydantic import Field

from tsunagu.doors.rest.openapi import Input
from tsunagu.doors.rest.schemas_compute import Amounts, NewLimits, RunLimits


class Own(Schema):
    """A node as its partners enter it."""

    title: str
    address: str
    bytes_address: str
    public_key: str
    fingerprint: str


class NewOffer(Input):
    """What is lent, to whom and until when."""

    title: str = Field(max_length=200)
    address: str = Field(max_length=300)
    bytes_address: str = Field(max_length=300)
    public_key: str = Field(max_length=100)
    until: str = Field(max_length=40, description="The last day, YYYY-MM-DD.")
    executor: str = Field("sandbox", max_length=40)
    limits: NewLimits = NewLimits.model_construct()
    input_bytes: int = Field(10 << 30, ge=0, le=10**15)
    slots: int = Field(1, ge=1, le=1000)
    cpu_s: float = Field(36_000, ge=0, le=10**15)
    memory_gb_h: float = Field(100, ge=0, le=10**15)
    output_bytes: int = Field(10**11, ge=0, le=10**15)


class ComputeOffer(Schema):
    """An offer, with what its partner used and reserved of its three amounts."""

    id: str
    title: str
    address: str
    bytes_address: str
    fingerprint: str
    executor: str
    limits: RunLimits
    input_bytes: int
    slots: int
    cpu_s: float
    memory_gb_h: float
    output_bytes: int
    until: str
    last_day: str
    is_open: bool
    is_withdrawn: bool
    used: Amounts
    reserved: Amounts
    left: Amounts


class OfferList(Schema):
    """Offers."""

    offers: list[ComputeOffer]


class NewSite(Input):
    """Another node, and what may leave for it."""

    name: str = Field(max_length=40, description="What --on takes.")
    title: str = Field(max_length=200)
    address: str = Field(max_length=300)
    public_key: str = Field(max_length=100)
    country: str = Field(max_length=2, description="Where its machines stand, ISO 3166 two-letter code.")
    levels: dict[str, str] = Field(
        default_factory=dict,
        description="Label -> the strictest level that may leave; others have a default.",
    )
    takes_sealed: bool = False


class Site(Schema):
    """A site; ``levels`` in the words of ``tsunagu label``."""

    name: str
    title: str
    address: str
    fingerprint: str
    country: str
    level_words: dict[str, str]
    takes_sealed: bool
    is_open: bool


class SiteList(Schema):
    """Sites."""

    sites: list[Site]


class Guest(Schema):
    """A run of a partner node; the three amounts are reserved while it is open and used afterwards."""

    run: str
    partner: str
    partner_run: str
    asker: str
    executor: str
    state: str
    code: str
    sentence: str
    limits: RunLimits
    cpu_s: float
    memory_gb_h: float
    output_bytes: int
    asked_at: str
    started_at: str | None
    ended_at: str | None
    is_ending: bool
    account: dict[str, Any]
    signature: str = Field(description="Of this node, over the account as canonical JSON.")


class GuestList(Schema):
    """A page of runs, newest first; ``next`` goes into ``after``."""

    guests: list[Guest]
    next: str | None


class Place(Schema):
    """Where code may run on a dataset; ``reasons`` say what hinders."""

    name: str
    title: str
    is_here: bool
    country: str
    may: bool
    reasons: list[str]
    remedy: str


class PlaceList(Schema):
    """Places."""

    places: list[Place]
