"""What the door asks of the room that publishes; the composition joins the two."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Protocol

from tsunagu.standards.api import PublicRecord


class Entry(Protocol):
    """A record at its place in the list."""

    @property
    def id(self) -> str:
        """Of the record."""

    @property
    def record(self) -> PublicRecord:
        """Of a deleted entry it is not read."""

    @property
    def jpcoar(self) -> str | None:
        """The record as JPCOAR 2.0, nothing where the aggregator's rules refuse it; None: it has to be written."""

    @property
    def changed_at(self) -> dt.datetime:
        """UTC, whole seconds; it grows with every change, deletion too."""

    @property
    def is_deleted(self) -> bool:
        """Whether others may no longer have it."""

    @property
    def sets(self) -> tuple[str, ...]:
        """The sets that it is in (``institution:NAME``)."""


class SetCard(Protocol):
    """A set that one may harvest alone."""

    @property
    def spec(self) -> str:
        """``a:b:c``, letters, digits and ``-_.!~*'()``."""

    @property
    def name_ja(self) -> str:
        """What people call it."""

    @property
    def name_en(self) -> str:
        """The same in English, or empty."""


class InstitutionCard(Protocol):
    """An institution that publishes here."""

    @property
    def name(self) -> str:
        """As it stands in addresses."""

    @property
    def name_ja(self) -> str:
        """What people call it."""

    @property
    def name_en(self) -> str:
        """The same in English, or empty."""

    @property
    def contact(self) -> str:
        """A mail address."""


class Source(Protocol):
    """The published records. ``institution`` and ``set_spec`` are empty for all of them."""

    def harvest(
        self,
        *,
        institution: str = "",
        set_spec: str = "",
        since: dt.datetime | None,
        until: dt.datetime | None,
        after: tuple[dt.datetime, str] | None,
        limit: int,
    ) -> Sequence[Entry]:
        """Entries of ``since <= changed_at <= until`` in the order of ``(changed_at, record.id)``, after the last one seen."""

    def find_entry(self, record_id: str, institution: str = "") -> Entry | None:
        """One entry, deleted ones too."""

    def list_sets(self, institution: str = "") -> Sequence[SetCard]:
        """Every set."""

    def earliest(self, institution: str = "") -> dt.datetime | None:
        """When the oldest entry changed."""

    def count(
        self,
        *,
        institution: str = "",
        set_spec: str = "",
        since: dt.datetime | None,
        until: dt.datetime | None,
    ) -> int:
        """How many entries ``harvest`` would give without a limit."""

    def institution_card(self, name: str) -> InstitutionCard | None:
        """An institution by its name in addresses."""
