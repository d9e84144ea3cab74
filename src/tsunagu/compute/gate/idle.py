"""Which notebooks nobody uses: no kernel is at work, and nothing was run, saved or opened for a while."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import logging
import time
from typing import Any

from tsunagu.compute.gate.control import Control, Door, RefusedError
from tsunagu.compute.gate.sockets import connect

logger = logging.getLogger(__name__)

_ANSWER_S = 10.0
_MOST_ANSWER = 1 << 20


class Idle:
    """Remembers when each notebook was used last, and tells control of those that are not.

    Args:
        control: Where to tell.
    """

    def __init__(self, control: Control) -> None:
        self._control = control
        self._used_at: dict[str, float] = {}

    def use(self, run: str) -> None:
        """Somebody saved, ran or opened something."""
        self._used_at[run] = time.time()

    async def watch(self) -> None:
        """For ever."""
        while True:
            wait_s = 30.0
            with contextlib.suppress(RefusedError):  # control starts anew
                doors = await self._control.doors(fresh=True)
                self._used_at = {run: self._used_at.get(run, time.time()) for run in doors}
                for door in doors.values():
                    wait_s = min(wait_s, max(0.5, door.idle_s / 4))
                    if await self._is_idle(door):
                        logger.info("notebook_idle", extra={"run": door.run})
                        await self._control.say_idle(door.run)
            await asyncio.sleep(wait_s)

    async def _is_idle(self, door: Door) -> bool:
        if time.time() - self._used_at[door.run] < door.idle_s:
            return False  # without asking
        try:
            kernels = await asyncio.wait_for(_kernels(door), _ANSWER_S)
        except (OSError, ValueError, TimeoutError, TypeError, KeyError):
            return True  # it does not even answer
        for kernel in kernels:
            at = dt.datetime.fromisoformat(str(kernel["last_activity"])).timestamp()
            if kernel.get("execution_state") == "busy" or time.time() - at < door.idle_s:
                return False
        return True


async def _kernels(door: Door) -> list[dict[str, Any]]:
    """The notebook's own word about its kernels; who lies here stays open until the time limit, at their own cost."""
    reader, writer = await connect(door.folder)
    try:
        writer.write(b"GET /api/kernels HTTP/1.0\r\nHost: localhost\r\n\r\n")
        answer = await reader.read(_MOST_ANSWER)
        while not reader.at_eof() and len(answer) < _MOST_ANSWER:
            answer += await reader.read(_MOST_ANSWER - len(answer))
    finally:
        writer.close()
    found = json.loads(answer.partition(b"\r\n\r\n")[2])
    return [one for one in found if isinstance(one, dict)]
