"""A time-stamp authority on loopback: ``openssl ts`` behind a small HTTP server, with faults on demand."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tsunagu.foundation.ledger.authorities import EmbeddedAuthority


class Authority:
    """The running authority; set ``fault`` to ``down``, ``replay``, ``html`` or ``redirect``."""

    def __init__(self, folder: Path) -> None:
        self.engine = EmbeddedAuthority(folder)
        self.ca_file = folder / "ca.crt"
        self.fault = ""
        self.queries: list[bytes] = []
        self.last = b""
        self.url = self.host = ""

    def answer(self, query: bytes) -> tuple[int, str, bytes]:
        self.queries.append(query)
        if self.fault == "down":
            return 503, "text/plain", b"down"
        if self.fault == "html":
            return 200, "text/html", b"<p>Welcome to the hotel's network</p>"
        if self.fault == "redirect":
            return 302, "text/plain", b""
        if self.fault != "replay":
            self.last = self.engine.ask(query)
        return 200, "application/timestamp-reply", self.last


@contextlib.contextmanager
def running_authority(folder: Path) -> Iterator[Authority]:
    """Start it on a free port."""
    authority = Authority(folder)
    assert authority.engine.certificates

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/timestamp-query"
            status, kind, body = authority.answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            if status == 302:
                self.send_header("Location", authority.url)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    authority.host = f"127.0.0.1:{server.server_port}"
    authority.url = f"http://{authority.host}/tsr"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield authority
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
