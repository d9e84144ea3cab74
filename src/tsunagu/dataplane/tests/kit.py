"""A small control server, a real byte server as a process, and the requests that the tests make."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from tsunagu.core.blobs import BlobStore, open_store
from tsunagu.core.blobs.chunks import object_key
from tsunagu.core.blobs.sealed import SealedStore
from tsunagu.core.bundle import END, MEDIA_TYPE, encode_header
from tsunagu.core.capabilities import KeyCarrier, Signer
from tsunagu.core.ids import new_id
from tsunagu.dataplane.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

ORIGIN = "http://localhost:8000"


class FakeControl:
    """Takes commits as control does: signed, once per unit. Keeps them in a file-less table."""

    def __init__(self, signer: Signer) -> None:
        self.signer = signer
        self.units: dict[str, dict[str, Any]] = {}
        self.objects: dict[str, dict[str, Any]] = {}
        self.listing: list[list[Any]] = []
        self.staged: dict[str, dict[str, Any]] = {}
        self.known: dict[str, int] = {}
        self.refuse: tuple[int, dict[str, Any]] | None = None
        self.answer_then_fail = False
        self.is_broken = False
        control = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, answer = control.handle(self.path, body, self.headers.get("Tsunagu-Signature", ""))
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_args: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def handle(self, path: str, body: bytes, signature: str) -> tuple[int, dict[str, Any]]:
        if not self.signer.check_message(body, signature):
            return 403, {"code": "core.forged", "title": "forged"}
        message = json.loads(body)
        if self.is_broken:
            return 500, {}
        return self.refuse or self._answer(path, message)

    def _answer(self, path: str, message: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if path == "/internal/listing":
            rows = [row for row in self.listing if row[0] > message["after"]][:3]
            more = bool(rows) and rows[-1] != self.listing[-1]
            return 200, {"files": rows, "next": rows[-1][0] if more else None}
        if path == "/internal/known":
            return 200, {"known": {one: self.known[one] for one in message["hashes"] if one in self.known}}
        if path == "/internal/staged":
            kept = self.staged.setdefault(message["unit"], message)
            return (500, {}) if self.answer_then_fail else (200, {"key": kept["object"]["key"]})
        if message["unit"] not in self.units:
            total = sum(row[1] for row in message["files"])
            self.units[message["unit"]] = {
                "files": len(message["files"]),
                "bytes": total,
                "new_bytes": total,
                "committed_at": "2026-04-01T00:00:00.000Z",
            }
            self.objects[message["object"]["key"]] = message
        if self.answer_then_fail:
            return 500, {}
        return 200, self.units[message["unit"]]

    def rows(self) -> dict[str, tuple[int, str, str, int]]:
        """path -> size, sha256, key, offset of everything committed."""
        found = {}
        for key, message in self.objects.items():
            for path, size, sha256, offset in message["files"]:
                found[path] = (size, sha256, key, offset)
        return found

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class ByteNode:
    """A byte server as its own process."""

    def __init__(self, home: Path, *, store_url: str = "", is_sealed: bool = False, **changes: Any) -> None:
        self.home = home
        self.data_key = os.urandom(32) if is_sealed else b""
        home.mkdir(parents=True, exist_ok=True)
        (home / "objects").mkdir(exist_ok=True)
        self.signer = Signer.from_file(home / "key")
        self.control = FakeControl(self.signer)
        self.port = _free_port()
        self.settings = Settings(
            control_url=self.control.url,
            control_origin=ORIGIN,
            store_url=store_url or (home / "objects").as_uri(),
            key_file=home / "key",
            spool_dir=home / "spool",
            port=self.port,
            **changes,
        )
        self.store = open_store(
            self.settings.store_url,
            options={"spool": str(home / "spool" / "store"), **self.settings.store_options},
        )
        self.run, self.dataset = new_id(), new_id()
        self.carrier = KeyCarrier(self.settings.spool_dir)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, *, limit_bytes: int = 0) -> None:
        config = self.home / "bytes.json"
        config.write_text(json.dumps(self.settings.to_dict()))
        command = [sys.executable, "-m", "tsunagu.dataplane.serve", "--config", str(config)]
        if limit_bytes:
            command = ["prlimit", f"--fsize={limit_bytes}", *command]
        path = os.pathsep.join(entry for entry in sys.path if entry)
        self.log = (self.home / "bytes.log").open("ab")
        self.process = subprocess.Popen(
            command, stderr=self.log, env={**os.environ, "PYTHONPATH": path}, start_new_session=True
        )
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.ask("GET", "/healthz").status == 200:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.03)
        raise RuntimeError((self.home / "bytes.log").read_text())

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            if number is signal.SIGKILL:
                os.killpg(self.process.pid, number)
            else:
                self.process.send_signal(number)
        self.process.wait(timeout=40)
        self.process = None
        self.log.close()

    def close(self) -> None:
        self.stop()
        self.control.close()

    def token(self, **claims: Any) -> str:
        values = {"run": self.run, "ds": self.dataset, "max": None, **claims}
        if self.data_key:
            domain = values.setdefault("dom", values["ds"])
            values.setdefault("dk", self.carrier.hide(self.data_key, f"push {values['run']} {domain}"))
        return self.signer.sign("push", lifetime_s=values.pop("lifetime_s", 900), **values)

    def stage_token(self, purpose: str = "stage", *, lifetime_s: float = 900, **claims: Any) -> str:
        """A capability to send ahead of a commit."""
        values = {"ds": self.dataset, "who": ["person", new_id(), ""], **claims}
        if self.data_key:
            values |= {"dom": self.dataset}
            values["dk"] = self.carrier.hide(self.data_key, f"stage {self.dataset} {self.dataset}")
        return self.signer.sign(purpose, lifetime_s=lifetime_s, **values)

    def staged_content(self, sha256: str) -> bytes:
        """What the store holds for an object that waits."""
        message = next(one for one in self.control.staged.values() if one["sha256"] == sha256)
        with self.reading().open(message["object"]["key"], 0, message["bytes"]) as reader:
            return b"".join(reader.pieces())

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One request on its own connection; header names are written with ``_``."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): v for name, v in headers.items()})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def send_bundle(
        self, body: bytes | Iterable[bytes], unit: str = "", media_type: str = MEDIA_TYPE, **headers: str
    ) -> Answer:
        return self.ask(
            "POST",
            "/bundles",
            body,
            Authorization=f"Bearer {self.token()}",
            Content_Type=media_type,
            Tsunagu_Bundle_Id=unit or new_id(),
            **headers,
        )

    def get_token(self, path: str, **claims: Any) -> str:
        size, sha256, key, offset = self.control.rows()[path]
        values = {"k": key, "o": offset, "n": size, "h": sha256, "f": path, **claims}
        if self.data_key:
            values.setdefault("sk", self.hidden(values["k"]))
        return self.signer.sign("get", lifetime_s=60, **values)

    def content(self, path: str) -> bytes:
        """What the store holds for a committed path, straight from the store."""
        size, _, key, offset = self.control.rows()[path]
        with self.reading().open(key, offset, size) as reader:
            return b"".join(reader.pieces())

    def reading(self) -> BlobStore:
        """The store as one who has the key reads it."""
        return SealedStore.of(self.store, self.data_key) if self.data_key else self.store

    def hidden(self, key: str) -> str:
        """What control gives the byte server so that it can read an object."""
        return self.carrier.hide(object_key(self.data_key, key), f"get {key}") if self.data_key else ""

    def stored_keys(self) -> set[str]:
        return {found.key for found in self.store.list()}

    def empty(self) -> None:
        """Forget everything that was sent ahead of a commit."""
        control = self.control
        control.staged.clear()
        control.known.clear()
        control.refuse, control.answer_then_fail = None, False
        folder = open_store((self.settings.spool_dir / "xet").as_uri())
        for store in (self.store, folder):
            for found in list(store.list()):
                store.delete(found.key)

    def raw(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)


def bundle(files: Iterable[tuple[str, bytes]], *, end: bytes = END) -> bytes:
    return (
        b"".join(encode_header(path, len(data), hashlib.sha256(data).digest()) + data for path, data in files)
        + end
    )


def tus_headers(token: str, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Tus_Resumable": "1.0.0", **more}


def read_log(node: ByteNode) -> Iterator[dict[str, Any]]:
    for line in (node.home / "bytes.log").read_text().splitlines():
        yield json.loads(line)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def path_of(url: str) -> str:
    return urlsplit(url).path
