"""The side of a worker: hands one file after the other to fresh, walled-in processes."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tsunagu.formats.errors import SandboxError
from tsunagu.formats.sandbox import wire
from tsunagu.formats.sandbox.walls import WALL_DETAILS, SandboxReport, Wall
from tsunagu.formats.types import Limits, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

_MESSAGE_BYTES = 65536
_START_S = 60.0
_LOAD_S = 120.0


@dataclass(frozen=True, slots=True)
class _Child:
    pid: int
    pidfd: int
    channel: socket.socket
    limits: Limits
    generation: int

    def close(self) -> None:
        """Let it go; a child that waits for a job ends by itself when its channel closes."""
        self.channel.close()
        os.close(self.pidfd)


class _ZygoteGoneError(Exception):
    """The forking process ended or does not answer; a new one is started."""


class ExtractorPool:
    """Reads untrusted files, each in a process of its own; keep one per worker process.

    Use as a context manager. The process behind it starts with the first file and is replaced when it dies.
    Calls from several threads are served one after the other.

    Args:
        limits: What one file may cost, unless a call says otherwise.
        preload: Names of readers whose libraries are loaded at the start instead of at first need.
    """

    def __init__(self, *, limits: Limits | None = None, preload: Iterable[str] = ()) -> None:
        self.limits = limits or Limits()
        self._preload = tuple(preload)
        self._lock = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._spare: _Child | None = None
        self._spare_channel: tuple[socket.socket, Limits] | None = None
        self._generation = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process behind the pool; the next call would start a new one."""
        with self._lock:
            self._stop()

    def extract(
        self, path: Path | str, *, name: str, sha256: str | None = None, limits: Limits | None = None
    ) -> Outcome:
        """The outcome for the file at ``path``; never raises for what is in the file.

        Args:
            path: Where the bytes are (a stored object without an ending is fine).
            name: The file's name as the researcher knows it; a hint for choosing the reader.
            sha256: Kept with the outcome; not computed here.
            limits: Other limits for this file.

        Raises:
            SandboxError: the child process cannot be started at all.
        """
        try:
            source = _open_input(Path(path))
        except OSError as error:
            reason = f"The file could not be opened: {error.strerror}."
            return Outcome("unreadable", reason=reason, reason_code="not_accessible", input_sha256=sha256)
        try:
            return replace(self._extract(source, name, limits or self.limits), input_sha256=sha256)
        finally:
            os.close(source)

    def extract_bytes(
        self, data: bytes, *, name: str, sha256: str | None = None, limits: Limits | None = None
    ) -> Outcome:
        """The same for bytes in memory, for example a small file out of a pack."""
        source = os.memfd_create("input", os.MFD_CLOEXEC)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(source, view) :]
            return replace(self._extract(source, name, limits or self.limits), input_sha256=sha256)
        finally:
            os.close(source)

    def report(self) -> SandboxReport:
        """Which walls hold on this machine, found by trying to break out of a real child."""
        with self._lock:
            child = self._fork(self.limits, is_probe=True)
            source = os.memfd_create("probe", os.MFD_CLOEXEC)
            try:
                answer = self._job(child, {"name": "probe"}, source)
            finally:
                os.close(source)
            held = answer[0].get("walls", {}) if isinstance(answer, tuple) else {}
        return SandboxReport(
            tuple(Wall(name, bool(held.get(name)), detail) for name, detail in WALL_DETAILS.items())
        )

    def problems(self) -> tuple[str, ...]:
        """One sentence for each installed reader that cannot be used."""
        with self._lock:
            return tuple(self._hello()["problems"])

    # One file

    def _extract(self, source: int, name: str, limits: Limits) -> Outcome:
        with self._lock:
            for attempt in (1, 2, 3):
                try:
                    return self._once(source, name, limits)
                except _ZygoteGoneError as error:
                    self._stop()
                    if attempt == 3:  # noqa: PLR2004 - two fresh starts failed: no use in a third
                        raise SandboxError(
                            f"The process that reads files cannot be kept alive: {error}"
                        ) from error
        raise AssertionError

    def _once(self, source: int, name: str, limits: Limits) -> Outcome:
        tried: set[str] = set()
        while True:
            started = time.monotonic()
            answer = self._job(self._take(limits), {"name": name}, source)
            if isinstance(answer, Outcome):
                return replace(answer, duration_s=round(time.monotonic() - started, 6))
            message, blobs = answer
            if "need" in message and message["need"] not in tried:
                tried.add(message["need"])
                problem = self._load(message["need"])
                if problem:
                    reason = f"The reader {message['need']} could not be started: {problem}"
                    return Outcome(
                        "unreadable", reader=message["need"], reason=reason, reason_code="reader_failed"
                    )
                continue
            try:
                return wire.outcome_of(message, blobs)
            except wire.FrameError:
                return _unusable("The reader gave an answer that makes no sense.")

    def _job(
        self, child: _Child, job: dict[str, Any], source: int
    ) -> Outcome | tuple[dict[str, Any], dict[str, bytes]]:
        """Send one job and wait: a message with blobs, or an outcome that says how the child failed."""
        deadline = time.monotonic() + child.limits.wall_s
        try:
            try:
                socket.send_fds(child.channel, [json.dumps(job).encode()], [source])
            except OSError as error:
                raise _ZygoteGoneError(str(error)) from error
            self._fork_ahead(child.limits)
            try:
                answer = wire.unpack(
                    partial(_receive, child.channel, deadline), cap=child.limits.result_bytes
                )
            except TimeoutError:
                self._kill(child)
                return _unusable(
                    f"Reading it took more than {child.limits.wall_s:g} seconds, which is the limit.",
                    "out_of_time",
                )
            except wire.FrameError as error:
                self._kill(child)
                return _unusable(f"The reader gave an unusable answer: {error}.")
            return answer if answer is not None else self._post_mortem(child)
        finally:
            child.close()

    def _post_mortem(self, child: _Child) -> Outcome:
        """Say in words how a child ended that gave no answer."""
        status = int(self._ask({"do": "reap", "pid": child.pid})[0]["status"])
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        if number in {signal.SIGXCPU, signal.SIGKILL}:
            return _unusable(
                f"Reading it took more than {child.limits.cpu_s} seconds of computing, which is the limit.",
                "out_of_time",
            )
        if number:
            word = signal.Signals(number).name
            return _unusable(
                f"The library that reads this format crashed ({word}); the file is damaged or too large for it.",
                "crashed",
            )
        return _unusable("Reading it needs more memory than one file may use.", "out_of_memory")

    def _kill(self, child: _Child) -> None:
        # By descriptor, not by number: the number may already belong to another process.
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(child.pidfd, signal.SIGKILL)

    # Children

    def _take(self, limits: Limits) -> _Child:
        """The child made ahead, when it fits; otherwise a new one."""
        self._collect_spare()
        spare, self._spare = self._spare, None
        if spare is not None:
            if spare.limits == limits and spare.generation == self._generation:
                return spare
            spare.close()
        return self._fork(limits)

    def _fork(self, limits: Limits, *, is_probe: bool = False) -> _Child:
        self._collect_spare()
        ours, theirs = socket.socketpair()
        with theirs:
            answer, descriptors = self._ask(_fork_command(limits, is_probe=is_probe), [theirs.fileno()])
        return _Child(answer["pid"], descriptors[0], ours, limits, self._generation)

    def _fork_ahead(self, limits: Limits) -> None:
        """Ask for the next child while the present one works; the answer is collected later."""
        if self._spare is not None or self._spare_channel is not None or self._control is None:
            return
        ours, theirs = socket.socketpair()
        with theirs, contextlib.suppress(OSError):
            command = json.dumps(_fork_command(limits)).encode()
            socket.send_fds(self._control, [command], [theirs.fileno()])
            self._spare_channel = (ours, limits)

    def _collect_spare(self) -> None:
        if self._spare_channel is None:
            return
        (channel, limits), self._spare_channel = self._spare_channel, None
        answer, descriptors = self._hear(_START_S)
        self._spare = _Child(answer["pid"], descriptors[0], channel, limits, self._generation)

    # The zygote

    def _load(self, reader: str) -> str:
        """Load a reader's libraries; returns what went wrong, or nothing."""
        self._collect_spare()
        answer, _ = self._ask({"do": "load", "reader": reader}, within_s=_LOAD_S)
        self._generation += 1
        return str(answer.get("error", ""))

    def _hello(self) -> dict[str, Any]:
        self._collect_spare()
        return self._ask({"do": "hello"})[0]

    def _ask(
        self, command: dict[str, Any], descriptors: list[int] | None = None, *, within_s: float = _START_S
    ) -> tuple[dict[str, Any], list[int]]:
        self._collect_spare()
        control = self._started()
        try:
            socket.send_fds(control, [json.dumps(command).encode()], descriptors or [])
        except OSError as error:
            raise _ZygoteGoneError(str(error)) from error
        return self._hear(within_s)

    def _hear(self, within_s: float) -> tuple[dict[str, Any], list[int]]:
        assert self._control is not None
        self._control.settimeout(within_s)
        try:
            data, descriptors, _, _ = socket.recv_fds(self._control, _MESSAGE_BYTES, 1)
        except OSError as error:
            raise _ZygoteGoneError(str(error) or type(error).__name__) from error
        if not data:
            raise _ZygoteGoneError("it ended")
        return json.loads(data), descriptors

    def _started(self) -> socket.socket:
        if self._control is not None:
            return self._control
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                    [sys.executable, "-m", "tsunagu.formats.sandbox.zygote", str(theirs.fileno())],
                    pass_fds=(theirs.fileno(),),
                    env=_environment(),
                    stdin=subprocess.DEVNULL,
                    cwd="/",
                )
            except OSError as error:
                ours.close()
                raise SandboxError(f"The process that reads files cannot be started: {error}") from error
        self._control = ours
        self._generation += 1
        for reader in self._preload:
            self._ask({"do": "load", "reader": reader}, within_s=_LOAD_S)
        return ours

    def _stop(self) -> None:
        if self._spare_channel is not None:
            self._spare_channel[0].close()
            self._spare_channel = None
        if self._spare is not None:
            self._spare.close()
            self._spare = None
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None


def extract(
    path: Path | str, *, name: str, sha256: str | None = None, limits: Limits | None = None
) -> Outcome:
    """One file in a pool of its own; use :class:`ExtractorPool` for more than one."""
    with ExtractorPool(limits=limits) as pool:
        return pool.extract(path, name=name, sha256=sha256)


def sandbox_report() -> SandboxReport:
    """Which walls hold on this machine; for ``tsunagu check``."""
    with ExtractorPool() as pool:
        return pool.report()


def _fork_command(limits: Limits, *, is_probe: bool = False) -> dict[str, Any]:
    return {"do": "fork", "limits": asdict(limits), "probe": is_probe}


def _unusable(reason: str, code: str = "reader_failed") -> Outcome:
    return Outcome("unreadable", reason=reason, reason_code=code)


def _environment() -> dict[str, str]:
    """Nothing of the node's environment: it may hold secrets. One thread per library: forking needs it."""
    return {
        "PATH": os.defpath,
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "HOME": "/nonexistent",
        "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "ARROW_DEFAULT_MEMORY_POOL": "system",
    }


def _open_input(path: Path) -> int:
    """Open the input; a copy in memory when the unprivileged child could not open it again."""
    source = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    facts = os.fstat(source)
    if facts.st_uid == os.geteuid() or facts.st_mode & 0o004:
        return source
    copy = os.memfd_create("input", os.MFD_CLOEXEC)
    with os.fdopen(source, "rb") as reading:
        while piece := reading.read(1 << 20):
            os.write(copy, piece)
    return copy


def _receive(channel: socket.socket, deadline: float, count: int) -> bytes:
    """Exactly ``count`` bytes, or fewer when the other side ended.

    Raises:
        TimeoutError: the deadline passed.
    """
    pieces = bytearray()
    poller = select.poll()
    poller.register(channel, select.POLLIN)
    while len(pieces) < count:
        left = deadline - time.monotonic()
        if left <= 0 or not poller.poll(left * 1000):
            raise TimeoutError
        try:
            piece = channel.recv(min(count - len(pieces), 1 << 20))
        except ConnectionResetError:
            break
        if not piece:
            break
        pieces += piece
    return bytes(pieces)
