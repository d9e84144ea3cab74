"""What the interface of tokens takes and gives."""

from __future__ import annotations

from typing import Literal

from ninja import Schema
from pydantic import Field

from tsunagu.doors.rest.openapi import Input


class TokenAsked(Input):
    """A token to make: verbs, names of projects (none: all), days."""

    label: str = Field(min_length=1, max_length=200)
    verbs: list[Literal["read", "write", "share", "admin"]] = Field(min_length=1)
    projects: list[str] = Field(default_factory=list)
    days: int = 90


class NewToken(Schema):
    """A new token; the secret is kept nowhere."""

    secret: str
    expires_at: str


class TokenRow(Schema):
    """A token without its secret."""

    id: str
    label: str
    verbs: list[str]
    projects: list[str]
    created_at: str
    expires_at: str | None
    last_used_at: str | None


class TokenList(Schema):
    """Tokens, newest first."""

    tokens: list[TokenRow]
