"""What the REST interface takes and gives about compute jobs."""

from __future__ import annotations

from typing import Any

from ninja import Schema
from pydantic import Field

from tsunagu.doors.rest.openapi import Input


class NewLimits(Input):
    """What a run may use at most; it is ended when it goes beyond."""

    cores: int = Field(1, ge=1, le=1 << 20)
    memory_bytes: int = Field(1 << 30, ge=1, le=1 << 50)
    duration_s: int = Field(600, ge=1, le=1 << 30)
    disk_bytes: int = Field(1 << 30, ge=1, le=1 << 50)
    file_count: int = Field(10_000, ge=1, le=1 << 30)


class NewRun(Input):
    """A command to run on frozen versions."""

    inputs: list[str] = Field(
        description="PROJECT/DATASET[@VERSION]; the first is $TSUNAGU_IN; newest version by default."
    )
    command: list[str] = Field(
        default_factory=list, description="Program and arguments; one text with blanks is read by a shell."
    )
    output: str = Field("", description="PROJECT/DATASET that takes the outputs; empty: FIRST-INPUT-runs.")
    code: str = Field("", description="PROJECT/DATASET[@VERSION][/FOLDER] at $TSUNAGU_CODE.")
    cwl: str = Field(
        "", description="A CWL document in the code, or in the first input; then there is no command."
    )
    parameters: dict[str, str | bool | int | float] = Field(default_factory=dict)
    limits: NewLimits | None = None
    executor: str = "sandbox"
    lock: str = Field(
        "", description="Requirements with a hash for every package; empty: the system's programs."
    )


class Each(Input):
    """The parameter in which runs that are asked for together differ."""

    name: str
    values: list[str | bool | int | float] = Field(max_length=1000)


class NewArray(NewRun):
    """The same command once for each value of a parameter; ``array_index`` counts them from 0."""

    each: Each


class RunInput(Schema):
    """A version that was read, as input (``in``) or as ``code``."""

    place: str
    version: int
    use: str


class RunLimits(Schema):
    """What a run may use at most."""

    cores: int
    memory_bytes: int
    duration_s: int
    disk_bytes: int
    process_count: int
    file_count: int
    log_bytes: int


class Waiting(Schema):
    """Why the scheduler to which a run was handed has not begun it."""

    code: str = Field(
        description="unseen, machines, turn, limit, refused, dependency, dependency_never, begin, held_user, held_admin, "
        "down, licenses, reservation, readying or other"
    )
    sentence: str
    said: str = Field(description="The scheduler's own word; empty: it gave none.")
    begins_at: str | None = Field(
        description="When the scheduler expects to begin it; null: it does not say."
    )


class ComputeRun(Schema):
    """A compute run; the three amounts are reserved while it is open and used afterwards."""

    run: str
    state: str = Field(description="queued, submitted, running, uncertain, succeeded, failed or cancelled")
    code: str
    sentence: str
    actor_name: str
    agent: str
    executor: str
    inputs: list[RunInput]
    command: list[str]
    parameters: dict[str, Any]
    limits: RunLimits
    environment_hash: str
    output: str
    version: int | None
    cpu_s: float
    memory_gb_h: float
    output_bytes: int
    asked_at: str
    started_at: str | None
    ended_at: str | None
    is_cancelled: bool
    array_id: str = Field(description="The first of the runs that were asked for together; empty: alone.")
    waiting: Waiting | None = Field(description="Only while it is submitted, where the scheduler says why.")
    result: dict[str, Any]


class ComputeRunList(Schema):
    """A page of runs, newest first; ``next`` goes into ``after``."""

    runs: list[ComputeRun]
    next: str | None


class Log(Schema):
    """A part of a log; ``after`` is the offset of the next part."""

    text: str
    after: int
    is_over: bool


class NewAllocation(Input):
    """What a project may use."""

    cpu_s: float
    memory_gb_h: float
    output_bytes: int = Field(le=10**15)


class Amounts(Schema):
    """CPU time, gigabyte-hours of memory, bytes of outputs."""

    cpu_s: float
    memory_gb_h: float
    output_bytes: int


class Budget(Schema):
    """A project's allocation, what was used of it, what open runs reserve, what is left."""

    allocation: Amounts
    used: Amounts
    reserved: Amounts
    left: Amounts
