"""The wrapper: fetch the order and the inputs, run the command behind walls, deliver the outputs, report once."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tsunagu.client.errors import NodeRefusedError, UnreachableError
from tsunagu.client.pull import Pull
from tsunagu.client.walk import Skipped, walk
from tsunagu.compute.runner import marks, walls
from tsunagu.compute.runner.line import JobNode, Line, Question
from tsunagu.compute.runner.order import Input, JobFile, Order, Result
from tsunagu.compute.runner.talk import Talk
from tsunagu.compute.runner.watching import Watch
from tsunagu.core.errors import TsunaguError

_LOOK_EVERY_S, _GLANCE_EVERY_S = 0.1, 0.02
_ORDER_WITHIN_S = _DELIVER_WITHIN_S = 900.0
_PIECE = 1 << 16
_SIGNALLED = 128
_PR_SET_CHILD_SUBREAPER = 36
_NOT_RUNNABLE, _NOT_FOUND = 126, 127
_NEARLY = 0.9
_TOO_MUCH = ("disk_full", "machine_full", "too_many_files")  # there is no room for what a server wrote


class _StoppedError(Exception):
    """SIGTERM: the job was cancelled, or its machine stops."""


class _FailedError(Exception):
    """The job cannot succeed any more."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code, self.facts = code, facts


def _adopt() -> None:
    """Have orphans come to this process: bwrap does not wait for the first process of its space, which knows the sums."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _left_by_children() -> tuple[float, int]:
    """CPU time of all that ended below this process, and the most memory that one of them held; waits for the last."""
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait4(-1, 0)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime, used.ru_maxrss * 1024


class Work:
    """One job from its order to its result.

    Args:
        line: To control.
        job: Whose folder holds its files; what is in it goes away at the end, but for the result.
        no_walls: Why nothing can be walled in here; empty when it can be.
        booked: What a scheduler keeps free for it.
        asked: The order, where it was asked for already.
    """

    def __init__(
        self,
        line: Line,
        job: JobFile,
        no_walls: str = "",
        booked: Mapping[str, Any] | None = None,
        asked: Question | None = None,
    ) -> None:
        self._no_walls = no_walls
        self._booked = booked or {}
        self._asked = asked
        self._pages: list[dict[str, Any]] = []
        self._line = line
        self._job = job
        self._folder = Path(job.folder)
        self._output = self._folder / marks.OUT_FOLDER
        self._is_over = self._has_served = False
        self._talk: Talk | None = None
        self._result = Result("stopped")

    def run(self) -> int:
        """Do it; 0 when control heard how it ended."""
        _adopt()
        signal.signal(signal.SIGTERM, self._stop)
        code, facts = "ok", dict[str, Any]()
        try:
            facts = self._all()
        except _StoppedError:
            code = "cancelled" if self._line.is_cancelled else "stopped"
            if (self._folder / marks.WITHDRAWN_FILE).exists():
                code = "withdrawn"
        except _FailedError as error:
            code, facts = error.code, error.facts
        except TsunaguError as error:
            code, facts = "refused", {"why": error.message, "error": error.code}
        except OSError as error:
            code, facts = "machine_failed", {"why": str(error)}
        self._is_over = True
        return self._report(replace(self._result, code=code, facts=facts))

    def _stop(self, *_: object) -> None:
        if not self._is_over:
            self._is_over = True  # one exception is enough
            raise _StoppedError

    def _all(self) -> dict[str, Any]:
        """Everything; what is to be said of a job that succeeded."""
        if self._no_walls:
            raise _FailedError("no_sandbox", why=self._no_walls)
        order = self._order()
        bounds = self._job.bounds
        host = {**_host(), **({"booked": dict(self._booked)} if self._booked else {})}
        if bounds:
            host["run"] = bounds.guest
        self._result = replace(self._result, in_force=walls.in_force(), host=host)
        if bounds and (limit := bounds.exceeded(order)):
            raise _FailedError("refused", why=f"more was ordered than was granted: {limit}")
        self._talk = Talk(self._line, order.limits.log_bytes)
        self._talk.start()
        # A wrapper before this one died with its server: what people wrote there is what is left to do.
        is_rescue = order.serves and self._output.is_dir()
        ended = "machine_failed" if is_rescue else self._execute(order, self._fetch(order))
        outputs, left_out = scan(self._output, most_files=order.limits.file_count)
        self._result = replace(
            self._result,
            outputs=outputs,
            left_out=left_out,
            output_bytes=sum(size for _path, size, _sha256 in outputs),
        )
        if outputs:
            self._deliver(order)
        return {"ended": ended} if order.serves else {}

    def _order(self) -> Order:
        """The order; a scheduler may start this while control is away for a moment."""
        deadline = time.monotonic() + _ORDER_WITHIN_S
        while True:
            try:
                asked, self._asked = self._asked, None
                said = asked.answer() if asked else self._line.say("order")
                self._pages = list(said.get("pages") or ())
                return Order.of(said)
            except UnreachableError:
                if time.monotonic() > deadline:
                    raise

    # Inputs

    def _fetch(self, order: Order) -> walls.Mounts:
        self._output.mkdir()
        inputs = {one.place: self._pull(one, f"in/{number}") for number, one in enumerate(order.inputs)}
        code = self._pull(order.code, "code") if order.code else None
        if code is not None and order.code is not None and order.code.is_bundle:
            code = self._checked_out(order, code)
        environment = Path(self._job.environment) if order.environment else None
        if environment is not None and not (self._job.environment and environment.is_dir()):
            raise _FailedError(
                "no_environment", why=f"{environment} is not on the machine {os.uname().nodename}."
            )
        door = self._folder / marks.DOOR_FOLDER if order.serves else None
        if door is not None:
            door.mkdir()
        return walls.Mounts(inputs, self._output, code, environment, door)

    def _pull(self, wanted: Input, name: str) -> Path:
        destination = self._folder / name
        destination.mkdir(parents=True)
        node = JobNode(self._line, self._pages)
        with contextlib.closing(node):
            pull = Pull(
                node,
                wanted.place,
                str(destination),
                version=wanted.version,
                prefix=wanted.prefix,
                remembers=False,
            )
            report = pull.run()
        if report.problems:
            first = report.problems[0]
            raise _FailedError("input_unusable", path=f"{wanted.place}: {first['path']}", why=first["reason"])
        self._result = replace(self._result, input_bytes=self._result.input_bytes + report.fetched_bytes)
        below = destination / wanted.folder if wanted.folder else destination
        if not below.exists():
            raise _FailedError(
                "input_unusable", path=f"{wanted.place}/{wanted.folder}", why="it is not there"
            )
        return below

    def _checked_out(self, order: Order, bundle: Path) -> Path:
        """What a git bundle holds at its HEAD; git reads it behind the same walls as the job."""
        place = self._folder / "checked-out"
        place.mkdir()
        command = ("git", "clone", "--quiet", f"{walls.IN}/{bundle.name}", f"{walls.OUT}/code")
        mounts = walls.Mounts({"code/bundle": bundle.parent}, place)
        with walls.started(command, mounts, order.limits, {}) as process:
            watch = Watch(process.pid, place, order.limits)
            while process.poll() is None:
                if broken := watch.exceeded():
                    raise _FailedError(broken)
                time.sleep(_LOOK_EVERY_S)
            assert process.stdout is not None
            said = process.stdout.read(_PIECE)
        if process.returncode or not [one for one in (place / "code").iterdir() if one.name != ".git"]:
            why = said[-500:].decode("utf-8", "replace").strip() or "it has no HEAD"
            raise _FailedError("input_unusable", path=bundle.name, why=why)
        return place / "code"

    # The command

    def _execute(self, order: Order, mounts: walls.Mounts) -> str:
        """Run it to its end; of a server, why it ended."""
        assert self._talk is not None
        began = time.time()
        with walls.started(order.command, mounts, order.limits, variables(order)) as process:
            watch = Watch(process.pid, self._output, order.limits)
            broken = "interrupted"
            try:
                broken = self._follow(process, watch)
            except _StoppedError:
                if not order.serves or self._line.is_cancelled:
                    raise
                # The machine stops. What people wrote waits here until control is back to take it.
                self._is_over, broken = False, "stopped"
            finally:
                if broken:
                    walls.end(process.pid)  # not yet waited for, so the number is still its own
                _pid, status, _used = os.wait4(process.pid, 0)
                ended = process.returncode = os.waitstatus_to_exitcode(status)
                cpu_s, most_memory = _left_by_children()
                self._result = replace(
                    self._result,
                    exit_code=ended if 0 <= ended <= _SIGNALLED else None,
                    signal=ended - _SIGNALLED if ended > _SIGNALLED else max(0, -ended),
                    cpu_s=round(max(watch.cpu_s, cpu_s), 3),
                    peak_memory_bytes=max(watch.peak_memory_bytes, most_memory),
                    duration_s=round(watch.duration_s, 3),
                    started_at_s=round(began, 3),
                )
        broken = broken or watch.disk_exceeded()
        return self._kept(broken) or self._judge(order, broken)

    def _follow(self, process: Any, watch: Watch) -> str:
        """Read what the job prints until it ends; which limit it broke."""
        assert self._talk is not None
        pipe, next_look = process.stdout.fileno(), 0.0
        poller = select.poll()
        poller.register(pipe, select.POLLIN)
        while True:
            if poller.poll(_GLANCE_EVERY_S * 1000):
                piece = os.read(pipe, _PIECE)
                if not piece:  # every process of the job has let go of it, so bwrap is about to end
                    return ""
                self._talk.take(piece)
            if time.monotonic() >= next_look or watch.is_crowded():
                began = time.monotonic()
                if broken := watch.exceeded() or self._told():
                    return broken
                # On a machine with very many processes looking is dear: at most a tenth of the time goes there.
                next_look = time.monotonic() + max(_LOOK_EVERY_S, 9 * (time.monotonic() - began))

    def _told(self) -> str:
        """Why a server shall end now; empty while it may go on."""
        if not self._has_served:
            door = self._folder / marks.DOOR_FOLDER
            self._has_served = door.is_dir() and any(door.iterdir())
            return ""
        with contextlib.suppress(OSError):
            return (self._folder / marks.FINISH_FILE).read_text("utf-8")[:40] or "finished"
        return ""

    def _kept(self, broken: str) -> str:
        """Why a server ended, when what was written to it is to be kept; empty when the end is judged like any other."""
        if not self._has_served or broken in _TOO_MUCH:
            return ""
        return broken or ("signal" if self._result.signal else "closed")

    def _judge(self, order: Order, broken: str) -> str:
        found, limits = self._result, order.limits
        if not broken and found.signal == signal.SIGXCPU:
            broken = "out_of_time"
        if not broken and found.signal == signal.SIGXFSZ:
            broken = "disk_full"
        if not broken and found.exit_code != 0 and found.peak_memory_bytes > _NEARLY * limits.memory_bytes:
            broken = "out_of_memory"
        if broken:
            raise _FailedError(broken)
        if found.signal:
            raise _FailedError("signal", signal=found.signal)
        if found.exit_code in {_NOT_RUNNABLE, _NOT_FOUND}:
            raise _FailedError("missing_program", program=order.command[0])
        if found.exit_code:
            raise _FailedError("exit", exit_code=found.exit_code)
        return ""

    # Outputs

    def _deliver(self, order: Order) -> None:
        deadline = time.monotonic() + _DELIVER_WITHIN_S
        while True:
            try:
                return self._push(order)
            except NodeRefusedError as error:
                if error.code != "compute.output_busy" or time.monotonic() > deadline:
                    raise
            except UnreachableError:  # control starts anew; what arrived is kept
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.5)

    def _push(self, order: Order) -> None:
        from tsunagu.client.push import Push  # no job waits for this before it starts

        node = JobNode(self._line)
        with contextlib.closing(node):
            push = Push(
                node, order.output, str(self._output), cache=str(self._folder / "cache"), create=False
            )
            report = push.run()
        if report.problems:
            first = report.problems[0]
            raise _FailedError("bad_output", path=first.path, why=first.reason)

    # The result

    def _report(self, result: Result) -> int:
        """Leave the signed result beside the outputs, then tell control; 0 when it heard."""
        if self._talk is not None:
            with contextlib.suppress(TsunaguError):
                self._talk.end()
        for name in ("in", marks.OUT_FOLDER, "code", "checked-out", "cache", marks.DOOR_FOLDER):
            marks.remove(self._folder / name)
        body, signature = self._line.message("result", result=result.as_json())
        kept = self._folder / f".{marks.RESULT_FILE}"
        kept.write_text(json.dumps({"body": body.decode(), "signature": signature}), "utf-8")
        kept.rename(self._folder / marks.RESULT_FILE)
        try:
            self._line.say("result", result=result.as_json())
        except TsunaguError as error:
            sys.stderr.write(f"Control did not hear the result: {error.code}\n")
            return 1
        return 0


def variables(order: Order) -> dict[str, str]:
    """The environment of the command beyond what the walls set."""
    found = {
        "TSUNAGU_RUN": order.run,
        "TSUNAGU_IN": walls.IN,
        "TSUNAGU_INPUTS": walls.INPUTS,
        "TSUNAGU_OUT": walls.OUT,
        "TSUNAGU_PARAMETERS": json.dumps(dict(order.parameters), ensure_ascii=False),
        "OMP_NUM_THREADS": str(order.limits.cores),
    }
    if order.code is not None:
        found["TSUNAGU_CODE"] = walls.CODE
    if order.serves:
        found["TSUNAGU_DOOR"] = walls.DOOR
    for name, value in order.parameters.items():
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        found[f"TSUNAGU_PARAM_{name.upper()}"] = shown
    return found


def scan(folder: Path, *, most_files: int) -> tuple[tuple[tuple[str, int, str], ...], tuple[str, ...]]:
    """Every file of the output with its hash, and what is left out (links, temporary files).

    Raises:
        _FailedError: a name cannot stand in a dataset, or there are too many files.
    """
    skipped: list[Skipped] = []
    found: list[tuple[str, int, str]] = []
    for file in walk(str(folder), skipped.append):
        if len(found) >= most_files:
            raise _FailedError("too_many_files")
        descriptor = os.open(file.native, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as content:
            found.append((file.path, file.size, hashlib.file_digest(content, "sha256").hexdigest()))
    problem = next((one for one in skipped if one.kind == "problem"), None)
    if problem is not None:
        raise _FailedError("bad_output", path=printable(problem.path), why=problem.reason)
    return tuple(sorted(found)), tuple(sorted(printable(one.path) for one in skipped)[:100])


def printable(path: str) -> str:
    """A path for a sentence: what is no text or no printing character is shown as its code."""
    text = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _host() -> Mapping[str, Any]:
    machine = os.uname()
    return {
        "system": machine.sysname,
        "release": machine.release,
        "machine": machine.machine,
        "cores": os.cpu_count() or 1,
    }
