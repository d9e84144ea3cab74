"""What the room hands out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["broken", "due", "green"]
Text = Mapping[str, str]
ACCESS_ORDER = {"closed": 0, "shared": 1, "open": 2}


@dataclass(frozen=True, slots=True)
class PlanCard:
    """One version of a plan.

    Attributes:
        body: The maDMP document, ``{"dmp": {...}}``.
    """

    number: int
    body: Mapping[str, Any]
    note: str
    written_by: str
    written_at: str
    run_id: str

    @property
    def title(self) -> str:
        """What the plan calls itself."""
        return str(self.body["dmp"].get("title", ""))


@dataclass(frozen=True, slots=True)
class PlannedDataset:
    """One row of the plan, read for the checks.

    Attributes:
        number: Its place in the document, from 0.
        names: Patterns of dataset names here (``xrd-*``) that belong to it.
        byte_count: Planned bytes; None where the plan says nothing.
        formats: Planned media types, endings or names of readers, in lower case.
        access: ``open``, ``shared``, ``closed``, or empty.
        opens_on: The day on which ``access`` begins to hold; until then closed.
        keep_until: Kept until this day.
        personal, sensitive: ``yes``, ``no`` or ``unknown``.
        hosts: Addresses of the planned stores.
    """

    number: int
    title: str
    names: tuple[str, ...]
    byte_count: int | None = None
    formats: tuple[str, ...] = ()
    access: str = ""
    opens_on: dt.date | None = None
    licence: str = ""
    keep_until: dt.date | None = None
    keeps: bool = False
    personal: str = "unknown"
    sensitive: str = "unknown"
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """A check as its pack declares it.

    Attributes:
        blocks: What a broken one forbids: ``freeze``, ``share``, ``open``; empty unless ``severity`` is ``block``.
        when: ``nightly``, ``freeze``, ``share``, ``publish``.
        says: What each finding means, by code, in English and Japanese.
        todo: The next step, by code, the same.
    """

    id: str
    title: Text
    basis: Text
    basis_date: str
    severity: Literal["block", "warn"]
    when: tuple[str, ...]
    blocks: tuple[str, ...] = ()
    status: str = "active"
    settings: Mapping[str, float] = field(default_factory=dict)
    says: Mapping[str, Text] = field(default_factory=dict)
    todo: Mapping[str, Text] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule found, before it has words."""

    state: State
    code: str
    said: Mapping[str, Any] = field(default_factory=dict)
    due_on: dt.date | None = None


@dataclass(frozen=True, slots=True)
class FindingCard:
    """A finding in words of both languages.

    Attributes:
        place: ``project/dataset``, the title of a planned dataset, or the project's name.
        state: ``broken``, ``due`` or ``green``.
        due_on: The day by which something is to be done, or empty.
    """

    check: str
    place: str
    dataset_id: str
    state: str
    title: Text
    says: Text
    todo: Text
    basis: Text
    basis_date: str
    severity: str
    blocks: tuple[str, ...]
    due_on: str
    run_id: str
    checked_at: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How a plan stands.

    Attributes:
        counts: State -> how many findings.
        next_due: The first day by which something is to be done, or empty.
        checked_at: When it was last looked at, or empty.
        first: The worst findings that are not green.
    """

    counts: Mapping[str, int]
    next_due: str
    checked_at: str
    first: tuple[FindingCard, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """The form of a funder or an institution.

    Attributes:
        required: Names of form fields that it asks for.
        defaults: Values of form fields that it brings.
        status: ``active``, or ``draft`` until somebody at the institution has confirmed it.
    """

    id: str
    title: Text
    explains: Text
    basis: Text
    version: str
    status: str
    required: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
