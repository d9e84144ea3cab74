"""What the room hands out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tsunagu.compute.runner.api import Limits


class State(StrEnum):
    """Where a job is.

    ``submitted``: handed to where it shall run, a scheduler's queue perhaps; its wrapper has not spoken yet.
    ``uncertain``: its wrapper vanished without a signed result, and that is looked into.
    """

    QUEUED = "queued"
    SUBMITTED = "submitted"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNCERTAIN = "uncertain"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self in {State.SUCCEEDED, State.FAILED, State.CANCELLED}


OPEN = (State.QUEUED, State.SUBMITTED, State.RUNNING, State.UNCERTAIN)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A job as somebody asks for it.

    Attributes:
        inputs: ``PROJECT/DATASET`` or ``PROJECT/DATASET@VERSION``; the first one is ``$TSUNAGU_IN``. Without a version
            the newest frozen one.
        command: The program and its arguments; a single text with blanks is read by the shell of the sandbox.
        output: ``PROJECT/DATASET``; empty: beside the first input, named after it with ``-runs``.
        code: ``PROJECT/DATASET[@VERSION][/FOLDER]``; empty: none.
        parameters: Name -> JSON value.
        limits: What it may use.
        executor: Where it runs.
        lock: A requirements file with a hash for every package; empty: the system's programs.
        serves: Whether it is a server for people (``Order.serves``); rooms ask for those, never a door.
        title: What people call it, for its record; empty: its command.
        workflow: What the record of the run says of the document that describes it; empty: there is none.
    """

    inputs: tuple[str, ...]
    command: tuple[str, ...]
    output: str = ""
    code: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    executor: str = "sandbox"
    lock: str = ""
    serves: bool = False
    title: str = ""
    workflow: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a job may run on a dataset; ``reasons`` and ``remedy`` say what hinders where it may not."""

    name: str
    title: str
    is_here: bool
    country: str = ""
    may: bool = True
    reasons: tuple[str, ...] = ()
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class InputCard:
    """A version that a job read; ``use`` is ``in`` or ``code``."""

    dataset_id: str
    place: str
    version: int
    use: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why the place to which a job was handed has not begun it.

    Attributes:
        code: Of ``reasons.WAITS``; ``sentence`` says the same in words.
        said: The place's own word, as an administrator of it would search for; empty: it gave none.
        begins_at: When the place expects to begin it, RFC 3339 in UTC; None: it does not say.
    """

    code: str
    sentence: str
    said: str
    begins_at: str | None


@dataclass(frozen=True, slots=True)
class JobCard:
    """A job as those see it who may see all that it used.

    Attributes:
        code: ``ok``, or why it did not succeed; ``sentence`` says the same in words.
        output: ``PROJECT/DATASET``; ``version`` the number that its outputs became.
        cpu_s: Used, or reserved while the job is open; so for the other two.
        array_id: Id of the first of the runs that were asked for together; empty: it was asked for alone.
        result: What the wrapper measured: exit_code, signal, outputs, peak_memory_bytes, duration_s, in_force ...
        serves: Whether it is a server for people.
        waiting: Why it has not begun where it was handed to; None: that place does not say, or it has begun.
    """

    run: str
    state: State
    code: str
    sentence: str
    actor_id: str
    actor_name: str
    agent: str
    executor: str
    project_id: str
    output_id: str
    output: str
    version: int | None
    inputs: tuple[InputCard, ...]
    command: tuple[str, ...]
    parameters: Mapping[str, Any]
    limits: Limits
    environment_hash: str
    cpu_s: float
    memory_gb_h: float
    output_bytes: int
    asked_at: str
    started_at: str | None
    ended_at: str | None
    is_cancelled: bool
    array_id: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)
    serves: bool = False
    waiting: Waiting | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state.is_over


@dataclass(frozen=True, slots=True)
class LogPage:
    """A part of a job's log from an offset in bytes; ``after`` continues it."""

    text: str
    after: int
    is_over: bool


@dataclass(frozen=True, slots=True)
class Amounts:
    """CPU time, memory over time, and bytes written."""

    cpu_s: float
    memory_gb_h: float
    output_bytes: int

    def left_of(self, other: Amounts) -> Amounts:
        """What is left of these when the others are taken away, never less than nothing."""
        return Amounts(
            max(0.0, self.cpu_s - other.cpu_s),
            max(0.0, self.memory_gb_h - other.memory_gb_h),
            max(0, self.output_bytes - other.output_bytes),
        )


@dataclass(frozen=True, slots=True)
class Budget:
    """What a project may use, and what it used or reserved of it."""

    allocation: Amounts
    used: Amounts
    reserved: Amounts

    @property
    def left(self) -> Amounts:
        """What a new job may reserve."""
        return self.allocation.left_of(self.used).left_of(self.reserved)
