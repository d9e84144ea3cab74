"""A socket by which control tells the supervisor that there is something to do: looking often costs, looking seldom waits.

A socket and not a named pipe: who searches the node's folder, a backup or an officer, would wait for ever at a pipe.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
from collections.abc import Iterator
from pathlib import Path

from tsunagu.core import settings

_NAME = "compute.bell"
_AT_ONCE = 4096  # rings that are taken for one


def ring() -> None:
    """Wake the supervisor, if one waits; it looks now and then by itself, so nothing depends on its hearing this."""
    with contextlib.suppress(OSError), _address() as address, _made() as sender:
        sender.sendto(b"\0", address)


class Bell:
    """The supervisor's end. Where no socket can be made, waiting is only waiting."""

    def __init__(self) -> None:
        self._hears = _made()
        with contextlib.suppress(OSError), _address() as address:
            if Path(address).is_socket():
                Path(address).unlink()  # of one that was killed
            self._hears.bind(address)
            Path(address).chmod(0o600)

    def wait(self, within_s: float) -> bool:
        """Until it rings, at most so long; whether it rang."""
        if not select.select([self._hears], [], [], within_s)[0]:
            return False
        with contextlib.suppress(OSError):
            for _ in range(_AT_ONCE):
                self._hears.recv(1)
        return True

    def close(self) -> None:
        """Hear nothing more."""
        self._hears.close()


def _made() -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    made.settimeout(0)
    return made


@contextlib.contextmanager
def _address() -> Iterator[str]:
    """By the number of the opened folder: the path of a home may be longer than a socket's address can be."""
    folder = os.open(_folder(), os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{_NAME}"
    finally:
        os.close(folder)


def _folder() -> Path:
    return settings.current().home / "run"
