"""The side of the node for questions: hands out ranges of the named files, believes nothing."""

from __future__ import annotations

import json
import os
import socket
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from tsunagu.formats.errors import QueryFailedError, SandboxError
from tsunagu.formats.querying.types import Answer, ColumnCard, Question, TableCard
from tsunagu.formats.sandbox import plumbing, wire
from tsunagu.formats.sandbox.pool import ExtractorPool

if TYPE_CHECKING:
    from collections.abc import Callable

    from tsunagu.formats.sandbox.pool import _Child
    from tsunagu.formats.types import Limits

    Read = Callable[[int, int, int], bytes]

_MOST_RANGE = 64 << 20


class Querier(ExtractorPool):
    """Answers questions about Parquet files behind the walls that files are read behind; a context manager."""

    def ask(self, question: Question, read: Read, *, limits: Limits) -> list[TableCard] | Answer:
        """The tables of a ``describe``, or the rows of a ``query``.

        Args:
            question: What is asked.
            read: Bytes of a file: its number through all tables, start, count.
            limits: For the whole question.

        Raises:
            QueryFailedError: the query is wrong or costs too much, in words for whoever asked.
            SandboxError: no process can be started.
        """
        with self._lock:
            self._prepare()
            child = self._take(limits)
            try:
                return _Talk(self, child, question, read).run()
            finally:
                self._kill(child)
                child.close()

    def _prepare(self) -> None:
        self._started()
        if getattr(self, "_ready", 0) == self._generation:
            return
        self._collect_spare()
        answer, _ = self._ask({"do": "load", "reader": "", "query": True}, within_s=120.0)
        if problem := answer.get("error"):
            raise SandboxError(f"DuckDB could not be started: {problem}")
        self._generation += 1
        self._ready = self._generation


class _Talk:
    """One question to one child."""

    def __init__(self, pool: Querier, child: _Child, question: Question, read: Read) -> None:
        self.pool, self.child, self.question, self.read = pool, child, question, read
        self.sizes = [size for table in question.tables for size in table.sizes]
        self.deadline = time.monotonic() + child.limits.wall_s

    def run(self) -> list[TableCard] | Answer:
        """Hand out ranges until the last frame."""
        self._begin()
        receive = partial(plumbing.receive, self.child.channel, self.deadline)
        while True:
            try:
                frame = wire.unpack(receive, cap=self.child.limits.result_bytes)
            except TimeoutError:
                limit = f"{self.child.limits.wall_s:g}"
                raise QueryFailedError(
                    f"The query took more than {limit} seconds, which is the limit.", reason="out_of_time"
                ) from None
            except wire.FrameError as error:
                raise QueryFailedError(f"The answer is unusable: {error}.") from error
            if frame is None:
                said = self.pool._post_mortem(self.child)  # noqa: SLF001 - of the class next door
                raise QueryFailedError(_WORDS.get(said.reason_code, said.reason), reason=said.reason_code)
            message, _ = frame
            if "read" not in message:
                return self._result(message)
            self._hand_out(message["read"])

    def _begin(self) -> None:
        file = os.memfd_create("question", os.MFD_CLOEXEC)
        try:
            with os.fdopen(os.dup(file), "wb") as writing:
                writing.write(json.dumps(self.question.as_json()).encode())
            os.lseek(file, 0, os.SEEK_SET)
            socket.send_fds(self.child.channel, [b'{"query": true}'], [file])
        finally:
            os.close(file)

    def _hand_out(self, wanted: Any) -> None:
        match wanted:
            case [int(number), int(start), int(count)] if 0 <= number < len(self.sizes):
                fits = 0 <= start <= start + count <= self.sizes[number] and count <= _MOST_RANGE
            case _:
                fits = False
        blobs = {}
        if fits:
            blobs["bytes"] = self.read(*wanted)
        self.child.channel.settimeout(max(0.1, self.deadline - time.monotonic()))
        try:
            self.child.channel.sendall(wire.pack({}, blobs))
        except OSError:
            return  # it ended; the next frame says how
        finally:
            self.child.channel.settimeout(None)

    def _result(self, message: dict[str, Any]) -> list[TableCard] | Answer:
        try:
            match message:
                case {"tables": [*tables]}:
                    return [_table(one) for one in tables]
                case {"answer": said}:
                    rows = tuple(tuple(row) for row in said["rows"])
                    return Answer(
                        tuple(map(str, said["columns"])),
                        tuple(map(str, said["types"])),
                        rows,
                        bool(said["is_cut"]),
                    )
                case {"problem": str(problem)}:
                    raise QueryFailedError(problem)
        except (KeyError, TypeError) as error:
            raise QueryFailedError("The answer makes no sense.") from error
        raise QueryFailedError("The answer makes no sense.")


_WORDS = {
    "out_of_memory": "The query needs more memory than it may have; ask for fewer rows or columns.",
    "out_of_time": "The query took more computing than it may; ask for fewer rows or columns.",
    "crashed": "The query broke the program that answers it.",
}


def _table(said: dict[str, Any]) -> TableCard:
    columns = tuple(
        ColumnCard(
            str(one["name"]),
            str(one["type"]),
            str(one["unit"]),
            str(one["description"]),
            is_number=bool(one["is_number"]),
        )
        for one in said["columns"]
    )
    return TableCard(str(said["name"]), int(said["row_count"]), columns, str(said["problem"]))
