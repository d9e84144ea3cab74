"""The side of the node for questions: hands out ranges of the named files, believes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tsunagu.formats.errors import QueryFailedError, SandboxError
from tsunagu.formats.querying.types import Answer, ColumnCard, Question, TableCard
from tsunagu.formats.sandbox import wire
from tsunagu.formats.sandbox.tasks import BrokenTaskError, Conversation, TaskPool

if TYPE_CHECKING:
    from collections.abc import Callable

    from tsunagu.formats.types import Limits

    Read = Callable[[int, int, int], bytes]

_MOST_RANGE = 64 << 20


class Querier(TaskPool):
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
        try:
            return self.do(
                question.as_json(),
                kind="query",
                needs={"reader": "", "query": True},
                limits=limits,
                act=lambda said: _Talk(said, question, read).run(),
            )
        except BrokenTaskError as error:
            if error.code == "not_loaded":
                raise SandboxError(f"DuckDB could not be started: {error.reason}") from error
            raise QueryFailedError(_WORDS.get(error.code, error.reason), reason=error.code) from error


class _Talk:
    """One question to one child."""

    def __init__(self, said: Conversation, question: Question, read: Read) -> None:
        self.said, self.read = said, read
        self.sizes = [size for table in question.tables for size in table.sizes]

    def run(self) -> list[TableCard] | Answer:
        """Hand out ranges until the last frame."""
        for message, _ in self.said.frames():
            if "read" not in message:
                return self._result(message)
            self._hand_out(message["read"])
        raise AssertionError("frames end with a result or an error")

    def _hand_out(self, wanted: Any) -> None:
        match wanted:
            case [int(number), int(start), int(count)] if 0 <= number < len(self.sizes):
                fits = 0 <= start <= start + count <= self.sizes[number] and count <= _MOST_RANGE
            case _:
                fits = False
        blobs = {}
        if fits:
            blobs["bytes"] = self.read(*wanted)
        channel = self.said.channel
        channel.settimeout(self.said.left_s)
        try:
            channel.sendall(wire.pack({}, blobs))
        except OSError:
            return  # it ended; the next frame says how
        finally:
            channel.settimeout(None)

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
    "out_of_time": "The query took longer than it may; ask for fewer rows or columns.",
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
