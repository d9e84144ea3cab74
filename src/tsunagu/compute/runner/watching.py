"""Watching a running job from outside: time, memory, processes and disk of everything below one process."""

from __future__ import annotations

import contextlib
import os
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from tsunagu.compute.runner.order import Limits

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_DISK_EVERY_S = 0.5
_KEEP_FREE_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class Seen:
    """All processes below one at a moment."""

    process_count: int
    memory_bytes: int
    cpu_s: float


class Watch:
    """Looks at a job again and again and says when it must end.

    Args:
        pid: bwrap's; what it runs lies below it, wherever it forked to.
        output: The folder that it writes to.
        limits: Its limits.
    """

    def __init__(self, pid: int, output: Path, limits: Limits) -> None:
        self._pid = pid
        self._output = output
        self._limits = limits
        self._began = time.monotonic()
        self._next_disk = 0.0
        self._tasks = _task_count()
        self.peak_memory_bytes = 0
        self.cpu_s = 0.0

    @property
    def duration_s(self) -> float:
        """Since it began."""
        return time.monotonic() - self._began

    def is_crowded(self) -> bool:
        """Whether since the last look the machine got more processes than the job may have: time to look again.

        A job that forks without end makes thousands between two looks, after which nothing on the machine answers.
        """
        return _task_count() - self._tasks > self._limits.process_count

    def exceeded(self) -> str:
        """Which limit the job broke: a code of ``Result``; empty while it keeps to them."""
        self._tasks = _task_count()
        seen = below(self._pid)
        self.peak_memory_bytes = max(self.peak_memory_bytes, seen.memory_bytes)
        self.cpu_s = max(self.cpu_s, seen.cpu_s)
        if seen.process_count > self._limits.process_count:
            return "too_many_processes"
        if seen.memory_bytes > self._limits.memory_bytes:
            return "out_of_memory"
        if self.duration_s > self._limits.duration_s or self.cpu_s > self._limits.cpu_s:
            return "out_of_time"
        if time.monotonic() >= self._next_disk:
            began = time.monotonic()
            code = self.disk_exceeded()
            # A folder of very many files takes long to look through: at most a fifth of the time goes there.
            self._next_disk = time.monotonic() + max(_DISK_EVERY_S, 4 * (time.monotonic() - began))
            return code
        return ""

    def disk_exceeded(self) -> str:
        """The same for what it wrote, which is looked at once more when the job has ended."""
        size, count = written(self._output, most_files=self._limits.file_count)
        if size > self._limits.disk_bytes:
            return "disk_full"
        if count > self._limits.file_count:
            return "too_many_files"
        free = os.statvfs(self._output)
        return "machine_full" if free.f_bavail * free.f_frsize < _KEEP_FREE_BYTES else ""


def _task_count() -> int:
    """Processes and threads of the machine, from one small file."""
    with open("/proc/loadavg", "rb") as file:  # noqa: PTH123 - fifty times a second
        return int(file.read().split()[3].partition(b"/")[2])


def below(pid: int) -> Seen:
    """All processes below one (itself left out), from one pass over the process table."""
    stats: dict[int, list[bytes]] = {}
    kids: dict[int, list[int]] = defaultdict(list)
    for name in os.listdir("/proc"):  # noqa: PTH208 - many times a second
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                fields = file.read().rpartition(b")")[2].split()
        except OSError:  # it ended
            continue
        stats[int(name)] = fields
        kids[int(fields[1])].append(int(name))
    waiting, count, memory, ticks = kids[pid], 0, 0, 0
    while waiting:
        child = waiting.pop()
        count += 1
        ticks += sum(map(int, stats[child][11:15]))  # own and waited-for children, user and system
        with contextlib.suppress(OSError), open(f"/proc/{child}/statm", "rb") as file:  # noqa: PTH123
            pages = file.read().split()
            # Shared pages belong to files, mostly the same libraries in every process.
            memory += (int(pages[1]) - int(pages[2])) * _PAGE
        waiting += kids[child]
    return Seen(count, memory, ticks / _TICKS)


def written(folder: Path, *, most_files: int) -> tuple[int, int]:
    """Bytes on disk and entries below a folder, links not followed; counts a little beyond ``most_files``."""
    size = count = 0
    waiting = [str(folder)]
    while waiting and count <= most_files:
        try:
            listing = os.scandir(waiting.pop())
        except OSError:  # removed meanwhile
            continue
        with listing:
            for entry in listing:
                count += 1
                if count > most_files:
                    break
                try:
                    size += entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                except OSError:
                    continue
    return size, count
