"""What a job prints, bounded: its beginning as it comes, its end when it is over, and how much is missing between."""

from __future__ import annotations


class Kept:
    """Takes the output of a job piece by piece and says what is to be kept of it.

    Args:
        most: Bytes that are kept of the beginning, and as many of the end.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._tail = bytearray()
        self.total = 0

    def take(self, piece: bytes) -> bytes:
        """What of a piece belongs to the beginning; the rest is held for the end."""
        room = max(0, self._most - self.total)
        self.total += len(piece)
        self._tail += piece[room:]
        if len(self._tail) > 2 * self._most:
            del self._tail[: -self._most]
        return piece[:room]

    def rest(self) -> bytes:
        """The end, after a line that says what was cut."""
        end = bytes(self._tail[-self._most :]) if self._tail else b""
        cut = self.total - min(self.total, self._most) - len(end)
        if cut <= 0:
            return end
        return f"\n[... {cut:,} bytes of the log were left out here ...]\n".encode() + end
