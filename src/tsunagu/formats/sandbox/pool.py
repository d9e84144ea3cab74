"""The side of a worker: hands one file after the other to fresh, walled-in processes."""

from __future__ import annotations

import contextlib
import json
import os
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
from tsunagu.formats.sandbox import plumbing, wire
from tsunagu.formats.sandbox.walls import WALL_DETAILS, SandboxReport, Wall
from tsunagu.formats.types import Limits, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

_MESSAGE_BYTES = 65536
_START_S = 60.0
_LOAD_S = 120.0
# Files of one group that one process reads in a row, and up to which size: larger ones pay a fork easily.
_GROUP_FILES = 256
_GROUP_BYTES = 32 << 20


@dataclass(slots=True)
class _Child:
    pid: int
    pidfd: int
    channel: socket.socket
    limits: Limits
    generation: int
    group: str | None = None
    served: int = 0

    def close(self) -> None:
        """Let it go; a child that waits for a job ends by itself when its channel closes."""
        self.channel.close()
        os.close(self.pidfd)


class ZygoteGoneError(Exception):
    """The forking process ended or does not answer; a new one is started."""


class ExtractorPool:
    """Reads untrusted files in processes behind walls; keep one pool per worker process.

    Use as a context manager. The process behind it starts with the first file and is replaced when it dies.
    Calls from several threads are served one after the other.

    Each file gets a fresh process, unless the caller names a ``group``: files of one group (one dataset, whose
    members may change each other's files anyway) share a process for up to 256 files. No file is called
    unreadable but by a fresh process, and one whose verdict a fresh one does not share is never used again; so
    what a hostile file could do to the next one stays inside its group.

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
        self._kept: _Child | None = None
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
        self,
        path: Path | str,
        *,
        name: str,
        sha256: str | None = None,
        limits: Limits | None = None,
        group: str | None = None,
    ) -> Outcome:
        """The outcome for the file at ``path``; never raises for what is in the file.

        Args:
            path: Where the bytes are (a stored object without an ending is fine).
            name: The file's name as the researcher knows it; a hint for choosing the reader.
            sha256: Kept with the outcome; not computed here.
            limits: Other limits for this file.
            group: Whose files may share a process with this one; without it the process is fresh.

        Raises:
            SandboxError: the child process cannot be started at all.
        """
        try:
            source = plumbing.open_input(Path(path), most_in_memory=_GROUP_BYTES if group else 0)
        except OSError as error:
            reason = f"The file could not be opened: {error.strerror}."
            return Outcome("unreadable", reason=reason, reason_code="not_accessible", input_sha256=sha256)
        try:
            is_small = os.fstat(source).st_size <= _GROUP_BYTES
            found = self._extract(source, name, limits or self.limits, group if is_small else None)
            return replace(found, input_sha256=sha256)
        finally:
            os.close(source)

    def extract_bytes(
        self,
        data: bytes,
        *,
        name: str,
        sha256: str | None = None,
        limits: Limits | None = None,
        group: str | None = None,
    ) -> Outcome:
        """The same for bytes in memory, for example a small file out of a pack."""
        source = os.memfd_create("input", os.MFD_CLOEXEC)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(source, view) :]
            found = self._extract(source, name, limits or self.limits, group)
            return replace(found, input_sha256=sha256)
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
                child.close()
            held = answer[0].get("walls", {}) if isinstance(answer, tuple) else {}
        return SandboxReport(
            tuple(Wall(name, bool(held.get(name)), detail) for name, detail in WALL_DETAILS.items())
        )

    def problems(self) -> tuple[str, ...]:
        """One sentence for each installed reader that cannot be used."""
        with self._lock:
            return tuple(self._hello()["problems"])

    # One file

    def _extract(self, source: int, name: str, limits: Limits, group: str | None) -> Outcome:
        with self._lock:
            for attempt in (1, 2, 3):
                try:
                    return self._once(source, name, limits, group)
                except ZygoteGoneError as error:
                    self._stop()
                    if attempt == 3:  # noqa: PLR2004 - two fresh starts failed: no use in a third
                        raise SandboxError(
                            f"The process that reads files cannot be kept alive: {error}"
                        ) from error
        raise AssertionError

    def _once(self, source: int, name: str, limits: Limits, group: str | None) -> Outcome:
        started = time.monotonic()
        child, self._kept = self._kept, None
        outcome: Outcome | None = None
        if child is not None and (group is None or child.group != group or child.limits != limits):
            child.close()
            child = None
        if child is not None:
            outcome = self._ask_kept(child, name, source)
        if outcome is None or outcome.status == "unreadable":
            # Never condemned by a process that has read other files; when a fresh one agrees, both are sound.
            doubted, outcome = outcome, self._from_fresh(source, name, limits, group)
            if child is not None and doubted is not None and _agree(doubted, outcome):
                self._keep(child)
            elif child is not None:
                child.close()
        elif child is not None:
            self._keep(child)
        return replace(outcome, duration_s=round(time.monotonic() - started, 6))

    def _ask_kept(self, child: _Child, name: str, source: int) -> Outcome | None:
        """The answer of a process that has read files of this group before; ``None`` when it has none to give."""
        try:
            answer = self._answer(child, {"name": name, "group": True}, source)
        except ZygoteGoneError:
            return None
        return answer if isinstance(answer, Outcome) else None

    def _from_fresh(self, source: int, name: str, limits: Limits, group: str | None) -> Outcome:
        tried: set[str] = set()
        while True:
            child = self._take(limits)
            child.group = group
            try:
                answer = self._answer(child, {"name": name, "group": group is not None}, source)
            except ZygoteGoneError:
                child.close()
                raise
            if isinstance(answer, Outcome):
                if group is not None and answer.status != "unreadable":
                    self._keep(child)
                else:
                    child.close()
                return answer
            child.close()
            problem = "it is never ready" if answer in tried else self._load(answer)
            tried.add(answer)
            if problem:
                reason = f"The reader {answer} could not be started: {problem}"
                return Outcome("unreadable", reader=answer, reason=reason, reason_code="reader_failed")

    def _keep(self, child: _Child) -> None:
        """Keep a process for the next file of its group, unless it has read its share."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None
        child.served += 1
        if child.served < _GROUP_FILES:
            self._kept = child
        else:
            child.close()

    def _answer(self, child: _Child, job: dict[str, Any], source: int) -> Outcome | str:
        """The outcome, or the name of the reader that has to be loaded first."""
        answer = self._job(child, job, source)
        if isinstance(answer, Outcome):
            return answer
        message, blobs = answer
        if isinstance(message.get("need"), str):
            return str(message["need"])
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
            socket.send_fds(child.channel, [json.dumps(job).encode()], [source])
        except OSError as error:
            raise ZygoteGoneError(str(error)) from error
        self._fork_ahead(child.limits)
        try:
            answer = wire.unpack(
                partial(plumbing.receive, child.channel, deadline), cap=child.limits.result_bytes
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
            try:
                answer, descriptors = self._ask(_fork_command(limits, is_probe=is_probe), [theirs.fileno()])
            except ZygoteGoneError:
                ours.close()
                raise
        return _Child(answer["pid"], descriptors[0], ours, limits, self._generation)

    def _fork_ahead(self, limits: Limits) -> None:
        """Ask for the next child while the present one works; the answer is collected later."""
        if self._spare is not None or self._spare_channel is not None or self._control is None:
            return
        ours, theirs = socket.socketpair()
        command = json.dumps(_fork_command(limits)).encode()
        with theirs:
            try:
                socket.send_fds(self._control, [command], [theirs.fileno()])
            except OSError:
                # The present child still works; the next call finds out and starts anew.
                ours.close()
                return
        self._spare_channel = (ours, limits)

    def _collect_spare(self) -> None:
        if self._spare_channel is None:
            return
        (channel, limits), self._spare_channel = self._spare_channel, None
        try:
            answer, descriptors = self._hear(_START_S)
        except ZygoteGoneError:
            channel.close()
            raise
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
            raise ZygoteGoneError(str(error)) from error
        return self._hear(within_s)

    def _hear(self, within_s: float) -> tuple[dict[str, Any], list[int]]:
        assert self._control is not None
        self._control.settimeout(within_s)
        try:
            data, descriptors, _, _ = socket.recv_fds(self._control, _MESSAGE_BYTES, 1)
        except OSError as error:
            raise ZygoteGoneError(str(error) or type(error).__name__) from error
        if not data:
            raise ZygoteGoneError("it ended")
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
                    env=plumbing.environment(),
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
        for child in (self._spare, self._kept):
            if child is not None:
                child.close()
        self._spare = self._kept = None
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


def _agree(one: Outcome, other: Outcome) -> bool:
    return (one.status, one.reason, one.reader) == (other.status, other.reason, other.reader)
