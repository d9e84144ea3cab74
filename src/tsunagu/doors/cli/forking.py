"""Processes of a node that begin as copies of their parent: what it has loaded they share, in time and in memory."""

from __future__ import annotations

import gc
import os
import resource
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable

from setproctitle import setproctitle

from tsunagu.core import lifeline

_LOOK_EVERY_S = 0.05
_FIRST_OWN = 3  # after standard input, output and error


class Forked:
    """A copy of this process that runs a function; to be watched like a ``subprocess.Popen``.

    Args:
        title: What lists of processes call it.
        work: What it does. Neither exceptions nor ``SystemExit`` go beyond it.
    """

    def __init__(self, title: str, work: Callable[[], object]) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        self.returncode: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            _be_child(title, parent, work)

    def poll(self) -> int | None:
        """How it ended, negative for a signal; None while it runs."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout_s: float) -> int:
        """Wait for its end.

        Raises:
            subprocess.TimeoutExpired: it runs on.
        """
        deadline = time.monotonic() + timeout_s
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("", timeout_s)
            time.sleep(_LOOK_EVERY_S)
        return code

    def terminate(self) -> None:
        """Tell it to end."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)


def settle() -> None:
    """Call it before the first copy is made: what is there now is left out of the collector, whose marks would undo sharing."""
    gc.collect()
    gc.freeze()


def _be_child(title: str, parent: int, work: Callable[[], object]) -> None:
    """Never returns: what the parent has on its stack is not this process's to end."""
    code = 1
    try:
        # A group of its own: Ctrl-C in the terminal reaches the parent alone, which then stops them in order.
        os.setsid()
        lifeline.end_with_parent(signal.SIGTERM)
        if os.getppid() == parent:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            _close_all()
            setproctitle(title)
            work()
            code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:  # noqa: BLE001 - the last place where it can be said
        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)


def _close_all() -> None:
    """A lock of the parent would be held by its copies too, also when it is gone."""
    os.closerange(_FIRST_OWN, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
