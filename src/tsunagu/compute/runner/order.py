"""The one definition of a job, as control hands it out and every executor's wrapper reads it; and the one result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tsunagu.core.errors import TsunaguError


class BadOrderError(TsunaguError):
    """A job file or an order that cannot be read."""

    code = "runner.bad_order"
    default_message = "The job cannot be read."


@dataclass(frozen=True, slots=True)
class Limits:
    """What a job may use at most; it is killed when it goes beyond.

    Attributes:
        cores: Processor cores.
        memory_bytes: Of all its processes together.
        duration_s: Wall clock, from the start of the command.
        disk_bytes: Of all that it writes to ``$TSUNAGU_OUT``.
        process_count: Processes at the same time.
        file_count: Files of the output.
        log_bytes: What is kept of the log's beginning, and as much of its end.
    """

    cores: int = 1
    memory_bytes: int = 1 << 30
    duration_s: int = 600
    disk_bytes: int = 1 << 30
    process_count: int = 256
    file_count: int = 10_000
    log_bytes: int = 1 << 20

    @property
    def cpu_s(self) -> int:
        """The most CPU time that the limits let a job take."""
        return self.cores * self.duration_s

    @property
    def memory_gb_h(self) -> float:
        """The most gigabyte-hours of memory that the limits let a job take."""
        return self.memory_bytes / 1e9 * self.duration_s / 3600


@dataclass(frozen=True, slots=True)
class Input:
    """A frozen version that the job reads.

    Attributes:
        place: ``PROJECT/DATASET``.
        folder: Only files below it, and without this part of their paths; empty: all. Of code it may be a git bundle.
    """

    place: str
    version: int
    folder: str = ""

    @property
    def is_bundle(self) -> bool:
        """Whether it is a git bundle, of which the job gets what is checked out."""
        return self.folder.endswith(".bundle")

    @property
    def prefix(self) -> str:
        """How the paths of its files begin."""
        return f"{self.folder}/" if self.folder and not self.is_bundle else self.folder


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done.

    Attributes:
        run: The id of the run, minted when the job was asked for.
        command: The program and its arguments; no shell reads them.
        inputs: The first one is ``$TSUNAGU_IN``; each also lies under ``$TSUNAGU_INPUTS/PROJECT/DATASET``.
        output: ``PROJECT/DATASET`` that what lies in ``$TSUNAGU_OUT`` becomes a version of.
        limits: What it may use.
        parameters: Given to the command as ``TSUNAGU_PARAM_NAME``, and all as JSON in ``TSUNAGU_PARAMETERS``.
        code: Where ``$TSUNAGU_CODE`` comes from; None: there is none.
        environment: Hash of the lock file of its Python environment; empty: the system's own programs.
        serves: Whether the command is a server that people reach by a socket in ``$TSUNAGU_DOOR``. It ends when it is
            told to, and what it wrote is kept however it ended.
    """

    run: str
    command: tuple[str, ...]
    inputs: tuple[Input, ...]
    output: str
    limits: Limits = Limits()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    code: Input | None = None
    environment: str = ""
    serves: bool = False

    def as_json(self) -> dict[str, Any]:
        """For the wire."""
        return asdict(self)

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Order:
        """From the wire.

        Raises:
            BadOrderError: it is no order.
        """
        try:
            return cls(
                run=str(said["run"]),
                command=tuple(str(part) for part in said["command"]),
                inputs=tuple(Input(**one) for one in said["inputs"]),
                output=str(said["output"]),
                limits=Limits(**said["limits"]),
                parameters=dict(said["parameters"]),
                code=Input(**said["code"]) if said["code"] else None,
                environment=str(said["environment"]),
                serves=bool(said.get("serves")),
            )
        except (KeyError, TypeError) as error:
            raise BadOrderError(f"The order cannot be read: {error}") from None


@dataclass(frozen=True, slots=True)
class Result:
    """How a job ended.

    Attributes:
        code: ``ok``, or why not; compute/jobs/reasons.py holds the sentence for each.
        facts: What the sentence for the code names: a path, a limit.
        exit_code: Of the command; None when it never ran or was killed.
        signal: The signal that ended it; 0 for none.
        outputs: (path, byte count, sha256 hex) of everything that is to become the version.
        left_out: Paths in the output folder that are not sent: links, temporary files.
        cpu_s: CPU time of all processes.
        peak_memory_bytes: The most that all processes held together, as far as it was seen.
        duration_s: Wall clock of the command.
        input_bytes: What was fetched.
        output_bytes: Sum of the outputs.
        in_force: Limit -> how it was held: ``kernel``, ``watched`` or ``asked`` (it could not be held).
        host: What kind of machine it was: system, architecture, cores, and what was booked there.
        started_at_s: When the command started, seconds since 1970; 0: it never did.
    """

    code: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    exit_code: int | None = None
    signal: int = 0
    outputs: tuple[tuple[str, int, str], ...] = ()
    left_out: tuple[str, ...] = ()
    cpu_s: float = 0.0
    peak_memory_bytes: int = 0
    duration_s: float = 0.0
    input_bytes: int = 0
    output_bytes: int = 0
    in_force: Mapping[str, str] = field(default_factory=dict)
    host: Mapping[str, Any] = field(default_factory=dict)
    started_at_s: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """For the wire."""
        return asdict(self)

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Result:
        """From the wire.

        Raises:
            BadOrderError: it is no result.
        """
        try:
            outputs = tuple((str(path), int(size), str(sha256)) for path, size, sha256 in said["outputs"])
            numbers = {
                "cpu_s": float(said["cpu_s"]),
                "duration_s": float(said["duration_s"]),
                "peak_memory_bytes": int(said["peak_memory_bytes"]),
                "input_bytes": int(said["input_bytes"]),
                "output_bytes": int(said["output_bytes"]),
            }
            if any(not 0 <= value < 2**60 for value in numbers.values()):
                raise BadOrderError("A number of the result cannot be.")
            known = {**said, **numbers, "outputs": outputs, "left_out": tuple(map(str, said["left_out"]))}
            return cls(**known)
        except (KeyError, TypeError, ValueError) as error:
            raise BadOrderError(f"The result cannot be read: {error}") from None


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a machine grants to the order of a node that does not own it.

    Attributes:
        limits: The most that the order may ask for.
        input_bytes: The most that it may have fetched.
        origins: The only servers (``https://HOST[:PORT]``) that its wrapper speaks to.
        guest: The id of the run under which the machine's own node counts it.
    """

    limits: Limits
    input_bytes: int
    origins: tuple[str, ...]
    guest: str

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Bounds:
        """From a job file."""
        known = {**said, "limits": Limits(**said["limits"]), "origins": tuple(said["origins"])}
        return cls(**known)

    def exceeded(self, order: Order) -> str:
        """The first limit of an order that was not granted; empty where all were."""
        asked, granted = asdict(order.limits), asdict(self.limits)
        return next((name for name, value in asked.items() if value > granted[name]), "")


@dataclass(frozen=True, slots=True)
class JobFile:
    """What the wrapper needs to begin.

    Attributes:
        control: Address of control.
        run: The run.
        secret: The run's secret.
        folder: Its folder on this machine.
        environment: Folder of the Python environment that the order names by its hash; empty: there is none.
        bounds: What the machine grants to an order that another node gives; None: the order is its own.
        booked: What a scheduler was asked for on the job's behalf; empty where there is none.
    """

    control: str
    run: str
    secret: str
    folder: str
    environment: str = ""
    bounds: Bounds | None = None
    booked: Mapping[str, Any] = field(default_factory=dict)

    def write(self) -> Path:
        """Write it where only this user reads it; the path."""
        folder = Path(self.folder)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / "job.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self)), "utf-8")
        return path

    @classmethod
    def read(cls, path: Path) -> JobFile:
        """From its file.

        Raises:
            BadOrderError: it cannot be read.
        """
        try:
            said = json.loads(path.read_text("utf-8"))
            bounds = said.pop("bounds", None)
            return cls(**said, bounds=Bounds.of(bounds) if bounds else None)
        except (OSError, ValueError, TypeError) as error:
            raise BadOrderError(f"The job file cannot be read: {error}") from None
