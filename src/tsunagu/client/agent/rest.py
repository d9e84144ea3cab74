"""When a file is at rest: seen with the same size and time over a while, by the agent's own steady clock.

Neither "the time of change is old" (copies keep old times) nor the wall clock (it jumps) can say that.
"""

from __future__ import annotations

from typing import Hashable

_LEAST_POLLS = 2


class _Seen:
    __slots__ = ("began_s", "counted_s", "is_shrunk", "last_s", "mtime_ns", "polls", "size")

    def __init__(self, size: int, mtime_ns: int, now_s: float) -> None:
        self.began_s = self.last_s = now_s
        self.size, self.mtime_ns = size, mtime_ns
        self.counted_s = 0.0
        self.polls = 1
        self.is_shrunk = False


class Rest:
    """Observations of files that are not at rest yet; in memory only, a restart begins anew.

    Args:
        settle_s: How long size and time must stay the same.
        step_s: At most so much of the time between two looks counts: a PC that slept did not watch.
    """

    def __init__(self, settle_s: float, step_s: float) -> None:
        self.settle_s, self.step_s = settle_s, step_s
        self._seen: dict[Hashable, _Seen] = {}

    def look(self, key: Hashable, size: int, mtime_ns: int, now_s: float) -> bool:
        """One observation on the steady clock, seconds; whether the file is at rest by now."""
        seen = self._seen.get(key)
        if seen is None:
            seen = self._seen[key] = _Seen(size, mtime_ns, now_s)
            return False
        if (seen.size, seen.mtime_ns) != (size, mtime_ns):
            seen.is_shrunk = size < seen.size
            seen.size, seen.mtime_ns, seen.counted_s, seen.polls, seen.last_s = size, mtime_ns, 0.0, 1, now_s
            return False
        if now_s <= seen.last_s:
            return self.is_at_rest(key)  # the same look twice counts once
        seen.counted_s += min(now_s - seen.last_s, self.step_s)
        seen.polls += 1
        seen.last_s = now_s
        return self.is_at_rest(key)

    def is_at_rest(self, key: Hashable) -> bool:
        """Whether enough looks found it unchanged."""
        seen = self._seen.get(key)
        return seen is not None and seen.polls >= _LEAST_POLLS and seen.counted_s >= self.settle_s

    def moves_since_s(self, key: Hashable) -> float | None:
        """When the file was first seen moving, on the steady clock; None when it is not watched."""
        seen = self._seen.get(key)
        return None if seen is None else seen.began_s

    def is_shrunk(self, key: Hashable) -> bool:
        """Whether its last change made it smaller."""
        seen = self._seen.get(key)
        return seen is not None and seen.is_shrunk

    def forget(self, key: Hashable) -> None:
        """It was taken, or it is gone."""
        self._seen.pop(key, None)
