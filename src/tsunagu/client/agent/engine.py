"""The wheel of the agent: look at every folder, send for a while, report, wait. One thread, one ledger."""

from __future__ import annotations

import datetime as dt
import logging
import random
import sqlite3
import time
from typing import Any, Callable, Mapping, NamedTuple

from . import report
from .home import shown
from .ledger import Ledger
from .line import Limiter, Line, OfflineError
from .node import DeniedError, NodeDoor, TokenRefusedError
from .sending import Sender
from .watching import FolderWatch

_CONFIG_S, _BEAT_S = 60.0, 30.0
_FIRST_WAIT_S, _LONGEST_WAIT_S, _REFUSED_WAIT_S = 5.0, 300.0, 900.0
_SEND_S = 10.0  # then the folders are looked at again, and small files go before the rest of a large one
_QUIET_EVENTS = frozenset({"at_rest", "moved"})


class Wishes(NamedTuple):
    """How an engine is set up.

    Attributes:
        config: A fixed configuration (``tsunagu watch``), or None to ask the node for the instrument's.
        patience: Multiplies waiting times (not the settling time); tests are impatient.
        own_folder: The agent's home, which is never sent.
        on_event: Told of everything that happens, as (name, fields).
    """

    config: Mapping[str, Any] | None = None
    patience: float = 1.0
    on_event: Callable[[str, Mapping[str, Any]], None] = lambda _name, _fields: None
    own_folder: str = ""
    ca_file: str = ""
    client: str = ""


class Engine:
    """Watches and sends until it is told to stop.

    Args:
        url: The node.
        token: The instrument's token, or a person's with a fixed configuration.
        ledger: Its memory.
        log: Where it writes what it does.
        wishes: The rest.
    """

    def __init__(self, url: str, token: str, ledger: Ledger, log: logging.Logger, wishes: Wishes) -> None:
        self.ledger, self.wishes, self._log = ledger, wishes, log
        self._limiter = Limiter()
        self._door = NodeDoor(
            url, token, Line(wishes.ca_file, self._limiter, self._breathe), client=wishes.client
        )
        # Reports go over a connection of their own: they are made while a body is under way on the other.
        self._beats = NodeDoor(url, token, Line(wishes.ca_file), client=wishes.client)
        self._sender = Sender(self._door, ledger, tell=self.tell, patience=wishes.patience)
        self.folders: list[FolderWatch] = []
        self.config: Mapping[str, Any] = {}
        self.state = "starting"  # online | offline | refused
        self.is_resting = False  # outside the time of day for sending
        self.reason = ""
        self.clock_offset_s: float | None = ledger.fact("clock_offset_s")
        self._ask_at = self._beat_at = self._line_at = 0.0
        self._failures = 0
        self._is_breathing = False
        if ledger.fact("node") not in {None, url}:
            self.tell("node_moved", files=ledger.ask_again())
        ledger.remember("node", url)
        kept = wishes.config if wishes.config is not None else ledger.fact("config")
        if kept is not None:
            self._configure(kept)

    def close(self) -> None:
        """Close the connections."""
        self._door.close()
        self._beats.close()

    def tell(self, event: str, **fields: Any) -> None:
        """Write an event into the log and pass it on."""
        if event not in _QUIET_EVENTS:
            level = (
                logging.WARNING
                if event in {"problem", "refused", "folder_missing", "vanished"}
                else logging.INFO
            )
            self._log.log(
                level, "%s %s", event, " ".join(f"{key}={shown(value)}" for key, value in fields.items())
            )
        self.wishes.on_event(event, fields)

    @property
    def poll_s(self) -> float:
        """Time between two looks."""
        return max(0.05, float(self.config.get("poll_s") or 5.0))

    def cycle(self) -> bool:
        """One turn; whether more could be sent at once."""
        now = time.monotonic()
        if now >= self._line_at:
            self._ask(now)
        for folder in self.folders:
            folder.look(time.monotonic())
        return self._send()

    def _ask(self, now: float) -> None:
        """Fetch the configuration and report, when it is time."""
        if self.wishes.config is not None:
            if self.state != "online":
                self._online_or_not(self._greet)
            return
        self._online_or_not(lambda: self._fetch(now))
        if time.monotonic() >= self._line_at and time.monotonic() >= self._beat_at:
            self._online_or_not(self._beat)

    def _greet(self) -> None:
        self._beats.who()
        self._reached()

    def _fetch(self, now: float) -> None:
        if now < self._ask_at and self.state == "online":
            return
        self._ask_at = now + _CONFIG_S * self.wishes.patience
        began = time.time()
        config = self._beats.config()
        self._compare_clocks(str(config.pop("server_time", "")), (began + time.time()) / 2)
        if config != self.ledger.fact("config"):
            self.ledger.remember("config", config)
            self._configure(config)
        self._reached()

    def _configure(self, config: Mapping[str, Any]) -> None:
        if {**config} != {**self.config}:
            self.ledger.forget_ignored()
        self.config = config
        rate = float(config.get("bandwidth_bytes_s") or 0)
        self._limiter.rate = rate
        self._sender.limit_pieces(rate)
        self.folders = [
            FolderWatch(folder, self.ledger, poll_s=self.poll_s, tell=self.tell, skip=self.wishes.own_folder)
            for folder in config.get("folders") or ()
        ]
        self._sender.folders = [folder.path for folder in self.folders]
        for folder in self.folders:
            folder.siblings = self._sender.folders
        self.tell("configured", folders=[folder.path for folder in self.folders])

    def _send(self) -> bool:
        if time.monotonic() < self._line_at:
            return False
        was_resting = self.is_resting
        self.is_resting = not is_open(
            str(self.config.get("window") or ""), time.time() + (self.clock_offset_s or 0.0)
        )
        if self.is_resting:
            if not was_resting:
                self.tell("resting")
            return False
        until = time.monotonic() + max(_SEND_S * self.wishes.patience, self.poll_s)
        is_more = True

        def turn() -> None:
            nonlocal is_more
            while is_more and time.monotonic() < until:
                is_more = self._sender.step(self._is_time_up(until))
                self._reached() if is_more else None

        self._online_or_not(turn)
        return is_more and time.monotonic() >= self._line_at

    def _is_time_up(self, until: float) -> Callable[[], bool]:
        def is_up() -> bool:
            self._breathe()
            return time.monotonic() >= until

        return is_up

    def _breathe(self) -> None:
        """Called in the middle of long work: a report must not wait for the end of a large file."""
        if self.wishes.config is not None or self._is_breathing or time.monotonic() < self._beat_at:
            return
        self._is_breathing = True
        try:
            self._beat()
        except (OfflineError, TokenRefusedError, DeniedError):
            self._beat_at = time.monotonic() + _BEAT_S * self.wishes.patience
        finally:
            self._is_breathing = False

    def _beat(self) -> None:
        self._beat_at = time.monotonic() + min(_BEAT_S, 6 * self.poll_s) * self.wishes.patience
        began = time.time()
        answer = self._beats.heartbeat(report.beat(self))
        self._compare_clocks(str(answer.get("server_time", "")), (began + time.time()) / 2)
        self._reached()

    def _compare_clocks(self, server_time: str, own_s: float) -> None:
        """Server minus agent, in seconds; only people and the window of the day use it."""
        try:
            parsed = dt.datetime.strptime(server_time, "%Y-%m-%dT%H:%M:%S.%fZ").replace(
                tzinfo=dt.timezone.utc
            )
        except ValueError:
            return
        offset = round(parsed.timestamp() - own_s, 1)
        if self.clock_offset_s is None or abs(offset - self.clock_offset_s) > 1:
            self.ledger.remember("clock_offset_s", offset)
            self.clock_offset_s = offset

    def _online_or_not(self, act: Callable[[], None]) -> None:
        try:
            act()
        except OfflineError as error:
            self._failures += 1
            longest = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2 ** min(self._failures - 1, 10))
            self._wait("offline", str(error), longest)
        except TokenRefusedError:
            self._wait("refused", "token", _REFUSED_WAIT_S)
        except DeniedError as error:
            self._wait("refused", error.title, _REFUSED_WAIT_S)

    def _wait(self, state: str, reason: str, longest_s: float) -> None:
        jitter = random.uniform(0.5, 1.0)  # noqa: S311 - spreads agents, keeps no secret
        self._line_at = time.monotonic() + longest_s * self.wishes.patience * jitter
        self._become(state, reason)

    def _reached(self) -> None:
        self._failures = 0
        self._become("online")

    def _become(self, state: str, reason: str = "") -> None:
        is_news = state != self.state
        self.state, self.reason = state, reason
        if is_news:
            self.tell(state, reason=reason)

    def run(self, is_stopped: Callable[[], bool], sleep: Callable[[float], None] = time.sleep) -> None:
        """Turn until told to stop."""
        while not is_stopped():
            began = time.monotonic()
            try:
                if self.cycle():
                    continue
            except (OSError, sqlite3.Error, ValueError, KeyError) as error:
                # A full disk under the ledger, or an answer out of shape: nothing is lost, and the next turn may go well.
                self._log.exception("turn_failed")
                self._wait("offline", f"{type(error).__name__}: {error}", _LONGEST_WAIT_S)
            while not is_stopped() and time.monotonic() - began < self.poll_s:
                sleep(min(0.2, self.poll_s))

    def run_once(self, is_stopped: Callable[[], bool], sleep: Callable[[float], None] = time.sleep) -> None:
        """Turn until everything that is at rest was sent, or the node cannot be reached."""
        while not is_stopped():
            is_more = self.cycle()
            if self.state in {"offline", "refused"} or self.is_resting:
                break
            if not is_more and not self.moving():
                break
            if not is_more:
                sleep(self.poll_s)
        if self.wishes.config is None and self.state == "online":
            self._online_or_not(self._beat)

    def moving(self) -> int:
        """How many files may still come to rest soon."""
        now = time.monotonic()
        settle_s = max(
            [float(folder.get("settle_s", 10)) for folder in self.config.get("folders") or ()] or [0.0]
        )
        return sum(folder.moving(now, 3 * settle_s + 5 * self.poll_s) for folder in self.folders)


def is_open(window: str, now_s: float) -> bool:
    """Whether files may be sent now; ``18:00-07:00`` is a time of day of this PC's zone, and may cross midnight."""
    if not window:
        return True
    begin, _, end = window.partition("-")
    now = time.strftime("%H:%M", time.localtime(now_s))
    return begin <= now < end if begin <= end else now >= begin or now < end
