"""Inside the walls: one question about tables is answered. Bytes of files come by ranges from the other side."""

from __future__ import annotations

import importlib
import json
import os
import threading
from typing import TYPE_CHECKING, Any

from tsunagu.formats.querying.types import Question
from tsunagu.formats.sandbox import wire

if TYPE_CHECKING:
    import socket

    from tsunagu.formats.types import Limits

# Named, not imported: the forking process loads DuckDB only when a question is asked.
_ENGINE = "tsunagu.formats.querying.engine"
_MOST_RANGE = 1 << 30


def warm() -> None:
    """Import what an answer needs before any child is made."""
    importlib.import_module(_ENGINE)


def prepare(limits: Limits) -> Any:
    """An empty database, made while the machine can still be looked at.

    Raises:
        RuntimeError: it started threads, which the wall that comes next would not close in.
    """
    line = importlib.import_module(_ENGINE).connect(memory_bytes=limits.memory_bytes // 2)
    if len(os.listdir("/proc/self/task")) > 1:  # noqa: PTH208 - no more than a count
        raise RuntimeError("DuckDB started threads before the walls stood")
    return line


def serve(channel: socket.socket, question_file: int, line: Any) -> None:
    """Answer the question that the descriptor holds, in the database that was prepared."""
    with os.fdopen(question_file, "rb") as file:
        question = Question.from_json(json.load(file))
    engine = importlib.import_module(_ENGINE)
    asking = threading.Lock()  # Arrow reads from several threads

    def read(number: int, start: int, count: int) -> bytes:
        with asking:
            channel.sendall(wire.pack({"read": [number, start, count]}))
            frame = wire.unpack(lambda wanted: _exactly(channel, wanted), cap=_MOST_RANGE)
        return b"" if frame is None else frame[1].get("bytes", b"")

    try:
        said = engine.answer(question, read, line)
    except engine.QueryError as error:
        said = {"problem": str(error)}
    channel.sendall(wire.pack(said))


def _exactly(channel: socket.socket, count: int) -> bytes:
    pieces = bytearray()
    while len(pieces) < count:
        piece = channel.recv(min(count - len(pieces), 1 << 20))
        if not piece:
            break
        pieces += piece
    return bytes(pieces)
