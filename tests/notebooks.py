"""A real JupyterLab for tests: its environment, a node that opens notebooks, and a client of its websockets."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import sqlite3
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Coroutine
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from tests.node import Node, free_port

_Found = TypeVar("_Found")
ROOT = Path(__file__).resolve().parent.parent
ROOMS = ROOT / "src" / "tsunagu" / "compute"


def missing(environment: str, module: str) -> str:
    """Why an environment that tests/run.py installs cannot be used; empty when it can be."""
    found = list((ROOT / environment / "lib").glob(f"python3*/site-packages/{module}"))
    return "" if found else f"{environment} is not installed; tests/run.py does it"


def settings(**more: str) -> dict[str, str]:
    """What a node needs that opens notebooks."""
    return {"TSUNAGU_NOTEBOOK_SLOTS": "4", "TSUNAGU_NOTEBOOKS_PORT": str(free_port()), **more}


def lend(node: Node, environment: str, lock: Path) -> None:
    """Let a node use an environment that is installed already, as if it had built it."""
    from tsunagu.compute.environments.services import checked

    text = checked(lock.read_text("utf-8"))
    lock_hash = hashlib.sha256(text.encode()).hexdigest()
    place = node.home / "spool" / "environments" / lock_hash[:32]
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to((ROOT / environment).resolve())
    with closing(sqlite3.connect(node.home / "db.sqlite3", timeout=30)) as rows, rows:
        rows.execute(
            "insert into environments_environment (lock_hash, lock, state, reason, byte_count, asked_at)"
            " values (?, ?, 'ready', '', 0, '2026-01-01 00:00:00')",
            (lock_hash, text),
        )


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Addresses of notebooks are followed by hand: their host names are not in this machine's resolver."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Person:
    """Somebody in a browser of their own."""

    def __init__(self, node: Node, email: str) -> None:
        self.node = node
        self._opener = node.signed_in(email)
        jar = [h for h in self._opener.handlers if isinstance(h, urllib.request.HTTPCookieProcessor)]
        self._still = urllib.request.build_opener(NoRedirect, *jar)

    def get(self, path: str) -> str:
        """A page."""
        with self._opener.open(self.node.url + path, timeout=60) as page:
            return str(page.read().decode())

    def post(self, path: str, form: dict[str, str], *, seen: str = "/account") -> str:
        """Send a form; where that led."""
        secret = self.get(seen).split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        body = urllib.parse.urlencode({"csrfmiddlewaretoken": secret, **form}).encode()
        request = urllib.request.Request(self.node.url + path, body, {"Referer": self.node.url + seen})
        with self._opener.open(request, timeout=60) as page:
            return str(page.url)

    def answer(self, path: str) -> tuple[int, str]:
        """The status of an address, and where it leads."""
        try:
            with self._still.open(self.node.url + path, timeout=60) as page:
                return page.status, ""
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers.get("Location", "")

    def open(self, dataset: str, output: str, **form: str) -> str:
        """Open a notebook as the page does; the id of its run."""
        page = self.post(f"/d/{dataset}/notebook", {"output": output, **form})
        return page.rsplit("/", 1)[1]

    def enter(self, run: str, *, timeout_s: float = 60, trusted: ssl.SSLContext | None = None) -> Lab:
        """Into a notebook, once it can be entered; ``trusted`` where it is reached by TLS."""
        deadline = time.monotonic() + timeout_s
        while (found := self.answer(f"/runs/{run}/enter"))[0] != 302:
            assert time.monotonic() < deadline, (found, self.get(f"/runs/{run}"))
            time.sleep(0.3)
        return Lab(found[1], trusted)


class Lab:
    """A browser inside a notebook, without its screen.

    Args:
        address: What control answered; its word works once.
        trusted: Whose certificates, where the address is one of TLS.
    """

    def __init__(self, address: str, trusted: ssl.SSLContext | None = None) -> None:
        parts = urllib.parse.urlsplit(address)
        self.host, self.word = parts.netloc, f"{parts.path}?{parts.query}"
        self.scheme, self._trusted = parts.scheme, trusted
        self.base = f"{parts.scheme}://127.0.0.1:{parts.port}"
        self.cookies: dict[str, str] = {}
        status, self.entered = self.ask("GET", self.word)
        assert status == 303, self.entered
        self.ask("GET", "/lab")

    def headers(self, **more: str) -> dict[str, str]:
        """What the browser sends."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        own = {"Host": self.host, "Origin": f"{self.scheme}://{self.host}", "Cookie": cookies}
        return {**own, "X-XSRFToken": self.cookies.get("_xsrf", ""), **more}

    def _session(self) -> aiohttp.ClientSession:
        line = aiohttp.TCPConnector(ssl=self._trusted) if self._trusted else None
        return aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), connector=line)

    def ask(self, method: str, path: str, content: Any = None, **more: str) -> tuple[int, Any]:
        """A request; its status and what came, as JSON where it is some."""
        return asyncio.run(self._to_the_end(self._ask(method, path, content, more)))

    async def _ask(self, method: str, path: str, content: Any, more: dict[str, str]) -> tuple[int, Any]:
        async with (
            self._session() as session,
            session.request(
                method, self.base + path, json=content, headers=self.headers(**more), allow_redirects=False
            ) as answer,
        ):
            text = await answer.text()
            for line in answer.headers.getall("Set-Cookie", []):
                name, _is, value = line.partition(";")[0].partition("=")
                self.cookies[name] = value
            self.last = answer.headers
            try:
                return answer.status, json.loads(text)
            except ValueError:
                return answer.status, text

    def kernel(self) -> str:
        """A new kernel."""
        status, found = self.ask("POST", "/api/kernels", {"name": "python3"})
        assert status == 201, found
        return str(found["id"])

    def execute(self, kernel: str, code: str, *, until: Callable[[str], bool] = lambda _: False) -> str:
        """What code prints in a kernel, errors included; up to its end, or to what ``until`` waits for."""
        return asyncio.run(self._to_the_end(self._execute(kernel, code, until)))

    async def _to_the_end(self, work: Coroutine[Any, Any, _Found]) -> _Found:
        found = await work
        if self._trusted:  # connections of TLS are closed a while after their session
            await asyncio.sleep(0.25)
        return found

    async def _execute(self, kernel: str, code: str, until: Callable[[str], bool]) -> str:
        header = {
            "msg_id": "1",
            "username": "",
            "session": "s",
            "msg_type": "execute_request",
            "version": "5.3",
        }
        content = {"code": code, "silent": False, "store_history": False, "user_expressions": {}}
        content |= {"allow_stdin": False, "stop_on_error": True}
        message = {
            "header": header,
            "parent_header": {},
            "metadata": {},
            "content": content,
            "channel": "shell",
        }
        printed = ""
        async with (
            self._session() as session,
            session.ws_connect(
                f"{self.base}/api/kernels/{kernel}/channels",
                headers=self.headers(),
                timeout=aiohttp.ClientWSTimeout(),
            ) as line,
        ):
            await line.send_json({**message, "buffers": []})
            is_idle = has_reply = False
            while not ((is_idle and has_reply) or until(printed)):
                came = await line.receive(timeout=60)
                if came.type is not aiohttp.WSMsgType.TEXT:
                    return f"{printed}[closed]"
                said = json.loads(came.data)
                if said["parent_header"].get("msg_id") != "1":
                    continue
                kind, inside = said["msg_type"], said["content"]
                printed += inside["text"] if kind == "stream" else ""
                printed += "\n".join(inside["traceback"]) if kind == "error" else ""
                is_idle |= kind == "status" and inside["execution_state"] == "idle"
                has_reply |= kind == "execute_reply"
        return re.sub(r"\x1b\[[0-9;]*m", "", printed)


def wait_for(node: Node, run: str, states: set[str], *, timeout_s: float = 60) -> dict[str, Any]:
    """A run, once it is in one of these states."""
    deadline = time.monotonic() + timeout_s
    while True:
        _status, found = node.api("GET", f"/runs/{run}")
        if found["state"] in states:
            return dict(found)
        assert time.monotonic() < deadline, found["state"]
        time.sleep(0.2)


__all__ = ["ROOMS", "Lab", "Person", "lend", "missing", "settings", "wait_for"]
