"""A named pipe by which control tells the supervisor that there is something to do: looking often costs, looking seldom waits."""

from __future__ import annotations

import contextlib
import os
import select
import stat
import time
from pathlib import Path

from tsunagu.core import settings

_DRAINED = 4096


def ring() -> None:
    """Wake the supervisor, if one waits; it looks now and then by itself, so nothing depends on its hearing this."""
    with contextlib.suppress(OSError):
        descriptor = os.open(_place(), os.O_WRONLY | os.O_NONBLOCK)
        try:
            os.write(descriptor, b"\0")
        finally:
            os.close(descriptor)


class Bell:
    """The supervisor's end. Where no pipe can be made, waiting is only waiting."""

    def __init__(self) -> None:
        self._descriptor: int | None = None
        place = _place()
        with contextlib.suppress(OSError):
            with contextlib.suppress(FileExistsError):
                os.mkfifo(place, 0o600)
            if stat.S_ISFIFO(place.lstat().st_mode):
                # Open for writing too, or it would be at its end, and always ready, whenever nobody rings.
                self._descriptor = os.open(place, os.O_RDWR | os.O_NONBLOCK)

    def wait(self, within_s: float) -> bool:
        """Until it rings, at most so long; whether it rang."""
        if self._descriptor is None:
            time.sleep(within_s)
            return False
        if not select.select([self._descriptor], [], [], within_s)[0]:
            return False
        with contextlib.suppress(BlockingIOError):
            os.read(self._descriptor, _DRAINED)
        return True

    def close(self) -> None:
        """Hear nothing more."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _place() -> Path:
    return settings.current().home / "run" / "compute.bell"
