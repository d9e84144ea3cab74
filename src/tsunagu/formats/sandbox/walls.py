"""The walls around the process that reads one file, and which of them this machine can build.

Two stages. The *outer* walls stand around the process that forks: no network, no other programs, no
reaching into other processes. The *inner* ones come on top in each process that reads a file: caps on
memory, CPU and writing, no new processes, and no file but the interpreter's own and the one input.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tsunagu.formats.sandbox import landlock, seccomp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tsunagu.formats.types import Limits

_CLONE_NEWUSER, _CLONE_NEWNET, _CLONE_NEWIPC = 0x10000000, 0x40000000, 0x08000000
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4
_OPEN_FILES = 64
_PAGE = resource.getpagesize()
# Data that interpreters and libraries read while they work: time zones, the loader's cache, locales.
_SYSTEM_PLACES = ("/usr/lib", "/lib", "/lib64", "/usr/share/zoneinfo", "/etc/ld.so.cache", "/etc/localtime")


@dataclass(frozen=True, slots=True)
class Wall:
    """One protection: whether it holds on this machine, and what it keeps out."""

    name: str
    holds: bool
    detail: str


@dataclass(frozen=True, slots=True)
class SandboxReport:
    """What the sandbox can do on this machine, found by trying it in a real child process."""

    walls: tuple[Wall, ...]

    @property
    def is_complete(self) -> bool:
        """Whether every wall holds."""
        return all(wall.holds for wall in self.walls)


def raise_outer() -> dict[str, bool]:
    """Close the network and other programs off; returns which parts are in force."""
    libc = ctypes.CDLL(None, use_errno=True)
    in_force = {"namespaces": False, "seccomp": False}
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # A network of its own that has not even a loopback; needs the right to make user namespaces.
    in_force["namespaces"] = libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWIPC) == 0
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if seccomp.is_supported():
        with contextlib.suppress(OSError):
            seccomp.install(is_inner=False)
            in_force["seccomp"] = True
    return in_force


class Places:
    """Open descriptors of the folders that lazy imports need: stdlib, packages, this package, plugins."""

    def __init__(self) -> None:
        self._folders: list[Path] = []
        self.descriptors: list[int] = []
        for key in ("stdlib", "platstdlib", "purelib", "platlib"):
            self.add(Path(sysconfig.get_path(key)))
        self.add(Path(__file__).parents[2])
        for place in _SYSTEM_PLACES:
            self.add(Path(place))

    def add(self, folder: Path) -> None:
        """Take a folder in, unless a folder above it is in already."""
        folder = folder.resolve()
        if any(folder.is_relative_to(known) for known in self._folders):
            return
        with contextlib.suppress(OSError):
            self.descriptors.append(os.open(folder, os.O_PATH | os.O_CLOEXEC))
            self._folders.append(folder)


def raise_inner(limits: Limits) -> None:
    """Caps and the inner filter; everything that does not depend on the file, done before it is known."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    address_space, data = _present_sizes()
    # Private memory counts against DATA; maps of a (possibly huge) input only against AS.
    _limit(resource.RLIMIT_DATA, data + limits.memory_bytes)
    _limit(resource.RLIMIT_AS, address_space + limits.memory_bytes + (1 << 32))
    _limit(resource.RLIMIT_CPU, limits.cpu_s, limits.cpu_s + 1)
    _limit(resource.RLIMIT_FSIZE, limits.decompressed_bytes + (1 << 20))
    _limit(resource.RLIMIT_NOFILE, _OPEN_FILES)
    # Python turns the signal into EFBIG, which becomes a reason.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    if seccomp.is_supported():
        with contextlib.suppress(OSError):
            seccomp.install(is_inner=True)


def enclose(readable: Iterable[int], *, version: int) -> None:
    """From here on only the given descriptors' files can be opened, where the kernel has Landlock."""
    if version:
        with contextlib.suppress(OSError):
            landlock.restrict(readable, version=version)


def _limit(what: int, soft: int, hard: int | None = None) -> None:
    _, most = resource.getrlimit(what)
    wanted = hard if hard is not None else soft
    if most != resource.RLIM_INFINITY:
        wanted, soft = min(wanted, most), min(soft, most)
    resource.setrlimit(what, (soft, wanted))


def _present_sizes() -> tuple[int, int]:
    """Bytes of address space and of private data that the process already has."""
    with open("/proc/self/statm", "rb") as statm:  # noqa: PTH123 - the hot path of every fork
        numbers = statm.read().split()
    return int(numbers[0]) * _PAGE, int(numbers[5]) * _PAGE


def attempt() -> dict[str, bool]:
    """Try what must not work, from inside; true means that the wall held. Ends in a process of its own."""
    import mmap
    import socket

    def is_refused(action: object) -> bool:
        try:
            action()  # type: ignore[operator]
        except (OSError, MemoryError):
            return True
        return False

    secret = Path("/etc/hostname") if Path("/etc/hostname").exists() else Path("/proc/self/environ")
    return {
        "network": is_refused(lambda: socket.create_connection(("127.0.0.1", 9), 0.2)),
        "programs": is_refused(lambda: os.execv("/bin/true", ["true"])),  # noqa: S606 - must be refused
        "processes": is_refused(os.fork),
        "signals": is_refused(lambda: os.kill(os.getppid(), 0)),
        "writing": is_refused(lambda: os.open("/tmp/tsunagu-probe", os.O_WRONLY | os.O_CREAT)),  # noqa: S108
        "files": is_refused(lambda: os.open(secret, os.O_RDONLY)),
        "memory": is_refused(lambda: mmap.mmap(-1, 1 << 40, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)),
    }


WALL_DETAILS = {
    "network": "no connection to anywhere",
    "programs": "no other program is started",
    "processes": "no further process is made",
    "signals": "no other process is signalled",
    "writing": "nothing is written",
    "files": "no file but the input and the interpreter's own is read (Landlock, Linux 5.13 or later)",
    "memory": "memory is capped",
}
