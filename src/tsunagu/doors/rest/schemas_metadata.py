"""Values of descriptions and proposals, as the REST interface takes and gives them."""

from __future__ import annotations

from typing import Any

from ninja import Schema

from tsunagu.doors.rest.openapi import Input


class Value(Schema):
    """A metadata value with its origin."""

    key: str
    name: str | None
    value: Any
    unit: str | None
    origin: dict[str, Any]


class ValueList(Schema):
    """A page of metadata values."""

    values: list[Value]
    next: str | None


class NewValue(Input):
    """A value that a person sets."""

    value: Any
    unit: str | None = None


class NegativeResult(Schema):
    """What was tried and failed, as people tell it; empty texts: nothing is told."""

    tried: str = ""
    expected: str = ""
    outcome: str = ""
    reason: str = ""


class NewNegativeResult(Input):
    """The same to be told; what is left out stays as it is, an empty text takes it back."""

    tried: str | None = None
    expected: str | None = None
    outcome: str | None = None
    reason: str | None = None


class ProposalRow(Schema):
    """A value that a machine proposes."""

    id: str
    name: str
    value: Any
    unit: str | None
    confidence: float
    state: str
    evidence: list[dict[str, Any]]


class ProposalList(Schema):
    """Open proposals."""

    proposals: list[ProposalRow]
    next: str | None


class Decide(Input):
    """An edited value, when a person accepts something else than was proposed."""

    value: Any = None
    unit: str | None = None
