"""The side of a worker for conversions: hands out the files, takes the Parquet bytes, believes nothing."""

from __future__ import annotations

import json
import os
import socket
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from tsunagu.formats.converting.surprises import ColumnChangedError, SourceFailedError
from tsunagu.formats.converting.types import TableProfile
from tsunagu.formats.errors import ConversionError
from tsunagu.formats.sandbox import plumbing, wire
from tsunagu.formats.sandbox.pool import ExtractorPool
from tsunagu.formats.types import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tsunagu.formats.converting.types import TablePlan
    from tsunagu.formats.sandbox.pool import _Child
    from tsunagu.formats.types import Limits


class Converter(ExtractorPool):
    """Makes tables behind the walls that files are read behind; a context manager, as the pool is.

    The process that parses is given open files and a channel and nothing else, so what comes out of it is as
    untrusted as what went in: the caller hashes the bytes itself, and the profile is checked for its form.
    """

    def __init__(self, *, limits: Limits | None = None) -> None:
        super().__init__(limits=limits)
        self._ready: set[tuple[int, str]] = set()

    def convert(
        self,
        plan: TablePlan,
        open_file: Callable[[int], AbstractContextManager[Path]],
        sink: Callable[[bytes], object],
        *,
        limits: Limits,
    ) -> TableProfile:
        """One attempt at a table; see ``converting.attempts.settle`` for several.

        Args:
            plan: What is wanted.
            open_file: Where the bytes of a source lie while it is read.
            sink: Takes the Parquet file piece by piece.
            limits: For the whole table.

        Raises:
            ColumnChangedError, SourceFailedError: the next attempt gets further.
            ConversionError: the reader is not there, or no file can be blamed.
            SandboxError: no process can be started.
        """
        with self._lock:
            self._prepare(plan.reader)
            child = self._take(limits)
            try:
                return _Talk(self, child, plan, open_file, sink).run()
            finally:
                self._kill(child)
                child.close()

    def _prepare(self, reader: str) -> None:
        self._started()
        if (self._generation, reader) in self._ready:
            return
        self._collect_spare()
        answer, _ = self._ask({"do": "load", "reader": reader, "rows": True}, within_s=120.0)
        if problem := answer.get("error"):
            raise ConversionError(f"The reader {reader} could not be started: {problem}")
        # A child that was made ahead does not have it.
        self._generation += 1
        self._ready = {(self._generation, one) for _, one in self._ready} | {(self._generation, reader)}


class _Talk:
    """One conversation with one child."""

    def __init__(
        self,
        pool: Converter,
        child: _Child,
        plan: TablePlan,
        open_file: Callable[[int], AbstractContextManager[Path]],
        sink: Callable[[bytes], object],
    ) -> None:
        self.pool, self.child, self.plan = pool, child, plan
        self.open_file, self.sink = open_file, sink
        self.deadline = time.monotonic() + child.limits.wall_s
        self.asked = -1

    def run(self) -> TableProfile:
        """Answer until the last frame."""
        self._begin()
        receive = partial(plumbing.receive, self.child.channel, self.deadline)
        while True:
            try:
                frame = wire.unpack(receive, cap=self.child.limits.result_bytes)
            except TimeoutError:
                raise self._failed(
                    f"Making the table took more than {self.child.limits.wall_s:g} seconds, which is the limit.",
                    "out_of_time",
                ) from None
            except wire.FrameError as error:
                raise self._failed(
                    f"The reader gave an unusable answer: {error}.", "reader_failed"
                ) from error
            if frame is None:
                said: Outcome = self.pool._post_mortem(self.child)  # noqa: SLF001 - of the class next door
                raise self._failed(said.reason, said.reason_code)
            message, blobs = frame
            if "piece" in blobs:
                self.sink(blobs["piece"])
            elif "next" in message:
                self._hand_out(message["next"])
            else:
                return self._result(message)

    def _begin(self) -> None:
        file = os.memfd_create("plan", os.MFD_CLOEXEC)
        try:
            with os.fdopen(os.dup(file), "wb") as writing:
                writing.write(json.dumps(self.plan.as_json()).encode())
            os.lseek(file, 0, os.SEEK_SET)
            socket.send_fds(self.child.channel, [b'{"convert": true}'], [file])
        finally:
            os.close(file)

    def _hand_out(self, index: Any) -> None:
        """Files go out once each and in order; whoever asks otherwise is no reader of ours."""
        if index != self.asked + 1 or index >= len(self.plan.sources):
            raise self._failed("The reader asked for a file that is not its own.", "reader_failed")
        self.asked = index
        with self.open_file(index) as path:
            source = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                socket.send_fds(self.child.channel, [b"file"], [source])
            finally:
                os.close(source)

    def _result(self, message: dict[str, Any]) -> TableProfile:
        try:
            match message:
                case {"done": done}:
                    return TableProfile.from_json(done)
                case {"changed": [str(column), int(source), str(reason), bool(is_text)]}:
                    if column in {one.name for one in self.plan.columns} and source == self.asked:
                        raise ColumnChangedError(column, source=source, reason=reason, is_text=is_text)
                case {"failed": [int(source), str(reason), str(code)]} if source == self.asked:
                    raise SourceFailedError(source, reason=reason, code=code)
        except ValueError as error:
            raise self._failed(str(error), "reader_failed") from error
        raise self._failed("The reader gave an answer that makes no sense.", "reader_failed")

    def _failed(self, reason: str, code: str) -> Exception:
        """What broke is the file that was being read, as far as anybody can tell."""
        if self.asked < 0:
            return ConversionError(reason)
        return SourceFailedError(self.asked, reason=reason, code=code)
