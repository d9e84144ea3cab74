"""The proxy that deploy/ hands out, in front of a real node: TLS, two names, large bodies."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests import nginx
from tests.node import Node, free_port

pytestmark = [
    pytest.mark.functional,
    pytest.mark.skipif(
        not (shutil.which("nginx") and shutil.which("openssl")), reason="nginx is not installed"
    ),
]
CONFIG = Path(__file__).resolve().parents[2] / "deploy" / "nginx" / "tsunagu.conf"
# The two names of one computer, as a browser and the client know them without DNS.
NAMES = {"bytes.data.example.ac.jp": "127.0.0.1", "data.example.ac.jp": "localhost"}


def _configuration(folder: Path, ports: dict[str, int]) -> Path:
    """The committed file with other names, ports and certificates, inside a frame without root."""
    text = CONFIG.read_text("utf-8")
    text = re.sub(r"^\s*listen \[::\].*\n", "", text, flags=re.MULTILINE)
    text = text.replace("listen 80;", f"listen 127.0.0.1:{ports['plain']};")
    text = text.replace("/etc/ssl/tsunagu/", f"{folder}/").replace(
        "127.0.0.1:8001", f"127.0.0.1:{ports['node'] + 1}"
    )
    text = text.replace("127.0.0.1:8000", f"127.0.0.1:{ports['node']}")
    control, data = text.split("# Bytes: uploads")
    text = control.replace("listen 443", f"listen 127.0.0.1:{ports['control']}")
    text += "# Bytes: uploads" + data.replace("listen 443", f"listen 127.0.0.1:{ports['bytes']}")
    # $host has no port; on one computer the node needs it to tell its own pages from others.
    text = text.replace("Host $host", "Host $http_host")
    for name, here in NAMES.items():
        text = text.replace(name, here)
    return nginx.framed(folder, text)


@pytest.fixture(scope="module")
def proxied(tmp_path_factory):
    folder = tmp_path_factory.mktemp("proxy")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=tsunagu",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", folder / "data.key", "-out", folder / "data.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    for end in ("key", "pem"):
        shutil.copy(folder / f"data.{end}", folder / f"bytes.{end}")
    ports = {"node": free_port(), "control": free_port(), "bytes": free_port(), "plain": free_port()}
    addresses = {
        "TSUNAGU_CONTROL_URL": f"https://localhost:{ports['control']}",
        "TSUNAGU_BYTES_URL": f"https://127.0.0.1:{ports['bytes']}",
        "SSL_CERT_FILE": str(folder / "data.pem"),
    }
    node = Node(folder / "home", ports["node"], addresses)
    node.start()
    proxy = subprocess.Popen(
        [
            "nginx",
            "-p",
            str(folder),
            "-c",
            str(_configuration(folder, ports)),
            "-e",
            str(folder / "error.log"),
        ]
    )
    try:
        node.token = node.make_token("owner@example.org")
        node.url = addresses["TSUNAGU_CONTROL_URL"]
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", ports["bytes"]), 1):
                break
            time.sleep(0.1)
        yield node, folder, addresses
    finally:
        proxy.terminate()
        proxy.wait(20)
        node.stop()


def test_files_of_every_size_pass_the_proxy(proxied, tmp_path):
    node, folder, _ = proxied
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "large.bin").write_bytes(os.urandom(40 << 20))
    (tmp_path / "in" / "small.csv").write_text("x,y\n1,2\n", "utf-8")
    node.run("project", "create", "lab")
    node.run("push", str(tmp_path / "in"), "lab/data")
    node.run("freeze", "lab/data")
    node.run("pull", "lab/data@1", str(tmp_path / "out"))
    for name in ("large.bin", "small.csv"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "in" / name).read_bytes()
    assert "/o/" not in (folder / "access.log").read_text("utf-8"), "capabilities stand in the proxy's log"


def _ask(url: str, folder: Path, **headers: str):
    trusted = ssl.create_default_context(cafile=str(folder / "data.pem"))
    try:
        return urllib.request.urlopen(
            urllib.request.Request(url, headers=headers), context=trusted, timeout=20
        )
    except urllib.error.HTTPError as error:
        return error


def test_what_the_proxy_keeps_to_itself(proxied):
    node, folder, addresses = proxied
    assert _ask(f"{node.url}/internal/commit", folder).status == 404
    assert _ask(f"{node.url}/healthz", folder).status == 200
    assert _ask(f"{addresses['TSUNAGU_BYTES_URL']}/healthz", folder).status == 200


def test_the_session_cookie_is_for_tls_alone(proxied):
    node, folder, _ = proxied
    with _ask(f"{node.url}/accounts/login/", folder) as page:
        assert page.status == 200
        assert "Secure" in page.headers["Set-Cookie"]
        assert page.headers["Strict-Transport-Security"]
