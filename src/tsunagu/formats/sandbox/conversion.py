"""Inside the walls: one table is made, or one store of arrays.

The files come as open descriptors, each when it is asked for; what is made and the profile go out by frames. No file is
opened, and nothing is written but the channel.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import socket
import threading
from typing import TYPE_CHECKING, Any, BinaryIO

from tsunagu.formats.arrays.types import StorePlan
from tsunagu.formats.converting.surprises import ColumnChangedError, SourceFailedError
from tsunagu.formats.converting.types import TablePlan
from tsunagu.formats.sandbox import wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tsunagu.formats.arrays.types import StoreProfile
    from tsunagu.formats.converting.types import TableProfile
    from tsunagu.formats.reader import OpenArrays, OpenRows
    from tsunagu.formats.types import Limits

# Named, not imported: the forking process loads Arrow only when a conversion is asked for.
_CONVERT = "tsunagu.formats.converting.convert"
_MAKE = "tsunagu.formats.arrays.make"


def warm(*, arrays: bool = False) -> None:
    """Import what a conversion needs before any child is made."""
    importlib.import_module(_MAKE if arrays else _CONVERT)


def serve(
    channel: socket.socket, plan_file: int, rows: Mapping[str, OpenRows], limits: Limits, scratch: int
) -> None:
    """Make the table of the plan that the descriptor holds; the last frame says how it went."""
    plan, line = TablePlan.from_json(_read(plan_file)), _Line(channel)
    convert = importlib.import_module(_CONVERT).convert

    def make() -> TableProfile:
        made: TableProfile = convert(
            plan,
            line.ask,
            lambda piece: line.send({}, {"piece": piece}),
            rows=rows[plan.reader],
            limits=limits,
            scratch=os.fdopen(scratch, "w+b"),
        )
        return made

    _answer(line, make)


def serve_store(
    channel: socket.socket, plan_file: int, arrays: Mapping[str, OpenArrays], limits: Limits, scratch: int
) -> None:
    """Make the store of the plan that the descriptor holds; the last frame says how it went."""
    plan, line = StorePlan.from_json(_read(plan_file)), _Line(channel)
    make_store = importlib.import_module(_MAKE).make_store

    def make() -> StoreProfile:
        made: StoreProfile = make_store(
            plan,
            line.ask,
            lambda path, piece: line.send({"path": path}, {"piece": piece}),
            arrays=arrays[plan.reader],
            limits=limits,
            scratch=os.fdopen(scratch, "w+b"),
        )
        return made

    _answer(line, make)


def _read(plan_file: int) -> Any:
    with os.fdopen(plan_file, "rb") as file:
        return json.load(file)


def _answer(line: _Line, make: Callable[[], TableProfile | StoreProfile]) -> None:
    """Make it and say how it went."""
    try:
        answer: dict[str, Any] = {"done": make().as_json()}
    except ColumnChangedError as error:
        answer = {"changed": [error.column, error.source, error.reason, error.is_text]}
    except SourceFailedError as error:
        answer = {"failed": [error.source, error.reason, error.code]}
    line.send(answer)


class _Line:
    """The channel for two threads: one asks for files, one sends what is written; a frame must stay whole."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._lock = threading.Lock()

    def send(self, message: dict[str, Any], blobs: dict[str, bytes] | None = None) -> None:
        """One frame."""
        frame = wire.pack(message, blobs)
        with self._lock:
            self._channel.sendall(frame)

    @contextlib.contextmanager
    def ask(self, index: int) -> Iterator[BinaryIO]:
        """The file of a source, from the other side."""
        self.send({"next": index})
        _, descriptors, _, _ = socket.recv_fds(self._channel, 16, 1)
        if not descriptors:
            raise SourceFailedError(
                index, reason="The stored bytes could not be opened.", code="not_accessible"
            )
        with os.fdopen(descriptors[0], "rb") as file:
            file.seek(0)  # the description is shared with whoever opened it
            yield file
