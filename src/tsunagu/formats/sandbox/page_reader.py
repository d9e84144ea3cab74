"""The side of a worker for pages: hands out a file, takes what one page says, believes nothing."""

from __future__ import annotations

import os
import socket
from functools import partial
from typing import TYPE_CHECKING, Any

from tsunagu.formats.sandbox.tasks import BrokenTaskError, Conversation, TaskPool
from tsunagu.formats.scanning.types import PageReading

if TYPE_CHECKING:
    from pathlib import Path

    from tsunagu.formats.types import Limits

_NEEDS = {"reader": "", "pages": True}
_JPEG = b"\xff\xd8\xff"


class PageReader(TaskPool):
    """Reads scanned pages behind the walls that files are read behind, each in a process of its own.

    A page that breaks or takes too long says so; the next one is read all the same.
    """

    def read(self, path: Path, number: int, *, limits: Limits) -> PageReading:
        """One page of the file at ``path``; never raises for what is in the file.

        Args:
            path: Where the bytes are.
            number: Of the page, from 1.
            limits: For this page.

        Raises:
            SandboxError: no process can be started.
        """
        try:
            return self.do(
                {"number": number},
                kind="pages",
                needs=_NEEDS,
                limits=limits,
                act=partial(_talk, path=path, number=number),
            )
        except BrokenTaskError as error:
            return PageReading(number, 0, "unreadable", reason=error.reason, reason_code=error.code)


def _talk(said: Conversation, *, path: Path, number: int) -> PageReading:
    is_given = False
    for message, blobs in said.frames():
        if "next" in message and not is_given:
            is_given = True
            source = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                socket.send_fds(said.channel, [b"file"], [source])
            finally:
                os.close(source)
            continue
        return _checked(message.get("page"), blobs.get("picture", b""), number)
    raise AssertionError("frames end with a result or an error")


def _checked(said: Any, picture: bytes, number: int) -> PageReading:
    try:
        if not isinstance(said, dict) or (picture and not picture.startswith(_JPEG)):
            raise ValueError("no page")  # noqa: TRY301 - one answer for all that makes no sense
        reading = PageReading.from_json(said, picture)
        if reading.number != number:
            raise ValueError("another page")  # noqa: TRY301 - the same
    except ValueError:
        raise BrokenTaskError("The reader gave an answer that makes no sense.", "reader_failed") from None
    return reading
