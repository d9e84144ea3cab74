"""What workers read, gathered in the process that opened the use, so that the node is told once for all of them.

Workers and opener stand on one machine as a rule: a worker leaves its figures in a socket of the opener, which asks nothing
of the node, and the opener tells the sum within a second, or when it ends the use. Where nobody listens (another machine, an
opener that died, a system without such sockets) the worker tells the node itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import sys
import threading
import weakref
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tsunagu.streaming.door import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST = 4096
_TELL_AFTER_S = 1.0
_PATIENCE_S = 5.0
_FIGURES = ("epochs", "rows", "bytes")


class Gathering:
    """The opener's end.

    Args:
        opening: Names the opening; only those who know it are listened to.
        own: What the opener reads itself.
        tell: Tells the node; called in a thread, a second after there was news.
    """

    def __init__(self, opening: str, own: Progress, tell: Callable[[Progress], None]) -> None:
        self._opening, self._own, self._tell = opening, own, tell
        self._found: dict[str, Progress] = {}
        self._lock = threading.Lock()
        self._telling: threading.Timer | None = None
        self._socket: socket.socket | None = None

    def listen(self) -> None:
        """Take what workers leave, from now on; where the system has no such sockets they tell the node themselves."""
        if self._socket is not None or sys.platform != "linux":
            return
        line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            line.bind(_address(self._opening))
        except OSError:
            line.close()
            return
        self._socket = line
        self._thread = threading.Thread(target=self._listen, args=(line,), name="tsunagu-gather", daemon=True)
        self._thread.start()
        _open.add(self)

    def end(self) -> Progress:
        """Listen no longer; everything that was read. What was left before this call is among it."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                _send(self._opening, {}, patience_s=_PATIENCE_S)  # behind all that waits already
                self._thread.join(_PATIENCE_S)
            self._socket.close()
        if self._telling is not None:
            self._telling.cancel()
            self._telling.join()
        return self.total()

    def total(self) -> Progress:
        """What the opener and its workers have read."""
        with self._lock:
            several = [self._own, *self._found.values()]
        return Progress(
            self._own.reader,
            max(one.epochs for one in several),
            sum(one.rows for one in several),
            sum(one.bytes for one in several),
        )

    def tell_soon(self) -> None:
        """There is news; several of them are told as one."""
        with self._lock:
            if self._telling is None:
                self._telling = threading.Timer(_TELL_AFTER_S, self._say)
                self._telling.daemon = True
                self._telling.start()

    def close_in_child(self) -> None:
        """A forked process holds no line open whose owner may be gone."""
        if self._socket is not None:
            self._socket.close()

    def _listen(self, line: socket.socket) -> None:
        while True:
            try:
                said = json.loads(line.recv(_LONGEST))
            except ValueError:
                continue
            except OSError:
                return
            if not isinstance(said, dict) or said.pop("opening", None) != self._opening:
                continue
            if not said:
                return
            with contextlib.suppress(KeyError, TypeError, ValueError):
                one = Progress(str(said["reader"]), *(int(said[name]) for name in _FIGURES))
                with self._lock:
                    self._found[one.reader] = one
                self.tell_soon()

    def _say(self) -> None:
        with self._lock:
            self._telling = None  # what comes from here on is told by the next
        self._tell(self.total())


def leave(opening: str, progress: Progress) -> bool:
    """Leave a worker's figures with the opener; False: nobody takes them, tell the node."""
    if sys.platform != "linux":
        return False
    try:
        _send(opening, asdict(progress), patience_s=0)
    except OSError:
        return False
    return True


def _address(opening: str) -> str:
    # Without a file, so it goes with its process. Everybody on the machine sees the name, so it does not tell the opening.
    return "\0tsunagu-" + hashlib.sha256(opening.encode()).hexdigest()[:40]


def _send(opening: str, said: dict[str, Any], *, patience_s: float) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.settimeout(patience_s)
        line.sendto(json.dumps({"opening": opening, **said}).encode(), _address(opening))


def _close_all() -> None:
    for one in _open:
        one.close_in_child()


_open: weakref.WeakSet[Gathering] = weakref.WeakSet()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_all)
