"""The walls around a job: bubblewrap, a filter of system calls, and limits of the kernel. Nothing of a job runs without.

The command sees the system's programs and its inputs read-only, its output folder, a small temporary folder, and no
network, no other process, no variable of the node. Facts: docs/adr/0048-jobs-beside-the-data.md.
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tsunagu.compute.runner.order import Limits
from tsunagu.formats.sandbox import seccomp

IN, INPUTS, OUT, CODE, DOOR = "/in", "/inputs", "/out", "/code", "/door"
_TEMPORARY = "/tmp"  # noqa: S108 - the job's own, a file system in memory
_SYSTEM = ("/usr", "/bin", "/lib", "/lib64", "/etc/alternatives", "/etc/ld.so.cache", "/etc/localtime")
_PATH = "/usr/local/bin:/usr/bin:/bin"
_TEMPORARY_BYTES = 256 << 20
_OPEN_FILES = 4096
_SLACK_BYTES = 16 << 20
_PROBE_S = 20
# ``ulimit -p`` counts inside the job's own user namespace; it does not bind a node that runs as root.
# The job gives way to the node, and to the two processes of bwrap around it: among hundreds of its own that fork without
# end they would not get the moment that they need to die, and while the first of them lives the others go on.
_START = 'ulimit -p "$1" 2>/dev/null; renice -n 15 -p $$ >/dev/null 2>&1; shift; exec "$@"'


@dataclass(frozen=True, slots=True)
class Mounts:
    """Folders of this machine that a job sees.

    Attributes:
        inputs: ``PROJECT/DATASET`` -> folder, the first one also at ``/in``.
        output: The only one that it may write to.
        code: At ``/code``.
        environment: At the same path as here, since its scripts hold that path.
        door: Where a server makes its socket, for this machine to reach it without a network.
    """

    inputs: Mapping[str, Path]
    output: Path
    code: Path | None = None
    environment: Path | None = None
    door: Path | None = None


class Probe:
    """Whether a job can be walled in on this machine: begun at once, so that the answer is there when it is wanted."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._said = ""
        if shutil.which("bwrap") is None:
            self._said = "bubblewrap (the program bwrap) is not installed."
            return
        try:
            self._process = subprocess.Popen(  # noqa: S603
                [_bwrap(), *_flags(Limits()), "--", "/bin/true"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            )  # fmt: skip
        except OSError as error:
            self._said = f"bwrap cannot be run: {error}"

    def problem(self) -> str:
        """Why it cannot be; empty when it can be."""
        if self._process is None:
            return self._said
        with self._process as process:
            try:
                _out, said = process.communicate(timeout=_PROBE_S)
            except subprocess.TimeoutExpired as error:
                process.kill()
                return f"bwrap cannot be run: {error}"
        if process.returncode:
            return f"bwrap cannot make its namespaces: {said.decode('utf-8', 'replace').strip()[:300]}"
        return ""


def problem() -> str:
    """Why no job can be walled in on this machine; empty when it can be."""
    return Probe().problem()


@contextlib.contextmanager
def started(
    command: Sequence[str], mounts: Mounts, limits: Limits, variables: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """The command behind its walls, its output on a pipe; killed with all it started when the block is left."""
    arguments = [*_flags(limits), *_binds(mounts)]
    for name, value in variables.items():
        arguments += ["--setenv", name, value]
    passed = []
    try:
        if seccomp.is_supported():
            passed.append(_in_memory(seccomp.job_program(machine=os.uname().machine)))
            arguments += ["--seccomp", str(passed[0])]
        # By a descriptor: the job sees the command line of process 1, and folders of this machine are none of its business.
        passed.append(_in_memory(b"".join(part.encode() + b"\0" for part in arguments)))
        start = ["/bin/sh", "-c", _START, "job", str(limits.process_count), *command]
        process = subprocess.Popen(  # noqa: S603
            [_bwrap(), "--args", str(passed[-1]), "--", *start],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={"PATH": os.defpath},
            pass_fds=passed,
            preexec_fn=lambda: _limit(limits),  # noqa: PLW1509 - the thread beside this one holds no lock that is needed here
        )
    finally:
        for descriptor in passed:
            os.close(descriptor)
    try:
        yield process
    finally:
        if process.poll() is None:
            end(process.pid)
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def end(bwrap: int) -> None:
    """Kill what was started behind walls, with all that it started.

    The first process inside dies, and with it its space and all that is in it. For that it needs a moment of the
    processor that thousands of its descendants want too: where this user may, it is put before them and may use any core.
    """
    try:
        inside = [int(one) for one in Path(f"/proc/{bwrap}/task/{bwrap}/children").read_text("ascii").split()]
    except OSError:  # it has ended
        inside = []
    for pid in (*inside, bwrap):
        for act in (_put_first, _on_every_core, _kill):
            with contextlib.suppress(OSError):
                act(pid)


def _put_first(pid: int) -> None:
    os.setpriority(os.PRIO_PROCESS, pid, -20)


def _on_every_core(pid: int) -> None:
    os.sched_setaffinity(pid, os.sched_getaffinity(0))


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def in_force() -> dict[str, str]:
    """How each limit is held here."""
    return {
        "cores": "kernel" if hasattr(os, "sched_setaffinity") and seccomp.is_supported() else "asked",
        "memory_bytes": "watched",
        "duration_s": "watched",
        "disk_bytes": "watched",
        "process_count": "watched" if os.geteuid() == 0 else "kernel",
        "file_count": "watched",
        "network": "kernel",
        "system_calls": "kernel" if seccomp.is_supported() else "asked",
    }


def _flags(limits: Limits) -> list[str]:
    small = str(min(_TEMPORARY_BYTES, max(1 << 20, limits.memory_bytes // 4)))
    flags = ["--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent"]
    flags += ["--new-session", "--clearenv", "--hostname", "job", "--uid", "1000", "--gid", "1000"]
    for place in _SYSTEM:
        flags += ["--ro-bind-try", place, place]
    flags += ["--proc", "/proc"]
    for place in _writable_in_proc():
        flags += ["--ro-bind-try", place, place]
    flags += ["--dev", "/dev", "--size", small, "--tmpfs", "/dev/shm"]  # noqa: S108
    # bwrap's /dev and / are file systems in memory too: without this a job would fill the machine's memory there.
    flags += ["--remount-ro", "/dev", "--size", small, "--tmpfs", _TEMPORARY]
    for name, value in {
        "PATH": _PATH,
        "HOME": _TEMPORARY,
        "TMPDIR": _TEMPORARY,
        "LANG": "C.UTF-8",
        "USER": "job",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",  # or the live log stays empty until the end
    }.items():
        flags += ["--setenv", name, value]
    return flags


def _binds(mounts: Mounts) -> list[str]:
    binds: list[str] = []
    for number, (place, folder) in enumerate(mounts.inputs.items()):
        if number == 0:
            binds += ["--ro-bind", str(folder), IN]
        binds += ["--ro-bind", str(folder), f"{INPUTS}/{place}"]
    if mounts.code is not None:
        binds += ["--ro-bind", str(mounts.code), CODE]
    if mounts.environment is not None:
        place = str(mounts.environment)
        # The environment's interpreter is a link to the one that made it.
        for needed in (place, sys.base_prefix):
            binds += ["--ro-bind", needed, needed]
        binds += ["--setenv", "PATH", f"{place}/bin:{_PATH}", "--setenv", "VIRTUAL_ENV", place]
    if mounts.door is not None:
        binds += ["--bind", str(mounts.door), DOOR]
    binds += ["--bind", str(mounts.output), OUT, "--chdir", OUT]
    return [*binds, "--remount-ro", "/"]


def _writable_in_proc() -> list[str]:
    """What of the kernel's own settings stands in /proc: to the kernel the job is the user that runs the node.

    When that is root, a job could otherwise write /proc/sys/kernel/core_pattern and be master of the machine.
    """
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit() or entry.is_symlink():
            continue
        if entry.is_dir(follow_symlinks=False) or entry.stat(follow_symlinks=False).st_mode & 0o222:
            found.append(entry.path)
    return sorted(found)


def _bwrap() -> str:
    return shutil.which("bwrap") or "bwrap"


def _in_memory(content: bytes) -> int:
    """A descriptor from which bwrap reads."""
    descriptor = os.memfd_create("bwrap")
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _limit(limits: Limits) -> None:
    """In the new process: what the kernel holds for each process of the job."""
    for what, most in (
        (resource.RLIMIT_CORE, 0),
        # Somewhat wider than what is watched, so that most jobs end with a word about the limit and not with a riddle.
        (resource.RLIMIT_DATA, limits.memory_bytes * 9 // 8 + _SLACK_BYTES),
        (resource.RLIMIT_FSIZE, limits.disk_bytes + _SLACK_BYTES),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_CPU, limits.cpu_s + 1),
    ):
        _soft, hard = resource.getrlimit(what)
        value = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (value, value))
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:  # noqa: PTH123
        score.write("1000")  # where memory runs out, the job goes and not the node
    mine = sorted(os.sched_getaffinity(0))
    offset = os.getpid() % len(mine)
    os.sched_setaffinity(0, [mine[(offset + n) % len(mine)] for n in range(min(limits.cores, len(mine)))])
