"""The agent's own folder: address and token, ledger, log, and a lock so that two agents never share it."""

from __future__ import annotations

import contextlib
import json
import logging
import logging.handlers
import os
import sys
from typing import Any

_LOG_BYTES, _LOG_FILES = 1_000_000, 5


class HomeInUseError(Exception):
    """Another agent works in this folder."""


def default_home() -> str:
    """Where this system keeps such things."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.expanduser("~\\AppData\\Local")
        return os.path.join(base, "TsunaguAgent")
    if sys.platform == "darwin":
        return os.path.expanduser("~/Library/Application Support/TsunaguAgent")
    base = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return os.path.join(base, "tsunagu-agent")


class Home:
    """The folder; `hold` before anything is written."""

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(path)
        self._lock: int | None = None

    def file(self, name: str) -> str:
        """A file in it."""
        return os.path.join(self.path, name)

    def hold(self) -> None:
        """Make the folder and lock it until the process ends, however it ends.

        Raises:
            HomeInUseError: another agent holds it.
        """
        os.makedirs(self.path, mode=0o700, exist_ok=True)
        handle = os.open(self.file("lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(handle)
        except OSError:
            os.close(handle)
            raise HomeInUseError(self.path) from None
        self._lock = handle

    def release(self) -> None:
        """Let another agent have it."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def is_held(self) -> bool:
        """Whether an agent works in it now."""
        if not os.path.exists(self.file("lock")):
            return False
        try:
            self.hold()
        except HomeInUseError:
            return True
        self.release()
        return False

    def settings(self) -> dict[str, str]:
        """What `keep` wrote; empty when the agent was never started."""
        with contextlib.suppress(OSError, ValueError), open(
            self.file("agent.json"), encoding="utf-8"
        ) as file:
            kept = json.load(file)
            if isinstance(kept, dict):
                return {str(key): str(value) for key, value in kept.items()}
        return {}

    def keep(self, settings: dict[str, str]) -> None:
        """Keep address and token, readable by this account alone."""
        fresh = self.file("agent.json.new")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(fresh)
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(settings, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, self.file("agent.json"))

    def kept_at(self) -> int:
        """When `keep` wrote last, in nanoseconds; changes when another start brings a new token."""
        try:
            return os.stat(self.file("agent.json")).st_mtime_ns
        except OSError:
            return 0

    def log(self) -> logging.Logger:
        """The log file; it turns over by size and never fills the PC's disk."""
        logger = logging.getLogger("tsunagu.agent")
        logger.setLevel(logging.INFO)
        logger.propagate = False
        for old in list(logger.handlers):
            logger.removeHandler(old)
            old.close()
        handler = logging.handlers.RotatingFileHandler(
            self.file("agent.log"), maxBytes=_LOG_BYTES, backupCount=_LOG_FILES, encoding="utf-8"
        )
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        logger.addHandler(handler)
        return logger

    def close_log(self) -> None:
        """Close the log file."""
        logger = logging.getLogger("tsunagu.agent")
        for handler in list(logger.handlers):
            logger.removeHandler(handler)
            handler.close()


def _lock(handle: int) -> None:
    if os.name == "nt":  # pragma: no cover - runs on Windows
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        return
    import fcntl

    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def shown(value: Any) -> str:
    """A value in a log line: one word or a quoted text."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=True, default=str)
    return text if text.isprintable() and " " not in text else json.dumps(text, ensure_ascii=True)
