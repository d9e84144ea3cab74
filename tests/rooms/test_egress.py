"""The one way out refuses what must not be fetched, and nothing else fetches."""

from __future__ import annotations

import ast
import http.server
import socket
import threading
import time
from pathlib import Path

import pytest

from tsunagu.core import egress
from tsunagu.core import settings as node_settings

SOURCE = Path(__file__).resolve().parents[2] / "src" / "tsunagu"


class Site(http.server.BaseHTTPRequestHandler):
    """A small site with traps."""

    def do_GET(self):
        name, _, rest = self.path.lstrip("/").partition("/")
        if name == "to":
            self.send_response(302)
            self.send_header("Location", rest)
            self.end_headers()
            return
        self.send_response(404 if name == "missing" else 200)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        if name == "slow":
            for _ in range(100):
                try:
                    self.wfile.write(b"x")
                    self.wfile.flush()
                except OSError:
                    return
                time.sleep(0.1)
            return
        self.wfile.write(b"y" * (100_000 if name == "large" else 5))

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(int(self.path.rpartition("/")[2]))
        self.send_header("Retry-After", "7")
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(302 if self.path == "/away" else 418)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Location", "http://169.254.169.254/")
        self.end_headers()
        self.wfile.write(body * (1000 if self.path == "/large" else 1))

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def site():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture
def allowed(site, monkeypatch):
    node = node_settings.current()
    values = {**node.values, "egress_allowed": (f"localhost:{site}",)}
    monkeypatch.setattr(node_settings, "current", lambda: node_settings.Settings(node.home, values))
    return f"http://localhost:{site}"


def answer_with(monkeypatch, *addresses: str) -> None:
    def resolve(_host, port, **_):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/", "https://localhost/", "https://10.0.0.1/", "https://192.168.1.1/",
        "https://169.254.169.254/latest/meta-data/", "https://[::1]/", "https://[::ffff:127.0.0.1]/",
        "https://[fe80::1]/", "https://2130706433/", "https://0177.0.0.1/", "https://0.0.0.0/",
        "https://100.64.0.1/", "https://[2002:7f00:1::]/", "https://224.0.0.1/",
        "file:///etc/passwd", "gopher://example.org/", "http://example.org/", "https://user@example.org/",
        "https:///nowhere", "https://example.org:99999/",
    ],
)  # fmt: skip
def test_addresses_that_are_never_fetched(url):
    with pytest.raises(egress.EgressRefusedError):
        egress.fetch(url, most_bytes=10)


def test_one_private_answer_among_public_ones_refuses_all(monkeypatch):
    answer_with(monkeypatch, "198.41.0.4", "127.0.0.1")
    with pytest.raises(egress.EgressRefusedError):
        egress.fetch("https://example.org/", most_bytes=10)


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch):
    """A name server that answers differently the second time changes nothing: it is asked once."""
    asked, reached = [], []

    def resolve(host, port, **_):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("198.41.0.4", port))]

    def connect(address, **_):
        reached.append(address)
        raise OSError("no network here")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(egress.EgressFailedError):
        egress.fetch("https://example.org/", most_bytes=10)
    assert asked == ["example.org"]
    assert reached == [("198.41.0.4", 443)]


def test_a_named_host_is_fetched(allowed):
    found = egress.fetch(f"{allowed}/page", most_bytes=10)
    assert (found.content, found.media_type) == (b"yyyyy", "text/plain")


def test_a_redirect_is_checked_like_the_first_address(allowed, site):
    assert egress.fetch(f"{allowed}/to//page", most_bytes=10).content == b"yyyyy"
    for target in (f"http://127.0.0.1:{site}/page", "file:///etc/passwd", "https://169.254.169.254/"):
        with pytest.raises(egress.EgressRefusedError):
            egress.fetch(f"{allowed}/to/{target}", most_bytes=10)
    with pytest.raises(egress.EgressRefusedError, match="too often"):
        egress.fetch(f"{allowed}/to/{allowed}/to/{allowed}/to/{allowed}/to/{allowed}/page", most_bytes=10)


def test_size_time_and_status_are_limited(allowed):
    with pytest.raises(egress.EgressFailedError, match="longer"):
        egress.fetch(f"{allowed}/large", most_bytes=99_999)
    began = time.monotonic()
    with pytest.raises(egress.EgressFailedError):
        egress.fetch(f"{allowed}/slow", most_bytes=1000, timeout_s=0.5)
    assert time.monotonic() - began < 20
    with pytest.raises(egress.EgressFailedError, match="404"):
        egress.fetch(f"{allowed}/missing", most_bytes=10)


def test_what_is_posted_goes_where_it_may_and_follows_no_redirect(allowed, site):
    """Private and without TLS only where the administrator named the host; a redirect is an answer."""
    base = f"http://localhost:{site}"
    answer = egress.post(f"{base}/a", b"abc", media_type="text/plain", most_bytes=10)
    assert (answer.status, answer.media_type, answer.content) == (418, "text/plain", b"abc")
    assert egress.post(f"{base}/away", b"abc", media_type="text/plain", most_bytes=10).status == 302
    with pytest.raises(egress.EgressFailedError, match="longer"):
        egress.post(f"{base}/large", b"abc", media_type="text/plain", most_bytes=2999)
    with pytest.raises(egress.EgressRefusedError):
        egress.post("file:///etc/passwd", b"", media_type="text/plain", most_bytes=10)
    with pytest.raises(egress.EgressRefusedError):
        egress.post("http://127.0.0.1:9/a", b"", media_type="text/plain", most_bytes=10)


def test_an_exchange_hands_back_whatever_was_answered(allowed, site):
    """Refusals are answers: what a registry says of a bad record is in their body."""
    base = f"http://localhost:{site}"
    for status in (200, 302, 422, 429, 503):
        answer = egress.exchange("PUT", f"{base}/{status}", b"abc", media_type="text/plain", most_bytes=3)
        assert (answer.status, answer.content, answer.retry_after) == (status, b"abc", "7")
    assert egress.exchange("GET", f"{base}/missing").status == 404
    with pytest.raises(egress.EgressFailedError, match="longer"):
        egress.exchange("PUT", f"{base}/200", b"abcd", most_bytes=3)
    with pytest.raises(egress.EgressRefusedError):
        egress.exchange("PUT", "http://127.0.0.1:9/a", b"")


def test_nothing_else_fetches():
    """The client runs elsewhere; the byte server, the gate and ``check`` speak to this node alone, the store to its store."""
    own = {
        "compute/gate/control.py",
        "core/egress.py",
        "dataplane/control.py",
        "doors/cli/check.py",
        "doors/cli/running.py",
        "doors/cli/up.py",
        "core/blobs/multipart.py",
    }
    clients = {"requests", "httpx", "urllib3", "aiohttp", "http.client", "urllib.request"}
    found = []
    for file in SOURCE.rglob("*.py"):
        name = file.relative_to(SOURCE).as_posix()
        if name.startswith("client/") or "tests" in file.parts or name in own:
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [f"{node.module}"] if isinstance(node, ast.ImportFrom) else []
            names += (
                [f"{node.module}.{a.name}" for a in node.names] if isinstance(node, ast.ImportFrom) else []
            )
            found += [f"{name}: {n}" for n in names if n in clients]
    assert not found


def test_the_text_of_an_answer_is_one_that_every_database_takes():
    """PostgreSQL refuses NUL, and what an agency or a repository said is kept."""
    answer = egress.Answered(500, b'{"log": "a\0b\\u0000c\xff"}', "application/json", "")
    assert answer.text == '{"log": "abc\ufffd"}'
