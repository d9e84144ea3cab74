"""Tasks that are longer than one file: a child is given one as an open file, asks for bytes, and answers by frames."""

from __future__ import annotations

import json
import os
import socket
import time
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from tsunagu.formats.errors import SandboxError
from tsunagu.formats.sandbox import plumbing, wire
from tsunagu.formats.sandbox.pool import ExtractorPool, ZygoteGoneError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tsunagu.formats.sandbox.pool import _Child
    from tsunagu.formats.types import Limits

T = TypeVar("T")
_LOAD_S = 120.0


class BrokenTaskError(Exception):
    """The child did not come to an answer; ``code`` is one of the reason codes of readers."""

    def __init__(self, reason: str, code: str) -> None:
        super().__init__(reason)
        self.reason, self.code = reason, code


class TaskPool(ExtractorPool):
    """A pool whose children do tasks; what they need is loaded once into the process that forks them."""

    def __init__(self, *, limits: Limits | None = None) -> None:
        super().__init__(limits=limits)
        self._ready: set[tuple[int, str]] = set()

    def do(
        self, task: Any, *, kind: str, needs: dict[str, Any], limits: Limits, act: Callable[[Conversation], T]
    ) -> T:
        """Have a fresh child do a task, and end it whatever comes of it.

        Args:
            task: JSON values.
            kind: What the child knows it by.
            needs: What is to be loaded first, as the zygote's ``load`` takes it.
            limits: For the whole task.
            act: Speaks with the child; what it returns is the result.

        Raises:
            BrokenTaskError: what it needs cannot be loaded, or as ``Conversation.frames`` raises.
            SandboxError: no process can be started.
        """
        with self._lock:
            child = self._ready_child(needs, limits)
            try:
                return act(Conversation(self, child, kind, task))
            finally:
                self._kill(child)
                child.close()

    def _ready_child(self, needs: dict[str, Any], limits: Limits) -> _Child:
        for is_last in (False, True):
            try:
                self._load_once(needs)
                return self._take(limits)
            except ZygoteGoneError as error:
                self._stop()
                if is_last:
                    raise SandboxError(
                        f"The process that reads files cannot be kept alive: {error}"
                    ) from error
        raise AssertionError

    def _load_once(self, needs: dict[str, Any]) -> None:
        self._started()
        name = json.dumps(needs, sort_keys=True)
        if (self._generation, name) in self._ready:
            return
        self._collect_spare()
        answer, _ = self._ask({"do": "load", **needs}, within_s=_LOAD_S)
        if problem := answer.get("error"):
            raise BrokenTaskError(str(problem), "not_loaded")
        # A child that was made ahead does not have it; what was loaded before stays.
        kept = {one for generation, one in self._ready if generation == self._generation}
        self._generation += 1
        self._ready = {(self._generation, one) for one in (*kept, name)}

    def how_it_ended(self, child: _Child) -> tuple[str, str]:
        """Reason and code for a child that closed its channel without a last word."""
        said = self._post_mortem(child)
        return said.reason, said.reason_code or "crashed"


class Conversation:
    """What is said with one child.

    Attributes:
        channel: For what is handed out.
        left_s: Seconds until the limit.
    """

    def __init__(self, pool: TaskPool, child: _Child, kind: str, task: Any) -> None:
        self._pool, self._child, self._kind, self._task = pool, child, kind, task
        self._deadline = time.monotonic() + child.limits.wall_s
        self.channel = child.channel

    @property
    def left_s(self) -> float:
        """Seconds until the task's time is over."""
        return max(0.1, self._deadline - time.monotonic())

    def frames(self) -> Iterator[tuple[dict[str, Any], dict[str, bytes]]]:
        """Give the task, then every message with its blobs, for as long as the caller wants more.

        Raises:
            BrokenTaskError: out of time, out of memory, crashed, or no message of ours.
        """
        limits = self._child.limits
        receive = partial(plumbing.receive, self.channel, self._deadline)
        try:
            self._give()
            while (frame := wire.unpack(receive, cap=limits.result_bytes)) is not None:
                yield frame
            raise BrokenTaskError(*self._pool.how_it_ended(self._child))
        except TimeoutError:
            raise BrokenTaskError(
                f"It took more than {limits.wall_s:g} seconds, which is the limit.", "out_of_time"
            ) from None
        except wire.FrameError as error:
            raise BrokenTaskError(f"The answer is unusable: {error}.", "reader_failed") from error
        except (ZygoteGoneError, BrokenPipeError) as error:
            raise BrokenTaskError("The process ended before it answered.", "crashed") from error

    def _give(self) -> None:
        file = os.memfd_create("task", os.MFD_CLOEXEC)
        try:
            with os.fdopen(os.dup(file), "wb") as writing:
                writing.write(json.dumps(self._task).encode())
            os.lseek(file, 0, os.SEEK_SET)
            socket.send_fds(self.channel, [json.dumps({self._kind: True}).encode()], [file])
        finally:
            os.close(file)
