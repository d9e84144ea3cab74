"""What the room hands out."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from tsunagu.compute.jobs.api import JobCard, Limits


class Stage(StrEnum):
    """Where a notebook is. ``preparing``: its environment is built, a place is waited for, or its server starts."""

    PREPARING = "preparing"
    OPEN = "open"
    ENDING = "ending"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Asked:
    """A notebook as somebody asks for it.

    Attributes:
        place: ``PROJECT/DATASET[@VERSION]``, read-only under ``$TSUNAGU_IN``.
        output: ``PROJECT/DATASET`` in which the notebook is kept; empty: beside the data, named for the person.
        lock: A lock file that holds jupyterlab; empty: the node's own.
        limits: What it may use.
    """

    place: str
    output: str = ""
    lock: str = ""
    limits: Limits = field(default_factory=lambda: Limits(memory_bytes=2 << 30, duration_s=8 * 3600))


@dataclass(frozen=True, slots=True)
class NotebookCard:
    """A notebook as its person sees it.

    Attributes:
        run: Its run, which is a job with all that belongs to one.
        job: That job.
        address: Where the browser reaches it once it is open; only through ``enter``.
    """

    run: str
    stage: Stage
    job: JobCard
    address: str


@dataclass(frozen=True, slots=True)
class Seat:
    """A browser in front of a notebook."""

    run: str
    person_id: str
    session_key: str


@dataclass(frozen=True, slots=True)
class Reach:
    """Where the gate finds an open notebook on this machine.

    Attributes:
        door: The folder that holds its socket.
        idle_s: Left alone for so long, it is stopped.
    """

    run: str
    door: Path
    idle_s: float
