"""What doors hand in, and what the room hands out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tsunagu.foundation.identity.api import Actor

Channel = Literal["web", "api", "hub", "stream", "sql"]
# Content that people take home, and content that programs read as they go.
DOWNLOADS: tuple[Channel, ...] = ("web", "api")
LOADS: tuple[Channel, ...] = ("hub", "stream", "sql")


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody looked at a dataset or asked for its content, and got it. Stays in memory for some seconds.

    Attributes:
        place: ``PROJECT/DATASET``.
        version: 0: the one that a stranger gets, the last frozen.
        target: The address, without what leads through its pages.
        is_job: Whether the address is asked for many times in one download.
        who: What tells this user from others while the event is in memory: an id, else address and program.
        agent: What the program calls itself.
    """

    at: dt.datetime
    place: str
    version: int
    is_request: bool
    channel: Channel
    target: str
    actor: Actor
    who: str
    agent: str
    is_job: bool = False


@dataclass(frozen=True, slots=True)
class Totals:
    """Numbers in the words of COUNTER, of people and of their scripts together."""

    investigations: int = 0
    unique_investigations: int = 0
    requests: int = 0
    unique_requests: int = 0
    downloads: int = 0
    loads: int = 0

    def as_row(self) -> dict[str, int]:
        """The same by COUNTER's names."""
        return {
            "total_investigations": self.investigations,
            "unique_investigations": self.unique_investigations,
            "total_requests": self.requests,
            "unique_requests": self.unique_requests,
            "downloads": self.downloads,
            "loads": self.loads,
        }


@dataclass(frozen=True, slots=True)
class Month:
    """A month of a dataset.

    Attributes:
        month: ``2027-03``.
        machine: The part of ``counts`` that scripts did.
        runs: Computations that read it, here and at other nodes; ``elsewhere`` are those at others.
        trainings: Trainings of models that began to read it.
        ai_grants: Uses by AI that its terms and the guard allowed.
        citations: Publications that were first seen to cite or use it.
    """

    month: str
    counts: Totals
    machine: Totals = Totals()
    runs: int = 0
    elsewhere: int = 0
    trainings: int = 0
    ai_grants: int = 0
    citations: int = 0

    def as_row(self) -> dict[str, int]:
        """Its numbers by the names that REST, the command line and files use."""
        return {
            **self.counts.as_row(),
            "machine_investigations": self.machine.investigations,
            "machine_requests": self.machine.requests,
            "runs": self.runs,
            "runs_elsewhere": self.elsewhere,
            "trainings": self.trainings,
            "ai_grants": self.ai_grants,
            "citations": self.citations,
        }


@dataclass(frozen=True, slots=True)
class InstitutionUse:
    """An institution of which at least so many people asked for content in a month that no one is told apart."""

    month: str
    institution: str
    people: int
    requests: int


@dataclass(frozen=True, slots=True)
class CitationCard:
    """A publication that cites or uses the dataset.

    Attributes:
        citing: Its DOI as an address, or another address.
        relation: In JPCOAR's words: ``cites``, ``references``, ``isDerivedFrom`` ...
        source: Who says so: the repository that it was harvested from.
    """

    citing: str
    title: str
    relation: str
    version: int
    source: str
    first_seen_on: str


@dataclass(frozen=True, slots=True)
class Use:
    """How a dataset was used.

    Attributes:
        version: Of this version alone; 0: of all.
        months: Every month of the span, the first first.
        models: Names of the trainings that the asker may know.
        ai_services: Service -> how many uses by AI were allowed for it.
        institutions_from: The number of people from which an institution is named.
    """

    place: str
    version: int
    months: tuple[Month, ...]
    total: Month
    versions: tuple[tuple[int, Totals], ...] = ()
    models: tuple[str, ...] = ()
    ai_services: Mapping[str, int] = field(default_factory=dict)
    institutions: tuple[InstitutionUse, ...] = ()
    institutions_from: int = 0
    citations: tuple[CitationCard, ...] = ()


@dataclass(frozen=True, slots=True)
class PublicUse:
    """What the public page of a version tells everybody, of all its versions together."""

    views: int
    downloads: int
    citations: int
    since: str
