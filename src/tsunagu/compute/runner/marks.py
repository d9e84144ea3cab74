"""What lies beside a job in its folder, by name; whether its wrapper lives; and the removal of it all."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

PID_FILE, RESULT_FILE = "wrapper.pid", "result.json"
# Laid beside the job by the node that owns the machine before it ends the job of another one.
WITHDRAWN_FILE = "withdrawn"
# Laid beside a server by the node: it ends, and what it wrote is kept. Its text says why.
FINISH_FILE, DOOR_FOLDER, OUT_FOLDER = "finish", "door", "out"


def leave_pid(folder: Path) -> None:
    """Write down which process does the job."""
    (folder / PID_FILE).write_text(f"{os.getpid()} {_birth(os.getpid())}", "utf-8")


def is_alive(folder: Path) -> bool:
    """Whether the wrapper of a job's folder still runs on this machine."""
    try:
        pid, birth = (folder / PID_FILE).read_text("utf-8").split()
        return _birth(int(pid)) == birth
    except (OSError, ValueError):
        return False


def _birth(pid: int) -> str:
    """When a process started, which tells it from a later one of the same number; empty: it is gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]


def remove(folder: Path) -> None:
    """Remove a folder of which a job may have taken rights away from its own files."""
    if not folder.exists():
        return
    import shutil  # a small job waits until everything is loaded, and this is for its end

    for place, _folders, _files in os.walk(folder):
        with contextlib.suppress(OSError):
            os.chmod(place, 0o700)  # noqa: PTH101 - never through a link: os.walk names folders alone
    shutil.rmtree(folder, ignore_errors=True)
