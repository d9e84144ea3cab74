"""Takes requests at the host names of notebooks and passes those on that control allows."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import html
import logging
import re
import signal
import urllib.parse
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import h11

from tsunagu.compute.gate import headers
from tsunagu.compute.gate.control import Control, RefusedError
from tsunagu.compute.gate.idle import Idle
from tsunagu.compute.gate.sockets import connect
from tsunagu.core import settings
from tsunagu.core.capabilities import Signer

logger = logging.getLogger(__name__)

ENTER = "/tsunagu-enter"
_PIECE = 64 << 10
_MOST_HEADERS = 64 << 10
_HEAD_S, _BODY_S, _ANSWER_S = 75.0, 60.0, 300.0
_ASK_AGAIN_S = 5.0
_BIND_AGAIN_S = 10.0
_MOST_CONNECTIONS = 1000
_STATIC = re.compile(r"/(static|lab/extensions|lab/static|kernelspecs)/")
_FIRST = "/"  # the notebook knows its first page

Ask = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Site:
    """The host name of one notebook."""

    run: str
    origin: str

    @property
    def is_secure(self) -> bool:
        """Whether browsers come by https."""
        return self.origin.startswith("https:")


class _GoneError(Exception):
    """The other side went away, or speaks no HTTP."""


class Peer:
    """One end of a connection and what h11 knows of it."""

    def __init__(self, role: Any, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.state = h11.Connection(role, max_incomplete_event_size=_MOST_HEADERS)
        self.reader, self.writer = reader, writer

    async def next(self, within_s: float) -> h11.Event | type[h11.PAUSED]:
        """The next event.

        Raises:
            _GoneError: there will be none.
        """
        try:
            while (event := self.state.next_event()) is h11.NEED_DATA:
                self.state.receive_data(await asyncio.wait_for(self.reader.read(_PIECE), within_s))
        except (h11.RemoteProtocolError, OSError, TimeoutError) as error:
            raise _GoneError from error
        return event  # type: ignore[return-value]

    async def send(self, event: h11.Event) -> None:
        """Say something.

        Raises:
            _GoneError: nobody listens.
        """
        try:
            if data := self.state.send(event):
                self.writer.write(data)
                await asyncio.wait_for(self.writer.drain(), _BODY_S)
        except (h11.LocalProtocolError, OSError, TimeoutError) as error:
            raise _GoneError from error

    async def body(self, within_s: float) -> AsyncIterator[h11.Event]:
        """What follows the head of a message, its end included."""
        while True:
            event = await self.next(within_s)
            if isinstance(event, h11.ConnectionClosed) or event is h11.PAUSED:
                raise _GoneError
            yield event  # type: ignore[misc]
            if isinstance(event, h11.EndOfMessage):
                return


class Gate:
    """The server.

    Args:
        control: Whom to ask.
        form: The address of a notebook, with ``{run}``.
    """

    def __init__(self, control: Control, form: str) -> None:
        self._control, self._form = control, form
        self.idle = Idle(control)
        before, after = (re.escape(part) for part in urllib.parse.urlsplit(form).netloc.split("{run}"))
        self._host = re.compile(rf"{before}([0-9a-z]{{26}}){after}\Z")
        self._open = 0

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a browser until it leaves."""
        browser = Peer(h11.SERVER, reader, writer)
        self._open += 1
        try:
            while self._open <= _MOST_CONNECTIONS:
                event = await browser.next(_HEAD_S)
                if not isinstance(event, h11.Request):
                    return
                await self._answer(browser, event)
                if (
                    browser.state.our_state is h11.MUST_CLOSE
                    or browser.state.states[h11.CLIENT] is not h11.DONE
                ):
                    return
                browser.state.start_next_cycle()
        except _GoneError:
            pass
        except Exception:
            logger.exception("gate_defect")
        finally:
            self._open -= 1
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, browser: Peer, request: h11.Request) -> None:
        found = self._host.match(headers.first(request.headers, b"host").lower())
        if found is None:
            await self._refuse(browser, None, 404, "There is no notebook at this address.", "")
            return
        run = found[1].upper()
        site = Site(run, self._form.replace("{run}", found[1]))
        path = request.target.decode("latin-1")
        method = request.method.decode("latin-1")
        is_upgrade = headers.first(request.headers, b"upgrade").lower() == "websocket"
        if method == "GET" and path.partition("?")[0] == ENTER:
            await self._enter(browser, site, path)
            return
        if not path.startswith("/") or not headers.is_own_origin(
            request.headers, method, site.origin, is_upgrade=is_upgrade
        ):
            await self._refuse(browser, site, 403, "Another page asked this of the notebook.", "")
            return
        cookie = headers.cookie_of(request.headers, is_secure=site.is_secure)
        try:
            is_static = method in {"GET", "HEAD"} and not is_upgrade and _STATIC.match(path) is not None
            await self._control.require(run, cookie, may_remember=is_static)
            door = await self._control.find(run)
        except RefusedError as error:
            await self._refuse(browser, site, 403, error.message, error.remedy)
            return
        if method not in {"GET", "HEAD"} or is_upgrade:
            self.idle.use(run)
        try:
            notebook = Peer(h11.CLIENT, *await connect(door.folder)) if door else None
        except (OSError, TimeoutError):
            notebook = None
        if notebook is None:
            await self._refuse(
                browser, site, 502, "The notebook does not answer.", "It may have ended; its page says so."
            )
            return
        try:
            await self._pass(
                browser, notebook, request, site, functools.partial(self._control.require, run, cookie)
            )
        finally:
            notebook.writer.close()

    async def _enter(self, browser: Peer, site: Site, path: str) -> None:
        word = urllib.parse.parse_qs(path.partition("?")[2]).get("word", [""])[0]
        try:
            cookie = await self._control.admit(site.run, word)
        except RefusedError as error:
            await self._refuse(browser, site, 403, error.message, error.remedy)
            return
        self.idle.use(site.run)
        await self._send(
            browser,
            303,
            [(b"Location", _FIRST.encode()), headers.set_cookie(cookie, is_secure=site.is_secure)],
            site,
            b"",
        )

    async def _pass(self, browser: Peer, notebook: Peer, request: h11.Request, site: Site, ask: Ask) -> None:
        is_upgrade = headers.first(request.headers, b"upgrade").lower() == "websocket"
        joined = (
            [(b"Connection", b"Upgrade"), (b"Upgrade", b"websocket")]
            if is_upgrade
            else [(b"Connection", b"close")]
        )
        await notebook.send(
            h11.Request(
                method=request.method,
                target=request.target,
                headers=[*headers.inwards(request.headers), *joined],
            )
        )
        async for piece in browser.body(_BODY_S):
            await notebook.send(piece)
        answer = await notebook.next(_ANSWER_S)
        if isinstance(answer, h11.InformationalResponse) and answer.status_code == 101 and is_upgrade:  # noqa: PLR2004
            kept = [(n, v) for n, v in answer.headers if n.startswith(b"sec-websocket")]
            await browser.send(h11.InformationalResponse(status_code=101, headers=[*kept, *joined]))
            await self._exchange(browser, notebook, site.run, ask)
            return
        if not isinstance(answer, h11.Response):
            raise _GoneError
        await browser.send(
            h11.Response(
                status_code=answer.status_code, headers=headers.outwards(answer.headers, site.origin)
            )
        )
        async for piece in notebook.body(_ANSWER_S):
            await browser.send(piece)

    async def _exchange(self, browser: Peer, notebook: Peer, run: str, ask: Ask) -> None:
        """Websocket bytes in both directions, for as long as control says yes."""
        tasks = {
            asyncio.create_task(_pump(browser, notebook)),
            asyncio.create_task(_pump(notebook, browser)),
            asyncio.create_task(_until_refused(ask)),
        }
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        logger.debug("websocket_closed", extra={"run": run})
        raise _GoneError  # nothing more is said on either connection

    async def _refuse(self, browser: Peer, site: Site | None, status: int, what: str, remedy: str) -> None:
        back = settings.current().control_address
        text = (
            f"<!doctype html><meta charset=utf-8><title>{html.escape(what)}</title><h1>{html.escape(what)}</h1>"
            f"<p>{html.escape(remedy)}</p><p><a href='{html.escape(back)}'>{html.escape(back)}</a></p>"
        )
        await self._send(
            browser, status, [(b"Content-Type", b"text/html; charset=utf-8")], site, text.encode()
        )

    @staticmethod
    async def _send(
        browser: Peer, status: int, more: headers.Headers, site: Site | None, body: bytes
    ) -> None:
        """An answer of the gate itself; the connection ends with it, for what the browser still sends is not read."""
        fixed = headers.guards(site.origin if site else "http://localhost")
        length = [
            (b"Content-Length", str(len(body)).encode()),
            (b"Connection", b"close"),
            (b"Cache-Control", b"no-store"),
        ]
        await browser.send(h11.Response(status_code=status, headers=[*more, *length, *fixed]))
        await browser.send(h11.Data(data=body))
        await browser.send(h11.EndOfMessage())


async def _pump(source: Peer, target: Peer) -> None:
    """All bytes from one side to the other; first what h11 had read beyond the switch."""
    data, _is_closed = source.state.trailing_data
    with contextlib.suppress(OSError):
        while True:
            if data:
                target.writer.write(data)
                await target.writer.drain()
            data = await source.reader.read(_PIECE)
            if not data:
                return


async def _until_refused(ask: Ask) -> None:
    while True:
        await asyncio.sleep(_ASK_AGAIN_S)
        try:
            await ask()
        except RefusedError:
            return


async def serve() -> None:
    """Until SIGTERM."""
    node = settings.current()
    control = Control(node.host, node.port, Signer.from_file(node.capability_key_file))
    gate = Gate(control, node.notebook_address("{run}"))
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    while True:
        try:
            server = await asyncio.start_server(gate.connected, node.host, node.notebooks_port_number)
            break
        except OSError as error:
            # The node is well without it; whoever opens a notebook sees that nothing answers.
            logger.warning(
                "notebooks_port_taken", extra={"port": node.notebooks_port_number, "why": str(error)}
            )
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), _BIND_AGAIN_S)
                return
    idle = asyncio.create_task(gate.idle.watch())
    await stopped.wait()
    idle.cancel()
    server.close()
