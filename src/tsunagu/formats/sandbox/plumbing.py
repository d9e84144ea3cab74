"""What goes to the process that reads a file, and what comes back: environment, input, bytes of an answer."""

from __future__ import annotations

import os
import select
import stat
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from pathlib import Path


def environment() -> dict[str, str]:
    """Nothing of the node's environment: it may hold secrets. One thread per library: forking needs it."""
    return {
        "PATH": os.defpath,
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "HOME": "/nonexistent",
        "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1",
        "OMP_THREAD_LIMIT": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        # Arrays of a few megabytes come from the heap and stay there: fresh pages cost more than the work on them.
        "MALLOC_MMAP_THRESHOLD_": str(64 << 20),
        "MALLOC_TRIM_THRESHOLD_": str(128 << 20),
        "MALLOC_ARENA_MAX": "1",
    }


def open_input(path: Path, *, most_in_memory: int) -> int:
    """Open the input; a copy in memory where the child could not open it again.

    An unprivileged child may lack the right to, and one that has shut itself in for a group may open no file at
    all; copies up to ``most_in_memory`` bytes cost less than a fork.
    """
    source = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    facts = os.fstat(source)
    is_ours = facts.st_uid == os.geteuid() or facts.st_mode & 0o004
    if is_ours and (facts.st_size > most_in_memory or not stat.S_ISREG(facts.st_mode) or not most_in_memory):
        return source
    copy = os.memfd_create("input", os.MFD_CLOEXEC)
    with os.fdopen(source, "rb") as reading:
        while piece := reading.read(1 << 20):
            os.write(copy, piece)
    return copy


def receive(channel: socket.socket, deadline: float, count: int) -> bytes:
    """Exactly ``count`` bytes, or fewer when the other side ended.

    Raises:
        TimeoutError: the deadline passed.
    """
    pieces = bytearray()
    poller = select.poll()
    poller.register(channel, select.POLLIN)
    while len(pieces) < count:
        left = deadline - time.monotonic()
        if left <= 0 or not poller.poll(left * 1000):
            raise TimeoutError
        try:
            piece = channel.recv(min(count - len(pieces), 1 << 20))
        except ConnectionResetError:
            break
        if not piece:
            break
        pieces += piece
    return bytes(pieces)
