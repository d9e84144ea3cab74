"""The side of a worker for conversions: hands out the files, takes what is made of them, believes nothing."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any, Generic, TypeGuard, TypeVar

from tsunagu.formats.arrays.types import METADATA, StoreProfile
from tsunagu.formats.converting.surprises import ColumnChangedError, SourceFailedError
from tsunagu.formats.converting.types import TableProfile
from tsunagu.formats.errors import ConversionError
from tsunagu.formats.sandbox.tasks import BrokenTaskError, Conversation, TaskPool

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tsunagu.formats.arrays.types import StorePlan
    from tsunagu.formats.converting.types import TablePlan
    from tsunagu.formats.types import Limits

MOST_FILES = 200_000  # of a store
_PATH_BYTES = 1024
P = TypeVar("P")


class Converter(TaskPool):
    """Makes tables behind the walls that files are read behind; a context manager, as the pool is.

    The process that parses is given open files and a channel and nothing else, so what comes out of it is as
    untrusted as what went in: the caller hashes the bytes itself, and the profile is checked for its form.
    """

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
        needs = {"reader": plan.reader, "rows": True}
        try:
            return self.do(
                plan.as_json(),
                kind="convert",
                needs=needs,
                limits=limits,
                act=lambda said: _TableTalk(said, plan, open_file, sink).run(),
            )
        except BrokenTaskError as error:
            raise ConversionError(f"The reader {plan.reader} could not be started: {error.reason}") from error

    def make_store(
        self,
        plan: StorePlan,
        open_file: Callable[[int], AbstractContextManager[Path]],
        sink: Callable[[str, bytes], object],
        *,
        limits: Limits,
    ) -> StoreProfile:
        """One attempt at a store of arrays; see ``arrays.attempts.settle_store`` for several.

        Args:
            plan: What is wanted.
            open_file: Where the bytes of a source lie while it is read.
            sink: Takes the files of the store: a path in it, which nothing leads out of, and pieces in a row.
            limits: For the whole store.

        Raises:
            SourceFailedError: the next attempt gets further.
            ConversionError: the reader is not there, or no file can be blamed.
            SandboxError: no process can be started.
        """
        try:
            return self.do(
                plan.as_json(),
                kind="store",
                needs={"reader": plan.reader, "arrays": True},
                limits=limits,
                act=lambda said: _StoreTalk(said, plan, open_file, sink).run(),
            )
        except BrokenTaskError as error:
            raise ConversionError(f"The reader {plan.reader} could not be started: {error.reason}") from error


class _Talk(Generic[P]):
    """One conversation about one thing that is made."""

    def __init__(
        self, said: Conversation, plan: Any, open_file: Callable[[int], AbstractContextManager[Path]]
    ) -> None:
        self.said, self.plan, self.open_file = said, plan, open_file
        self.asked = -1

    def _take(self, message: dict[str, Any], piece: bytes) -> None:
        raise NotImplementedError

    def _result(self, message: dict[str, Any]) -> P:
        raise NotImplementedError

    def run(self) -> P:
        """Answer until the last frame."""
        try:
            for message, blobs in self.said.frames():
                if "piece" in blobs:
                    self._take(message, blobs["piece"])
                elif "next" in message:
                    self._hand_out(message["next"])
                else:
                    return self._result(message)
        except BrokenTaskError as error:
            raise self._failed(error.reason, error.code) from error
        raise AssertionError("frames end with a result or an error")

    def _hand_out(self, index: Any) -> None:
        """Files go out once each and in order; whoever asks otherwise is no reader of ours."""
        if index != self.asked + 1 or index >= len(self.plan.sources):
            raise self._failed("The reader asked for a file that is not its own.", "reader_failed")
        self.asked = index
        with self.open_file(index) as path:
            source = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                socket.send_fds(self.said.channel, [b"file"], [source])
            finally:
                os.close(source)

    def _failed(self, reason: str, code: str) -> Exception:
        """What broke is the file that was being read, as far as anybody can tell."""
        if self.asked < 0:
            return ConversionError(reason)
        return SourceFailedError(self.asked, reason=reason, code=code)


class _TableTalk(_Talk[TableProfile]):
    """About a table."""

    def __init__(
        self,
        said: Conversation,
        plan: TablePlan,
        open_file: Callable[[int], AbstractContextManager[Path]],
        sink: Callable[[bytes], object],
    ) -> None:
        super().__init__(said, plan, open_file)
        self._sink = sink

    def _take(self, message: dict[str, Any], piece: bytes) -> None:
        del message
        self._sink(piece)

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


class _StoreTalk(_Talk[StoreProfile]):
    """About a store of arrays."""

    def __init__(
        self,
        said: Conversation,
        plan: StorePlan,
        open_file: Callable[[int], AbstractContextManager[Path]],
        sink: Callable[[str, bytes], object],
    ) -> None:
        super().__init__(said, plan, open_file)
        self._sink = sink
        self._current = ""
        self._paths: set[str] = set()

    def _take(self, message: dict[str, Any], piece: bytes) -> None:
        path: Any = message.get("path")
        if path != self._current:
            if not _is_inside(path) or path in self._paths or len(self._paths) >= MOST_FILES:
                raise self._failed("The reader wrote a file that has no place in a store.", "reader_failed")
            self._paths.add(path)
            self._current = path
        self._sink(path, piece)

    def _result(self, message: dict[str, Any]) -> StoreProfile:
        try:
            match message:
                case {"done": done} if METADATA in self._paths:
                    return StoreProfile.from_json(done)
                case {"failed": [int(source), str(reason), str(code)]} if source == self.asked:
                    raise SourceFailedError(source, reason=reason, code=code)
        except ValueError as error:
            raise self._failed(str(error), "reader_failed") from error
        raise self._failed("The reader gave an answer that makes no sense.", "reader_failed")


def _is_inside(path: Any) -> TypeGuard[str]:
    """Whether a path of a file stays in its store, whatever wrote it."""
    if not isinstance(path, str) or len(path.encode("utf-8", "replace")) > _PATH_BYTES:
        return False
    return path.isprintable() and "\\" not in path and all(part.strip(".") for part in path.split("/"))
