"""The fast way in: body bytes go from the socket into a file without passing through Python.

``splice`` moves pages socket -> pipe -> file; everything else (hash, parse, parts for S3) reads the file behind it.
Where no raw socket is there (another WSGI server, a chunked body) the same function reads ``wsgi.input``.
The ratios that led here stand in docs/adr/0020-byte-server.md.
"""

from __future__ import annotations

import fcntl
import os
import socket
import ssl
import struct
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from tsunagu.core.blobs import translate
from tsunagu.core.blobs.plainfile import start_writing, write_all
from tsunagu.core.errors import TsunaguError
from tsunagu.dataplane.follower import PIECE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tsunagu.core.blobs import Writer

_F_SETPIPE_SZ = 1031
_PIPE_SIZE = 1 << 20
_ALLOCATE_FROM = 1 << 20
_READ_SIZE = 1 << 20
# What is still read of a body that is refused: a peer that gets a reset while it sends cannot read the answer.
_DISCARD_BYTES = 96 << 20
_DISCARD_S = 10.0


class Received(NamedTuple):
    """How a body ended."""

    end: int  # the file holds the bytes before this one
    is_complete: bool  # False: the sender went away or stalled


class Body(Protocol):
    """A request body that can be brought into a file."""

    length: int | None  # None: chunked

    def pieces(self, limit: int) -> Iterator[bytes]:
        """The body in pieces of at most 1 MiB; raises what ``read`` raises."""

    def into(self, writer: Writer, offset: int, limit: int, on_growth: Callable[[int], None]) -> Received:
        """Write the body into the writer's file at ``offset``, at most ``limit`` bytes of it."""

    def discard(self) -> None:
        """Read a bounded rest of the body and drop it, so that the peer gets to read the answer."""

    def read(self, limit: int) -> bytes:
        """The whole body.

        Raises:
            TooMuchError: it is longer than ``limit``.
            BrokenOffError: the peer went away.
        """


class BrokenOffError(TsunaguError):
    """A body that ended before its announced length."""

    code = "dataplane.broken_off"
    status = 400
    exit_code = 8
    default_message = "The connection broke off before everything had arrived."
    default_remedy = "Send it again."


class TooMuchError(TsunaguError):
    """A body that is longer than allowed."""

    code = "dataplane.too_large"
    status = 413
    exit_code = 2
    default_message = "This is larger than the node takes in one request."


def open_body(environ: dict[str, Any]) -> Body:
    """The body of a request, by the fastest way that this server offers."""
    text = environ.get("CONTENT_LENGTH") or ""
    length = int(text) if text.isdigit() else None
    reader = getattr(environ["wsgi.input"], "reader", None)
    connection = environ.get("gunicorn.socket")
    if (
        length is not None
        and isinstance(connection, socket.socket)
        and not isinstance(connection, ssl.SSLSocket)  # under TLS the bytes on the wire are not the body
        and hasattr(os, "splice")
        and hasattr(getattr(reader, "unreader", None), "take_buffered")
        and getattr(reader, "length", None) == length
    ):
        return SpliceBody(environ["wsgi.input"], connection, length)
    return StreamBody(environ["wsgi.input"], length)


class StreamBody:
    """A body behind ``wsgi.input``."""

    def __init__(self, stream: Any, length: int | None) -> None:
        self.length = length
        self._stream = stream
        self._taken = 0
        self._is_broken = False

    def pieces(self, limit: int) -> Iterator[bytes]:
        """The rest of the body; what is small stays a piece of its own, what is large comes in pieces of 1 MiB."""
        if self.length is not None and self.length > limit:
            raise TooMuchError(limit=limit)
        while self.length is None or self._taken < self.length:
            wanted = _READ_SIZE if self.length is None else min(_READ_SIZE, self.length - self._taken)
            try:
                piece = self._stream.read(wanted)
            except Exception as error:
                self._is_broken = True
                # OSError: reset, or silent too long. A parser's own error class: a chunk that broke off.
                if isinstance(error, (OSError, EOFError)) or "gunicorn" in type(error).__module__:
                    raise BrokenOffError from error
                raise
            if not piece and self.length is None:
                return
            if not piece:
                self._is_broken = True
                raise BrokenOffError
            self._taken += len(piece)
            if self._taken > limit:
                raise TooMuchError(limit=limit)
            yield piece

    def read(self, limit: int) -> bytes:
        """The whole body."""
        return b"".join(self.pieces(limit))

    def discard(self) -> None:
        """Drop the rest."""
        if self._is_broken:
            return
        deadline = time.monotonic() + _DISCARD_S
        with suppress(TsunaguError):
            for _ in self.pieces(self._taken + _DISCARD_BYTES):
                if time.monotonic() > deadline:
                    return

    def into(self, writer: Writer, offset: int, limit: int, on_growth: Callable[[int], None]) -> Received:
        """Write the body into the file."""
        end = offset
        try:
            for piece in self.pieces(limit):
                _place_all(writer, piece, end)
                end += len(piece)
                on_growth(end)
        except BrokenOffError:
            return Received(end, is_complete=False)
        on_growth(end)
        return Received(end, is_complete=True)


class SpliceBody:
    """A body of known length on a raw socket."""

    def __init__(self, body: Any, connection: socket.socket, length: int) -> None:
        self.length: int | None = length
        self._length = length
        self._body = body
        self._reader = body.reader
        self._socket = connection
        self._left = length  # bytes of the body that were not yet taken from the connection
        self._is_broken = False

    def pieces(self, limit: int) -> Iterator[bytes]:
        """The body through the parser, for readers that need it in this process."""
        return StreamBody(self._body, self._length).pieces(limit)

    def read(self, limit: int) -> bytes:
        """The whole body."""
        self._left = 0
        return b"".join(self.pieces(limit))

    def discard(self) -> None:
        """Drop the rest, straight from the connection."""
        if not self._body.failed:
            StreamBody(self._body, self._length).discard()
            return
        deadline = time.monotonic() + _DISCARD_S
        budget = _DISCARD_BYTES
        scratch = bytearray(min(self._left, _READ_SIZE))
        while self._left and budget > 0 and not self._is_broken and time.monotonic() < deadline:
            try:
                count = self._socket.recv_into(scratch, min(self._left, len(scratch)))
            except OSError:
                return
            if not count:
                return
            self._left -= count
            budget -= count
        self._settle()

    def into(self, writer: Writer, offset: int, limit: int, on_growth: Callable[[int], None]) -> Received:
        """Splice the body into the file.

        Afterwards the HTTP parser knows how much of the body is gone; after an error it is told that the place of
        the next request is unknown, so that it closes the connection.
        """
        if self._length > limit:
            raise TooMuchError(limit=limit)
        handle = writer.fileno()
        if self._length >= _ALLOCATE_FROM:
            writer.claim(offset, self._length)
        # From here on the parser must not read this connection again unless all went well.
        self._body.failed = True
        early = self._reader.unreader.take_buffered()
        body, rest = early[: self._length], early[self._length :]
        self._left = self._length - len(body)
        if rest:
            self._reader.unreader.unread(rest)  # a pipelined request
        if body:
            _place_all(writer, body, offset)
        end = offset + len(body)
        growth = _Growth(handle, end, on_growth)
        if len(body) < self._length:
            bring = self._splice if writer.memory() is None else self._receive
            end = bring(writer, end, offset + self._length, growth)
        growth.flush(end)
        is_complete = end == offset + self._length
        self._settle()
        if not is_complete and self._length >= _ALLOCATE_FROM:
            writer.rewind(end)
        return Received(end, is_complete)

    def _settle(self) -> None:
        if not self._left:
            self._reader.length = 0
            self._body.failed = False

    def _splice(self, writer: Writer, position: int, stop: int, growth: _Growth) -> int:
        source = self._socket.fileno()
        out, into = os.pipe2(os.O_CLOEXEC)
        try:
            with suppress(OSError):  # the user's pipe budget is spent: slower, not wrong
                fcntl.fcntl(into, _F_SETPIPE_SZ, _PIPE_SIZE)
            flags = os.SPLICE_F_MOVE | os.SPLICE_F_MORE
            while position < stop:
                try:
                    count = os.splice(source, into, min(_PIPE_SIZE, stop - position), flags=flags)
                except OSError:  # reset, or silent for longer than the socket's time limit
                    count = 0
                if not count:
                    self._is_broken = True
                    return position
                self._left -= count
                position = self._drain(out, writer, position, count, growth)
            return position
        finally:
            os.close(out)
            os.close(into)

    def _receive(self, writer: Writer, position: int, stop: int, growth: _Growth) -> int:
        """Into memory: one copy, where a pipe would cost more than it saves."""
        memory = writer.memory()
        if memory is None:
            raise ValueError("this writer has a file of its own")
        with memoryview(memory) as ring:
            while position < stop:
                start, room = writer.place(position)
                with ring[start : start + min(room, _READ_SIZE, stop - position)] as part:
                    try:
                        count = self._socket.recv_into(part)
                    except OSError:  # reset, or silent for longer than the socket's time limit
                        count = 0
                if not count:
                    self._is_broken = True
                    return position
                self._left -= count
                position += count
                growth.reach(position)
        return position

    @staticmethod
    def _drain(out: int, writer: Writer, position: int, count: int, growth: _Growth) -> int:
        handle = writer.fileno()
        try:
            while count:
                start, room = writer.place(position)
                moved = os.splice(out, handle, min(count, room), offset_dst=start, flags=os.SPLICE_F_MOVE)
                position += moved
                count -= moved
        except OSError as error:
            raise translate(error) from error
        growth.reach(position)
        return position


def _place_all(writer: Writer, data: bytes, offset: int) -> None:
    """Write bytes where they belong in the writer's file."""
    view = memoryview(data)
    while view:
        start, room = writer.place(offset)
        part = view[:room]
        write_all(writer.fileno(), part, start)
        view, offset = view[len(part) :], offset + len(part)


class _Growth:
    """Starts write-back and tells the readers, once per piece."""

    def __init__(self, handle: int, start: int, on_growth: Callable[[int], None]) -> None:
        self._handle = handle
        self._told = start
        self._on_growth = on_growth

    def reach(self, end: int) -> None:
        if end - self._told >= PIECE:
            self.flush(end)

    def flush(self, end: int) -> None:
        if end > self._told:
            # Not durability, only an early start of the writing, so that the fsync at the end is short.
            start_writing(self._handle, self._told, end - self._told)
            self._told = end
        self._on_growth(end)


def set_time_limits(connection: socket.socket, seconds: float) -> None:
    """Make a silent peer end a blocking read or write, in the kernel, without a poll per call."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _as_timeval(seconds))
    limit_sending(connection, seconds)


def limit_sending(connection: socket.socket, seconds: float) -> None:
    """The same for writes alone."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _as_timeval(seconds))


def _as_timeval(seconds: float) -> bytes:
    return struct.pack("@ll", int(seconds), int(seconds % 1 * 1_000_000))
