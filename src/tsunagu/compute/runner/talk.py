"""What goes to control while a job runs: its log, piece by piece, and a sign of life; and back: that it was cancelled."""

from __future__ import annotations

import base64
import os
import signal
import threading

from tsunagu.client.errors import BadAnswerError, UnreachableError
from tsunagu.compute.runner.line import Line
from tsunagu.compute.runner.log import Kept
from tsunagu.core.errors import TsunaguError

_LOOK_EVERY_S = 0.3
_BEAT_EVERY = 6  # looks without news
_PIECE = 128 << 10


class Talk(threading.Thread):
    """Sends the log and a beat until it is ended; a cancelled job gets SIGTERM from here.

    Args:
        line: The line to control.
        log_bytes: How much of the log's beginning, and of its end, is kept.
    """

    def __init__(self, line: Line, log_bytes: int) -> None:
        super().__init__(name="talk", daemon=True)
        self._line = line
        self._kept = Kept(log_bytes)
        self._waiting = bytearray()
        self._sent = 0
        self._guard = threading.Lock()
        self._ended = threading.Event()

    def take(self, piece: bytes) -> None:
        """A piece of what the job printed."""
        with self._guard:
            self._waiting += self._kept.take(piece)

    def run(self) -> None:
        """Until ``end``."""
        quiet = 0
        while not self._ended.wait(_LOOK_EVERY_S):
            try:
                if self._send():
                    quiet = 0
                elif (quiet := quiet + 1) >= _BEAT_EVERY:
                    self._line.say("beat", patience=0)
                    quiet = 0
            except (UnreachableError, BadAnswerError):
                continue  # control may be starting anew; the job goes on
            except TsunaguError:
                self._line.is_cancelled = True  # control knows this run no more as one that goes on
            if self._line.is_cancelled:
                os.kill(os.getpid(), signal.SIGTERM)
                return

    def end(self) -> None:
        """Send what is left, the end of the log included."""
        self._ended.set()
        if self.is_alive():
            self.join()
        self._waiting += self._kept.rest()
        while self._send(patience=3):
            pass

    def _send(self, *, patience: int = 0) -> bool:
        """One piece of the log; false when there is none."""
        with self._guard:
            piece = bytes(self._waiting[:_PIECE])
        if not piece:
            return False
        text = base64.b64encode(piece).decode("ascii")
        self._line.say("log", patience=patience, offset=self._sent, piece=text)
        with self._guard:
            del self._waiting[: len(piece)]
            self._sent += len(piece)
        return True
