"""Progress on standard error: one moving line on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TYPE_CHECKING, Self, TextIO

from tsunagu.client.messages import text

if TYPE_CHECKING:
    from types import TracebackType

_REDRAW_S = 0.1
_PLAIN_S = 10.0


class Progress:
    """Counts files and bytes; shows nothing itself."""

    def __init__(self) -> None:
        self.files = 0
        self.byte_count = 0

    def add(self, files: int = 0, byte_count: int = 0) -> None:
        """Count what was done since the last call; negative counts take back."""
        self.files += files
        self.byte_count += byte_count

    def tell(self, line: str) -> None:
        """Say how far it is in other words than counts."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Clear what is on the screen."""


class ShownProgress(Progress):
    """Shows the counts.

    Args:
        label: The verb in front.
        stream: Standard error.
        clock: Replaced in tests.
    """

    def __init__(self, label: str, stream: TextIO | None = None) -> None:
        super().__init__()
        self._label = label
        self._stream = stream or sys.stderr
        self._is_terminal = self._stream.isatty()
        self._began = self._shown = time.monotonic()
        self._width = 0

    def add(self, files: int = 0, byte_count: int = 0) -> None:
        """Count, and show when it is time."""
        super().add(files, byte_count)
        now = time.monotonic()
        if now - self._shown >= (_REDRAW_S if self._is_terminal else _PLAIN_S):
            self._shown = now
            self._show(now)

    def tell(self, line: str) -> None:
        """Show a line when it is time."""
        now = time.monotonic()
        if now - self._shown >= (_REDRAW_S if self._is_terminal else _PLAIN_S):
            self._shown = now
            self._print(f"{self._label} {line}")

    def _show(self, now: float) -> None:
        rate = self.byte_count / max(now - self._began, 0.001)
        line = text(
            "progress",
            label=self._label,
            files=f"{self.files:,}",
            bytes=size(self.byte_count),
            rate=size(int(rate)),
        )
        self._print(line)

    def _print(self, line: str) -> None:
        if not self._is_terminal:
            print(line, file=self._stream, flush=True)
            return
        line = line[: max(20, shutil.get_terminal_size().columns - 1)]
        print(f"\r{line.ljust(self._width)}", end="", file=self._stream, flush=True)
        self._width = len(line)

    def close(self) -> None:
        """Clear the moving line."""
        if self._is_terminal and self._width:
            print(f"\r{' ' * self._width}\r", end="", file=self._stream, flush=True)
            self._width = 0


def size(count: int) -> str:
    """Bytes in decimal units, as disks and quotas are sold."""
    if abs(count) < 1000:  # noqa: PLR2004
        return f"{count} B"
    units = ["kB", "MB", "GB", "TB", "PB"]
    value = count / 1000
    while abs(value) >= 999.95 and len(units) > 1:  # noqa: PLR2004 - rounds to 1,000 otherwise
        value /= 1000
        units.pop(0)
    return f"{value:.1f} {units[0]}"
