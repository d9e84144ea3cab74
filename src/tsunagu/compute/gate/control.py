"""What the gate asks control, signed with the key that both share, in threads beside the loop."""

from __future__ import annotations

import asyncio
import http.client
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tsunagu.core import clock
from tsunagu.core.capabilities import Signer
from tsunagu.core.errors import TsunaguError

_ANSWER_S = 20.0
_OK = 200
_LISTED_S = 5.0
_REMEMBERED_S = 10.0
_MOST_REMEMBERED = 10_000


class RefusedError(TsunaguError):
    """Control says no, in its own words."""

    code = "gate.refused"
    status = 403


@dataclass(frozen=True, slots=True)
class Door:
    """A notebook that goes on: the folder of its socket, and when it counts as left alone."""

    run: str
    folder: Path
    idle_s: float


@dataclass(slots=True)
class Control:
    """Control, as the gate sees it.

    Attributes:
        host: Where it listens.
        port: See there.
        signer: Of this node.
    """

    host: str
    port: int
    signer: Signer
    _doors: dict[str, Door] = field(default_factory=dict)
    _listed_at: float = float("-inf")
    _allowed: dict[tuple[str, str], float] = field(default_factory=dict)

    async def admit(self, run: str, word: str) -> str:
        """The cookie for a word.

        Raises:
            RefusedError: control says no, or nothing.
        """
        return str((await self._ask("admit", run=run, word=word))["cookie"])

    async def require(self, run: str, cookie: str, *, may_remember: bool = False) -> None:
        """Go on only if the browser with this cookie may speak to this notebook now.

        Args:
            run: Of the notebook.
            cookie: What the browser sent.
            may_remember: An answer of the last ten seconds is enough: what is asked for is a file of JupyterLab itself.

        Raises:
            RefusedError: control says no, or nothing.
        """
        now = time.monotonic()
        if may_remember and self._allowed.get((run, cookie), 0.0) > now:
            return
        try:
            await self._ask("check", run=run, cookie=cookie)
        except RefusedError:
            self._allowed.pop((run, cookie), None)
            raise
        if len(self._allowed) > _MOST_REMEMBERED:
            self._allowed.clear()
        self._allowed[(run, cookie)] = now + _REMEMBERED_S

    async def doors(self, *, fresh: bool = False) -> dict[str, Door]:
        """Every notebook that goes on, as of a few seconds ago."""
        if fresh or time.monotonic() > self._listed_at + _LISTED_S:
            rows = (await self._ask("listing"))["notebooks"]
            self._doors = {
                row["run"]: Door(row["run"], Path(row["door"]), float(row["idle_s"])) for row in rows
            }
            self._listed_at = time.monotonic()
        return self._doors

    async def find(self, run: str) -> Door | None:
        """Where a notebook is; None: it does not go on."""
        found = (await self.doors()).get(run)
        return found or (await self.doors(fresh=True)).get(run)

    async def say_idle(self, run: str) -> None:
        """Nobody uses this one.

        Raises:
            RefusedError: control says no, or nothing.
        """
        await self._ask("idle", run=run)

    async def _ask(self, what: str, **content: Any) -> dict[str, Any]:
        return await asyncio.to_thread(self._call, what, content)

    def _call(self, what: str, content: dict[str, Any]) -> dict[str, Any]:
        body = json.dumps({"at": clock.epoch_s(), **content}).encode()
        headers = {"Content-Type": "application/json", "Tsunagu-Signature": self.signer.sign_message(body)}
        line = http.client.HTTPConnection(self.host, self.port, timeout=_ANSWER_S)
        try:
            line.request("POST", f"/internal/notebooks/{what}", body, headers)
            answer = line.getresponse()
            said: dict[str, Any] = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            raise RefusedError(
                "The control server of the node does not answer.", remedy="Try again in a moment."
            ) from None
        finally:
            line.close()
        if answer.status != _OK:
            raise RefusedError(
                str(said.get("title") or "The node refused this."), remedy=str(said.get("remedy") or "")
            )
        return said
