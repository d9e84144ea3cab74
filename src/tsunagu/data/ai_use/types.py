"""What the room hands out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Answer = Literal["allow", "needs", "deny"]
# From the loosest to the strictest.
TERM_ANSWERS = ("allow", "ask", "deny")
USES = ("local_inference", "external_inference", "training", "release_weights", "index")
KINDS = ("inference", "training", "release_weights", "index")
LOCAL = "local"


@dataclass(frozen=True, slots=True)
class Terms:
    """What AI may do with data.

    Attributes:
        uses: One of ``USES`` -> ``allow``, ``ask`` or ``deny``.
        limits: DUO codes that limit the purpose, without their prefix: ``HMB``, ``NCU`` ...
        countries: Where data may be processed, ISO 3166 two-letter codes; None: no limit, empty: nowhere.
        until: After this day nothing is permitted; None: no end.
    """

    uses: Mapping[str, str]
    limits: tuple[str, ...] = ()
    countries: tuple[str, ...] | None = None
    until: dt.date | None = None


@dataclass(frozen=True, slots=True)
class TermsCard:
    """Terms of a dataset as pages show them.

    Attributes:
        terms: What holds, sources counted in.
        own: What was set here, or the default.
        is_default: Whether nobody set terms here.
        inherited: Use -> ULIDs of sources that are stricter than the dataset's own terms.
    """

    terms: Terms
    own: Terms
    is_default: bool
    inherited: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Service:
    """Facts about an AI service.

    Attributes:
        revision: Counts up with every change; 0 is the built-in entry.
        countries: Where its servers stand, ISO 3166 two-letter codes; empty: unknown.
        law: Applicable law, in words.
        keeps: Whether it keeps inputs or outputs: ``no``, ``yes`` or ``unknown``.
        retention_days: For how long, where it is known.
        trains: Whether inputs train or improve the provider's models.
        human_review: Whether the provider's people read inputs.
        sub_processors: Who else gets data: ``none``, ``unknown``, or names with commas.
        contract: Reference of the institution's contract; empty: none.
        erasable: Whether data can be erased at the end.
        valid_until: The last day on which these facts count as checked; None for the built-in entry.
    """

    name: str
    title: str
    operator: str = ""
    is_local: bool = False
    revision: int = 0
    countries: tuple[str, ...] = ()
    law: str = ""
    keeps: str = "unknown"
    retention_days: int | None = None
    trains: str = "unknown"
    human_review: str = "unknown"
    sub_processors: str = "unknown"
    contract: str = ""
    erasable: str = "unknown"
    valid_until: dt.date | None = None
    written_by: str = ""
    written_at: str = ""

    def is_valid_on(self, day: dt.date) -> bool:
        """Whether the facts still count as checked."""
        return self.is_local or (self.valid_until is not None and day <= self.valid_until)


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the machine knows about one use; rules look at nothing else."""

    kind: str
    service: Service
    terms: Terms
    levels: Mapping[str, int]
    is_open: bool
    is_embargoed: bool
    today: dt.date

    @property
    def is_external(self) -> bool:
        """Whether data leave this node."""
        return not self.service.is_local


@dataclass(frozen=True, slots=True)
class Item:
    """An item of the checklist, texts by language."""

    id: str
    who: tuple[str, ...]
    rule: str
    asks_when: tuple[str, ...]
    ask: Mapping[str, str]
    remedy: Mapping[str, str]
    on_unknown: Answer
    on_no: Answer
    valid_days: int
    basis: Mapping[str, str]
    source: str
    valid_from: str


@dataclass(frozen=True, slots=True)
class Checklist:
    """A dated list of items; ``version`` is the hash of its text."""

    version: str
    title: Mapping[str, str]
    source: str
    dated: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class PersonAnswer:
    """What a person answered to an item."""

    item: str
    is_yes: bool
    note: str
    by: str
    at: str
    until: str


@dataclass(frozen=True, slots=True)
class ItemResult:
    """How an item came out.

    Attributes:
        found: ``yes`` (in order), ``no`` or ``unknown``.
        by: ``machine`` or ``person``.
        may_answer: Whether the asker may answer it now.
    """

    item: Item
    found: str
    answer: Answer
    by: str
    person: PersonAnswer | None = None
    may_answer: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer of the guard.

    Attributes:
        items: Items that apply, each with how it came out.
        reasons: In the asker's language.
        facts_hash: Answers of people hold for these facts alone.
        run_id: The run that records it.
    """

    answer: Answer
    items: tuple[ItemResult, ...]
    reasons: tuple[str, ...]
    basis: str
    remedies: tuple[str, ...]
    facts_hash: str
    checklist: str
    run_id: str = ""

    def __bool__(self) -> bool:
        return self.answer == "allow"


@dataclass(frozen=True, slots=True)
class CheckCard:
    """A check of the past."""

    run_id: str
    service: str
    kind: str
    purpose: str
    answer: str
    asked_by: str
    asked_at: str
