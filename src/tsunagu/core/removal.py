"""Removing of stored objects and backups exclude each other: what a snapshot names must still lie there to be copied."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def forbidden(home: Path) -> Iterator[None]:
    """While this goes on no process removes an object of the node; several may forbid at once."""
    with _opened(home) as handle:
        fcntl.flock(handle, fcntl.LOCK_SH)
        yield


@contextlib.contextmanager
def attempted(home: Path) -> Iterator[bool]:
    """Whether objects may be removed now; where not, the sweep comes to them later."""
    with _opened(home) as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


@contextlib.contextmanager
def _opened(home: Path) -> Iterator[int]:
    folder = home / "spool"
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / "removal.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield handle
    finally:
        os.close(handle)
