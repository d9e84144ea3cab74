"""Which node runs on a home: the lock says whether, the file in it says who."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tsunagu.core import settings
from tsunagu.core.errors import TsunaguError

_STOP_WITHIN_S = 40.0


class HomeInUseError(TsunaguError):
    """A node runs on this home already."""

    code = "node.home_in_use"
    default_message = "A node runs on this home already."


@dataclass(frozen=True, slots=True)
class RunningNode:
    """The parent process of a node, where people reach control, and the ports of control and bytes."""

    home: Path
    pid: int
    control: str
    is_ready: bool
    ports: tuple[int, int]

    def stop(self) -> None:
        """End it gently and wait.

        Raises:
            TsunaguError: it does not end.
        """
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_WITHIN_S
        while running_node(self.home):
            if time.monotonic() > deadline:
                raise TsunaguError(f"The node (process {self.pid}) does not end.", remedy=f"kill {self.pid}")
            time.sleep(0.1)


def running_node(home: Path) -> RunningNode | None:
    """The node that runs on the home, if one does."""
    try:
        with _lock_file(home).open("r+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                said = json.loads(lock.read() or "{}")
                control, data = said.get("ports") or (0, 0)
                return RunningNode(
                    home,
                    int(said.get("pid", 0)),
                    str(said.get("control", "")),
                    bool(said.get("ready")),
                    (int(control), int(data)),
                )
    except (FileNotFoundError, ValueError):
        return None
    return None


@contextlib.contextmanager
def only_one(node: settings.Settings) -> Iterator[Callable[[], None]]:
    """Hold the lock of a home; yields a function that says in it that the node answers.

    Raises:
        HomeInUseError: another node holds it.
    """
    with _lock_file(node.home).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HomeInUseError(
                f"A node runs on {node.home} already.", remedy="Use it, or give another --home."
            ) from None

        def write(*, ready: bool) -> None:
            lock.truncate(0)
            said = {"pid": os.getpid(), "control": node.control_address, "ready": ready}
            lock.write(json.dumps({**said, "ports": [node.port, node.bytes_port_number]}))
            lock.flush()

        write(ready=False)
        yield lambda: write(ready=True)
        lock.truncate(0)


def left_behind(home: Path) -> bool:
    """Whether the last node of the home did not end by itself."""
    with contextlib.suppress(FileNotFoundError):
        return _lock_file(home).stat().st_size > 0
    return False


def _lock_file(home: Path) -> Path:
    return home / "run" / "node.lock"
