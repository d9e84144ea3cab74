"""Where the files of a job lie while it goes on: on the node's disk, or in memory where its inputs are sealed."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from tsunagu.core import settings

_MEMORY = Path("/dev/shm")  # noqa: S108 - what lies there is kept apart and checked below
_KEPT_FREE_BYTES = 512 << 20


class NotOursError(OSError):
    """Somebody else made the folder that this node uses in memory."""


def on_disk() -> Path:
    """The folder of all jobs of this node."""
    return settings.current().spool / "jobs"


def in_memory() -> Path:
    """The same in memory, for jobs whose inputs must not lie plain on a disk."""
    home = hashlib.sha256(os.fsencode(settings.current().home)).hexdigest()[:16]
    return _MEMORY / f"tsunagu-{os.geteuid()}-{home}"


def made_in_memory() -> Path:
    """That folder, there and this user's alone: everybody may make folders beside it.

    Raises:
        NotOursError: it is somebody else's, or open to others.
    """
    place = in_memory()
    place.mkdir(mode=0o700, exist_ok=True)
    found = place.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise NotOursError(f"{place} is not this node's alone.")
    return place


def memory_problem(byte_count: int) -> str:
    """Why so many bytes cannot be kept in memory here; empty when they can be."""
    if not _is_memory(_MEMORY):
        return f"{_MEMORY} is no file system in memory."
    free = os.statvfs(_MEMORY)
    room = free.f_bavail * free.f_frsize - _KEPT_FREE_BYTES
    if byte_count > room:
        return f"{byte_count:,} bytes are needed in {_MEMORY}, and there is room for {max(0, room):,}."
    return ""


def _is_memory(place: Path) -> bool:
    try:
        mounts = Path("/proc/self/mounts").read_text("utf-8")
    except OSError:
        return False
    kinds = {line.split()[1]: line.split()[2] for line in mounts.splitlines()}
    return kinds.get(str(place)) == "tmpfs"
