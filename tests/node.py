"""A real node for tests: its own home and ports, started as a person would, stopped by id."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TSUNAGU = str(Path(sys.executable).parent / "tsunagu")


def free_port() -> int:
    """A port whose successor is free too.

    Below the range of outgoing connections: a client that tries again and again to reach a node that is down could
    otherwise be given the node's own port, connect to itself, and hold the port.
    """
    while True:
        port = random.randrange(20_000, 32_000, 2)
        with socket.socket() as one, socket.socket() as two, contextlib.suppress(OSError):
            one.bind(("127.0.0.1", port))
            two.bind(("127.0.0.1", port + 1))
            return port


class Node:
    """A running node."""

    def __init__(self, home: Path, port: int, extra: dict[str, str] | None = None) -> None:
        self.home, self.port = home, port
        self.url = f"http://localhost:{port}"
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith(("TSUNAGU_", "DJANGO_"))
        }
        self.environment = {**clean, "TSUNAGU_PORT": str(port), "PYTHONUNBUFFERED": "1"}
        # The gate to notebooks would take a port that another test's node may hold.
        self.environment |= {"TSUNAGU_NOTEBOOK_SLOTS": "0", **(extra or {})}
        self.process: subprocess.Popen[bytes] | None = None
        self.token = ""

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "up.log").open("ab") as log:
            self.process = subprocess.Popen(
                [TSUNAGU, "up", "--home", str(self.home), "--port", str(self.port)],
                stdout=log,
                stderr=log,
                env=self.environment,
                start_new_session=True,
            )
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            with contextlib.suppress(OSError):
                for port in (self.port, self.port + 1):
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).close()
                return
            time.sleep(0.1)
        ended = f"(exit code {self.process.poll()})"
        raise RuntimeError(
            f"the node did not start {ended}: {(self.home / 'up.log').read_text('utf-8')[-3000:]}"
        )

    def stop(self) -> int:
        """Stop it gently."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def kill(self) -> None:
        """SIGKILL to the parent and all it started, at once."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)  # so that it starts no child that the list would miss
        found = self.children()
        for pid in [self.process.pid, *found]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(30)
        deadline = time.monotonic() + 20
        while (
            any(Path(f"/proc/{pid}").exists() and not _is_zombie(pid) for pid in found)
            and time.monotonic() < deadline
        ):
            time.sleep(0.02)

    def children(self) -> list[int]:
        """Ids of every process below the node's parent."""
        assert self.process is not None
        return descendants(self.process.pid)

    def run(self, *arguments: str, check: bool = True, **more: Any) -> subprocess.CompletedProcess[str]:
        """The command line against this node."""
        environment = {
            **self.environment,
            "TSUNAGU_URL": self.url,
            "TSUNAGU_TOKEN": self.token,
            "LANG": "C.UTF-8",
        }
        environment["XDG_CACHE_HOME"] = environment["XDG_STATE_HOME"] = str(self.home / "cache")
        environment.update(more.pop("env", {}))
        done = subprocess.run(
            [TSUNAGU, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            **more,
        )
        if check and done.returncode:
            raise AssertionError(
                f"tsunagu {' '.join(arguments)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
            )
        return done

    def json(self, *arguments: str) -> Any:
        """What a command prints with --json."""
        return json.loads(self.run(*arguments, "--json").stdout)

    def make_token(self, email: str) -> str:
        """An access token of a person, made if needed."""
        return self.run("admin", "token", email, "--home", str(self.home)).stdout.strip()

    def api(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> tuple[int, Any]:
        """A REST call: status and JSON."""
        headers = {"Authorization": f"Bearer {self.token if token is None else token}"} if token != "" else {}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.url}/api/v1{path}", method=method, data=data, headers=headers
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"null")

    def signed_in(self, email: str) -> urllib.request.OpenerDirector:
        """A browser of a person, who came by a one-time link: pages take no tokens."""
        link = self.run("admin", "link", email, "--home", str(self.home)).stdout.strip()
        jar = urllib.request.HTTPCookieProcessor()
        opener = urllib.request.build_opener(jar)
        with opener.open(link, timeout=60) as page:
            secret = page.read().decode().split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        form = urllib.parse.urlencode({"csrfmiddlewaretoken": secret}).encode()
        opener.open(urllib.request.Request(link, form, {"Referer": link}), timeout=60).close()
        return opener

    def wait_for_readings(self, dataset: str, *, timeout_s: float = 120) -> list[dict[str, Any]]:
        """The files of a dataset once every one of them has been read."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            files = self.json("files", dataset)
            if files and all(file["status"] != "pending" for file in files):
                return files
            time.sleep(0.3)
        raise AssertionError(f"still pending: {[f['path'] for f in files if f['status'] == 'pending'][:5]}")


def descendants(pid: int) -> list[int]:
    """Every process below one."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError, ValueError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == pid:
                    found += [int(entry.name), *descendants(int(entry.name))]
    return found


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@contextlib.contextmanager
def running_node(home: Path, extra: dict[str, str] | None = None, *, port: int = 0) -> Iterator[Node]:
    """A node with an owner's token, stopped at the end."""
    node = Node(home, port or free_port(), extra)
    node.start()
    try:
        node.token = node.make_token("owner@example.org")
        yield node
    finally:
        if node.process and node.process.poll() is None:
            try:
                node.stop()
            except subprocess.TimeoutExpired:
                node.kill()
