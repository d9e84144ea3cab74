"""What the routes of the ledger take and give."""

from __future__ import annotations

from ninja import Schema
from pydantic import Field

from tsunagu.doors.rest.openapi import Input


class StampRow(Schema):
    """A time stamp under a signed head (RFC 3161); ``reply``: the response in DER, Base64."""

    state: str = Field(description="kept or waiting")
    authority: str
    is_independent: bool = Field(description="False for the embedded test authority.")
    stamped_at: str | None
    reply: str
    attempts: int


class CosignatureRow(Schema):
    """A witness's signature under a head."""

    witness: str
    public_key: str
    line: str


class HeadRow(Schema):
    """A signed tree head; ``note`` is the signed text with its signature line."""

    size: int
    root: str
    note: str
    key_id: str
    public_key: str
    signed_at: str
    time_stamps: list[StampRow]
    cosignatures: list[CosignatureRow]


class HeadList(Schema):
    """A page of heads; ``next`` goes into ``after``."""

    heads: list[HeadRow]
    next: int | None


class Proof(Schema):
    """A Merkle proof; hashes are hex. ``first``: index of the entry, or size of the older tree."""

    first: int
    size: int
    root: str
    path: list[str]


class HeadToCosign(Input):
    """A head to co-sign, and the proof that it continues what the witness saw last."""

    note: str = Field(max_length=4000)
    old_size: int = Field(description="Size at which the witness saw the log last; 0 for the first time.")
    proof: list[str] = Field(
        max_length=64, description="Consistency proof from old_size, hex (RFC 9162, 2.1.4)."
    )
