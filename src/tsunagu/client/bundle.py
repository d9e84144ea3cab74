"""The bundle format of docs/reference/wire.md: many small files in one body, each with its hash before it."""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING, NamedTuple

from tsunagu.client.errors import BadAnswerError, VerificationError
from tsunagu.client.messages import text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    class Readable(Protocol):
        """What a bundle is read from."""

        def read(self, amount: int, /) -> bytes:
            """At most so many bytes; less at the end or when the line breaks."""
            ...


MEDIA_TYPE = "application/vnd.tsunagu.bundle; version=1"
HEAD = struct.Struct(">Q32s")
PATH_LENGTH = struct.Struct(">H")
END = PATH_LENGTH.pack(0)


class Member(NamedTuple):
    """One file of a bundle, checked against its hash."""

    path: str
    sha256: bytes
    content: bytes


def header(path: bytes, size: int, sha256: bytes) -> bytes:
    """What stands before the content of one file."""
    return PATH_LENGTH.pack(len(path)) + HEAD.pack(size, sha256) + path


def read(source: Readable, *, largest: int) -> Iterator[Member]:
    """The members of a bundle as they arrive.

    Args:
        source: Read to the end mark and not beyond.
        largest: A member that claims to be larger is refused before it is read.

    Raises:
        BadAnswerError: the bundle breaks off or claims too much.
        VerificationError: a content is not what its hash says.
    """
    while True:
        (length,) = PATH_LENGTH.unpack(_exactly(source, PATH_LENGTH.size))
        if length == 0:
            return
        head = _exactly(source, HEAD.size + length)
        size, announced = HEAD.unpack_from(head)
        path = head[HEAD.size :].decode("utf-8", "backslashreplace")
        if size > largest:
            raise BadAnswerError(text("bundle_broken"), remedy=text("try_again"))
        content = _exactly(source, size)
        if hashlib.sha256(content).digest() != announced:
            raise VerificationError(text("hash_differs", path=path), remedy=text("try_again"), path=path)
        yield Member(path, announced, content)


def _exactly(source: Readable, count: int) -> bytes:
    content = source.read(count) if count else b""
    if len(content) == count:
        return content
    pieces = [content]
    missing = count - len(content)
    while missing:
        piece = source.read(missing)
        if not piece:
            raise BadAnswerError(text("bundle_broken"), remedy=text("try_again"))
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)
