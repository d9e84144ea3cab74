"""A lock per object while it is not yet committed: receivers exclude each other, and the sweep keeps off."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from typing import TYPE_CHECKING

from tsunagu.core.errors import ConflictError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_GLANCE_S = 0.02


class LockedError(ConflictError):
    """Somebody else is writing the same object."""

    code = "dataplane.locked"
    status = 423
    default_message = "Another request is sending this upload at the moment."
    default_remedy = "Wait for it to end, ask for the offset, and go on from there."


class StillReceivingError(UnavailableError):
    """The same bytes are just being received or brought to the disk."""

    code = "dataplane.still_receiving"
    default_message = "These bytes are still being received."


def lock_path(spool: Path, key: str) -> Path:
    """The lock file of an object."""
    return spool / f"{key}.lock"


@contextlib.contextmanager
def hold(spool: Path, key: str) -> Iterator[None]:
    """Hold the lock of an object.

    Raises:
        LockedError: it is held, in this process or another.
    """
    path = lock_path(spool, key)
    try:
        handle = _take(path)
    except LockedError:
        time.sleep(_GLANCE_S)  # it may have been the sweep, which only looks
        handle = _take(path)
    try:
        yield
    finally:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        os.close(handle)


@contextlib.contextmanager
def hold_or_retry(spool: Path, key: str) -> Iterator[None]:
    """The same for clients that try again after a 503 and give up after a 423: those of the Hub.

    Raises:
        StillReceivingError: it is held.
    """
    try:
        with hold(spool, key):
            yield
    except LockedError as error:
        raise StillReceivingError from error


def is_held(spool: Path, key: str) -> bool:
    """Whether somebody is writing the object just now."""
    try:
        handle = os.open(lock_path(spool, key), os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _take(path: Path) -> int:
    while True:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The former holder removes the file before it lets go: a lock on a removed file locks nothing.
            if os.fstat(handle).st_ino == path.stat().st_ino:
                return handle
        except BlockingIOError:
            os.close(handle)
            raise LockedError from None
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
